"""What `check` finds out about a bus: its true speed, its wires, and who else is on it."""

from __future__ import annotations

import pytest

from bedtick.firmware.bus import I2CBus
from bedtick.firmware.emulator import EmulatedAdapter, EmulatedClock, Faults, Still
from bedtick.firmware.emulator.chips import EMULATED_CHIPS
from bedtick.firmware.scan import scan
from bedtick.logger.check.bus import (
    MOST_IN_A_ROW,
    READS,
    Trial,
    asked_hz,
    judge_neighbours,
    judge_speed,
    judge_wires,
    speed_hz_from,
    try_bus,
)
from bedtick.logger.check.finding import FAILURE, GOOD, WARNING

ADXL345, CLOCK_MODULE = 0x53, 0x68


class Module:
    """Something that answers every read with the same byte."""

    def write(self, data):
        """Take anything."""

    def read(self, length):
        """Give what no accelerometer says."""
        return b"\x2a" * length


@pytest.fixture
def clock():
    """Return an emulated clock, which moves by what transfers take."""
    return EmulatedClock(5_000_000_000)


@pytest.fixture
def make_bus(clock):
    """Return a function that makes a bus with an ADXL345, and other devices where given."""

    def make(others=None, **options):
        chip = EMULATED_CHIPS["adxl345"][0](Still(), clock)
        return I2CBus(EmulatedAdapter({ADXL345: chip, **(others or {})}, clock, **options), "emulated")

    return make


@pytest.mark.parametrize("bus_hz", [62_500, 100_000, 250_000, 400_000])
def test_true_speed_of_a_bus(make_bus, clock, bus_hz):
    """The clock rate is told from the time that reads take, within 1 %."""
    trial = try_bus(make_bus(bus_hz=bus_hz), ADXL345, clock)
    assert trial.speed_hz == pytest.approx(bus_hz, rel=0.01)
    assert (trial.transfers, trial.failures, trial.given_up) == (2 * READS, 0, 0)


def test_speed_in_spite_of_a_slow_host(make_bus, clock):
    """What comes on top of some reads does not change the speed by more than 10 %."""
    faults = Faults()
    faults.slow_randomly(1, 0.2, 30_000_000)
    trial = try_bus(make_bus(bus_hz=100_000, faults=faults), ADXL345, clock)
    assert trial.speed_hz == pytest.approx(100_000, rel=0.1)


@pytest.mark.parametrize(("short_ns", "long_ns"), [([], [1]), ([1], []), ([1000], [1001]), ([1000], [900])])
def test_speed_that_can_not_be_told(short_ns, long_ns):
    """Without good reads of both lengths, or faster than any wire, there is no speed."""
    assert speed_hz_from(short_ns, long_ns) is None
    assert judge_speed("/dev/i2c-1", Trial(None, 1, 0, 0), 100_000).state == GOOD


def test_speed_beside_what_was_asked_for(tmp_path):
    """The device tree's rate is read from the kernel's file; a slower bus is told, and why it may be."""
    node = tmp_path / "i2c-1" / "of_node"
    node.mkdir(parents=True)
    (node / "clock-frequency").write_bytes(b"\x00\x01\x86\xa0")
    assert asked_hz("/dev/i2c-1", tmp_path) == 100_000
    assert asked_hz("/dev/i2c-2", tmp_path) is None
    slow = judge_speed("/dev/i2c-1", Trial(62_500, 200, 0, 0), 100_000)
    assert slow.sentence == "/dev/i2c-1 runs at about 62 kHz of 100 kHz asked for"
    assert "core clock" in slow.advice
    assert judge_speed("/dev/i2c-1", Trial(99_000, 200, 0, 0), 100_000).advice == ""
    assert judge_speed("emulated", Trial(62_500, 200, 0, 0), None).advice == ""


def test_weak_pull_ups_are_counted(make_bus, clock):
    """Reads that go well when tried again are counted as failures of the wires, and do not fool the speed."""
    faults = Faults()
    faults.fail_randomly(7, nack=0.03)
    trial = try_bus(make_bus(bus_hz=100_000, faults=faults), ADXL345, clock)
    assert 0 < trial.failures < 0.1 * trial.transfers
    assert trial.transfers == 2 * READS + trial.failures
    assert trial.given_up == 0
    assert trial.speed_hz == pytest.approx(100_000, rel=0.01)
    finding = judge_wires(trial)
    assert finding.state == WARNING
    assert finding.sentence.endswith("all went well when tried again")
    assert "pull-ups" in finding.advice


def test_dead_bus_is_soon_given_up(make_bus, clock):
    """On a stuck bus the reads end after a few, and that is a failure."""
    faults = Faults()
    faults.bus_stuck = True
    trial = try_bus(make_bus(faults=faults), ADXL345, clock)
    assert trial.given_up == MOST_IN_A_ROW
    assert trial.transfers < 2 * READS
    assert judge_wires(trial).state == FAILURE


@pytest.mark.parametrize(
    ("trial", "state"),
    [
        (Trial(1e5, 200, 0, 0), GOOD),
        (Trial(1e5, 201, 1, 0), WARNING),
        (Trial(1e5, 200, 8, 8), WARNING),
        (Trial(1e5, 240, 40, 0), FAILURE),
    ],
)
def test_wires_by_their_failures(trial, state):
    """One failure is a warning, one in ten is a failure."""
    assert judge_wires(trial).state == state


def test_neighbours_on_the_bus(make_bus, clock):
    """A clock module is named and no fault; a second sensor that is not in the settings is a warning."""
    lone = scan(make_bus(), clock)
    assert judge_neighbours(lone, 1).state == GOOD
    beside = judge_neighbours(scan(make_bus({CLOCK_MODULE: Module()}), clock), 1)
    assert beside.state == GOOD
    assert "0x68" in beside.sentence
    second = EMULATED_CHIPS["adxl345"][0](Still(), clock)
    both = scan(make_bus({0x1D: second}), clock)
    assert judge_neighbours(both, 1).state == WARNING
    assert "[[sensor]]" in judge_neighbours(both, 1).sentence
    assert judge_neighbours(both, 2).state == GOOD


def test_address_that_the_kernel_owns(make_bus, clock):
    """A driver of the kernel is named, and how to be rid of it."""
    faults = Faults()
    faults.kernel_drivers[CLOCK_MODULE] = "rtc-ds1307"
    finding = judge_neighbours(scan(make_bus(faults=faults), clock), 1)
    assert finding.state == WARNING
    assert "rtc-ds1307" in finding.sentence
