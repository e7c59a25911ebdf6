"""What the LIS3DH driver does on its own; what every driver does is in `test_chip_contract.py`."""

import numpy as np
import pytest

from bedtick.firmware.chips import CHIPS, Identity
from bedtick.firmware.chips import lis3dh_registers as reg
from bedtick.firmware.emulator import RecordingSource, Still
from bedtick.firmware.emulator.chips import lis3dh_output
from bedtick.firmware.errors import ChipError, ConfigurationLostError

ADDRESS = 0x18


@pytest.fixture
def make(make_rig):
    """Return a function that builds (driver, rig, clock) with an emulated LIS3DH."""
    return lambda source=None, **options: make_rig(source or Still(), "lis3dh", **options)


@pytest.fixture
def fine_ramp(recording_of):
    """Return a recording at 100 Hz whose row k is k mg on x and -k mg on y: finer than the FIFO's step."""
    k = np.arange(1200.0)
    return RecordingSource(recording_of(np.stack((k, -k, np.full(1200, 1000.0)), axis=1) / 1000))


def begin(made, rate_hz=100, range_g=2):
    """Configure and start what was made."""
    driver, _, _ = made
    driver.configure(rate_hz, range_g)
    driver.start()
    return made


def wait(clock, seconds):
    """Let time pass."""
    clock.sleep_until(clock.boot_ns() + round(seconds * 1e9))


def watch_reads(rig):
    """Return the list that grows by (pointer, length) with each read."""
    reads, chip_read = [], rig.chip.read

    def read(length):
        reads.append((rig.chip._pointer, length))
        return chip_read(length)

    rig.chip.read = read
    return reads


def test_the_part_is_named_as_far_as_it_can_be_told(make):
    """LIS3DH and LIS2DH12 answer alike, and the identity says so."""
    driver, _, _ = make()
    assert driver.identify() == Identity("LIS3DH or LIS2DH12")


def test_another_chip_is_told_what_was_expected(make):
    """Another identity is a ChipError with what a LIS3DH would have read."""
    driver, rig, _ = make()
    rig.faults.identity = 0xE5
    with pytest.raises(ChipError, match=r"0x18.*0xE5.*expected 0x33"):
        driver.identify()


@pytest.mark.parametrize(
    ("rate_hz", "ctrl1", "fifo_ctrl"), [(100, 0x57, 0x84), (200, 0x67, 0x88), (400, 0x77, 0x90)]
)
@pytest.mark.parametrize(("range_g", "ctrl4"), [(2, 0x80), (4, 0x90), (8, 0xA0), (16, 0xB0)])
def test_every_setting_reaches_the_chip(make, rate_hz, ctrl1, fifo_ctrl, range_g, ctrl4):
    """After a start each register holds rate, range and watermark, and nothing left behind by others."""
    driver, rig, clock = make()
    for register in reg.UNUSED:
        rig.bus.write(ADDRESS, register.address, b"\x11")
    begin((driver, rig, clock), rate_hz, range_g)
    assert rig.bus.read(ADDRESS, 0x1F | 0x80, 8) == bytes((0xC0, ctrl1, 0, 0x04, ctrl4, 0x40, 0, 0))
    assert rig.bus.read(ADDRESS, 0x2E, 1)[0] == fifo_ctrl
    assert rig.bus.read(ADDRESS, 0x30 | 0x80, 16) == bytes(16)


def test_configuring_loads_the_trimming_and_waits_for_it(make):
    """The trimming values are loaded anew, and nothing is written while that goes on."""
    driver, rig, clock = make()
    stores, store = [], rig.chip._store

    def watch(register, value):
        stores.append((clock.boot_ns(), register, value))
        store(register, value)

    rig.chip._store = watch
    driver.configure(400, 2)
    (boot, (at_ns, _, _)) = next(
        (number, entry) for number, entry in enumerate(stores) if entry[1:] == (0x24, 0x80)
    )
    assert stores[boot - 1][1:] == (0x20, 0x07)
    assert stores[boot + 1][0] - at_ns >= 5_000_000


def test_a_register_that_does_not_hold_is_named(make):
    """A failed read-back is a ChipError with register, wanted and got."""
    driver, rig, _ = make()
    keep = rig.chip._store
    rig.chip._store = lambda register, value: keep(register, 0 if register == 0x23 else value)
    with pytest.raises(ChipError, match=r"CTRL_REG4 was set to 0x90 but reads 0x00 \(bad wiring"):
        driver.configure(400, 4)


def test_a_drain_takes_two_reads_and_an_empty_one_takes_one(make):
    """One read of two bytes tells constant and level, one of all the sets brings the data."""
    driver, rig, clock = begin(make(), 400)
    wait(clock, 0.0301)
    reads = watch_reads(rig)
    assert driver.drain().produced == 13
    assert reads == [(0xAE, 2), (0xA8, 6 * 13)]
    assert driver.drain().produced == 0
    assert reads[2:] == [(0xAE, 2)]


def test_the_steps_of_the_fifo_are_4_mg(make, fine_ramp):
    """The ramp of 1 mg a row is rounded to counts of 4 mg, on x as on y, up and down."""
    driver, rig, clock = begin(make(fine_ramp))
    blocks = []
    while not rig.chip.ended:
        wait(clock, 0.1)
        blocks.append(driver.drain().counts)
    counts = np.concatenate(blocks)
    assert len(counts) == 1200
    assert np.abs(counts[:, 0] - np.arange(1200) / 4).max() <= 0.5
    assert np.abs(counts[:, 1] + np.arange(1200) / 4).max() <= 0.5
    assert set(counts[:, 2]) == {250}


def test_31_sets_are_no_overrun_and_a_full_fifo_is_one(make, fine_ramp):
    """The level stops at 31; full, all 32 sets are handed over and marked, for some may be lost."""
    driver, _, clock = begin(make(fine_ramp))
    wait(clock, 0.305)
    block = driver.drain()
    assert (block.produced, len(block.counts), block.overrun) == (31, 31, False)
    wait(clock, 0.32)
    block = driver.drain()
    assert (block.produced, len(block.counts), block.overrun) == (32, 32, True)
    assert block.counts[0, 0] == round(31 / 4)


def test_the_level_of_an_empty_fifo_is_not_believed(make):
    """Where the FIFO says that it is empty, nothing is read, whatever its level shows."""
    driver, rig, _ = begin(make())
    rig.chip._fifo_source = lambda: 0x20 | 7
    block = driver.drain()
    assert (block.produced, len(block.counts), block.overrun) == (0, 0, False)


@pytest.mark.parametrize(("held_up_s", "overrun"), [(0.005, False), (0.06, True)])
def test_a_drain_that_is_held_up_between_its_reads_says_so(make, held_up_s, overrun):
    """Where the FIFO may have run over after its level was read, the block is marked."""
    driver, rig, clock = begin(make(), 400)
    wait(clock, 0.03)
    read = rig.bus.read

    def slow_read(address, register, length):
        values = read(address, register, length)
        if register == 0xAE:
            wait(clock, held_up_s)
        return values

    rig.bus.read = slow_read
    assert driver.drain().overrun is overrun


def test_an_empty_drain_that_is_held_up_leaves_the_overrun_to_the_next(make):
    """What runs over after an empty level is told by the chip itself, with the sets."""
    driver, _, clock = begin(make(), 400)
    driver.drain()
    read_run = driver._chip.read_run
    driver._chip.read_run = lambda register, length: (read_run(register, length), wait(clock, 0.2))[0]
    assert not driver.drain().overrun
    driver._chip.read_run = read_run
    assert driver.drain().overrun


def test_a_constant_that_changed_is_lost_configuration(make):
    """The error names register, wanted and got, and no data is read any more."""
    driver, rig, clock = begin(make())
    wait(clock, 0.05)
    rig.chip.lose_power()
    reads = watch_reads(rig)
    with pytest.raises(ConfigurationLostError, match=r"FIFO_CTRL_REG reads 0x00 instead of 0x84"):
        driver.drain()
    assert len(reads) == 1


def test_the_self_test_pushes_and_puts_everything_back(make):
    """The shift is the middle of the limits, taken at 2 g and 50 Hz; then the settings are as before."""
    driver, rig, _ = make()
    driver.configure(400, 8)
    before = rig.bus.read(ADDRESS, 0x1F | 0x80, 8)
    result = driver.self_test()
    assert result.shift_counts == pytest.approx((188.5,) * 3, abs=2)
    assert result.limits == ((17, 360),) * 3
    assert rig.bus.read(ADDRESS, 0x1F | 0x80, 8) == before
    assert rig.bus.read(ADDRESS, 0x2E, 1) == b"\x90"


def test_the_self_test_takes_a_push_in_either_direction(make, monkeypatch):
    """The data sheet limits the size of the shift only."""
    monkeypatch.setattr(lis3dh_output, "SELF_TEST_SHIFT_G", -0.7)
    driver, _, _ = make()
    result = driver.self_test()
    assert result.passed
    assert result.shift_counts == pytest.approx((175,) * 3, abs=2)


def test_a_self_test_before_any_configuring_leaves_the_chip_in_standby(make):
    """Without settings to go back to, the chip rests."""
    driver, rig, _ = make()
    assert driver.self_test().passed
    assert rig.bus.read(ADDRESS, 0x20, 1)[0] >> 4 == 0


def test_the_thermometer_wakes_a_resting_chip_only(make):
    """In standby the chip is woken and put to rest again; measuring, it goes on undisturbed."""
    driver, rig, clock = make()
    driver.configure(400, 2)
    assert driver.temperature_c() == pytest.approx(21.0)
    assert rig.bus.read(ADDRESS, 0x20, 1) == b"\x07"
    driver.start()
    rig.chip.temperature_c = -3.25
    wait(clock, 0.01)
    before_ns = clock.boot_ns()
    assert driver.temperature_c() == pytest.approx(-3.25)
    assert clock.boot_ns() - before_ns < 1_000_000
    assert rig.bus.read(ADDRESS, 0x20, 1) == b"\x77"


def test_the_time_for_a_set_is_that_of_six_bytes(make):
    """Measured on an emulated 400 kHz bus in reads of 16 sets: 54 clocks and a share of the address."""
    driver, _, _ = make()
    driver.configure(400, 2)
    assert driver.measure_set_s() == pytest.approx((54 + 30 / 16) / 400_000, rel=0.001)


def test_the_noise_figure_is_white_noise_and_rounding():
    """220 micro-g per root hertz over half the rate, and the step at that range; 3.3 mg at 400 Hz and 2 g."""
    driver = CHIPS["lis3dh"](None, ADDRESS, None)
    assert driver.noise_mg(400, 2) == pytest.approx((3.32,) * 3, abs=0.01)
    assert driver.noise_mg(100, 16) == pytest.approx((13.94,) * 3, abs=0.01)
