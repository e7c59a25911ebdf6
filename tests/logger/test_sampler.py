"""Sampling goes on through every fault, and the sample index stays aligned with time."""

from __future__ import annotations

import errno
import logging
import sqlite3

import numpy as np
import pytest

from bedtick.firmware.chips import CHIPS, Block
from bedtick.firmware.emulator import EmulatedClock, RecordingSource, build_emulator
from bedtick.firmware.errors import BusError
from bedtick.firmware.sample_clock import SampleClock
from bedtick.logger.daemon import Control, record
from bedtick.logger.rig import Rig, site_of
from bedtick.logger.sampling.sampler import Sampler
from bedtick.logger.settings import SensorSettings, Settings
from bedtick.logger.store.codec import unpack
from bedtick.logger.tap.listener import TapListener
from bedtick.logger.wall_clock import EmulatedWallClock

LASTS_S = 60
SETTINGS = Settings(sensors=(SensorSettings(rate_hz=400),))
PERIOD = 1999  # samples after which the ramp begins anew: about 5 s


class Night:
    """One short recording of a ramp, whose every sample tells its own number, and the faults done to it.

    `faults` maps seconds to functions of the emulated rig and its clock; each is called once.
    """

    def __init__(self, path, recording, faults=None):
        self.path = path
        clock = EmulatedClock(7_000_000_000)
        emulated = build_emulator(RecordingSource(recording), clock)
        due = sorted((faults or {}).items())
        start_ns = clock.boot_ns()

        def stop():
            while due and clock.boot_ns() - start_ns >= due[0][0] * 1e9:
                due.pop(0)[1](emulated, clock)
            return False

        rig = Rig(
            CHIPS["adxl345"](emulated.bus, emulated.address, clock),
            emulated.address,
            "emulated",
            clock,
            EmulatedWallClock(clock, None, synced=False),
            source="emulated",
            sensor=SETTINGS.sensor,
            has_ended=lambda: emulated.chip.ended,
        )
        record(site_of(rig), SETTINGS, path, Control(stop))
        assert not due

    def rows(self, sql):
        """All rows of a query."""
        with sqlite3.connect(self.path) as db:
            return db.execute(sql).fetchall()

    def faults(self):
        """Kinds and lost samples, in order."""
        return self.rows("SELECT kind, lost_samples FROM faults ORDER BY id")

    def off_by(self):
        """How far each stored sample's index is from its number, in samples: (index, difference)."""
        index, number = [], []
        for first, count, data in self.rows(
            "SELECT first_sample, sample_count, data FROM raw_chunks ORDER BY first_sample"
        ):
            index.append(np.arange(first, first + count))
            number.append(unpack(data, count)[:, 0] + PERIOD // 2)
        index, number = np.concatenate(index), np.concatenate(number)
        half = PERIOD // 2
        return index, (number - index - (number[0] - index[0]) + half) % PERIOD - half


@pytest.fixture
def ramp(recording_of):
    """Return a function that makes the ramp at a true rate, without the rows that `keep` leaves out."""

    def make(rate_hz=400.0, keep=None):
        k = np.arange(round(LASTS_S * rate_hz))
        counts = np.stack([k % PERIOD - PERIOD // 2, 0 * k, 256 + 0 * k], axis=1)
        keep = np.ones(len(k), bool) if keep is None else keep(k / rate_hz)
        return recording_of(counts[keep] / 256, t_s=(k / rate_hz)[keep])

    return make


def late(duration_s):
    """Wake up late."""
    return lambda _rig, clock: clock.advance(round(duration_s * 1e9))


def no_answer(transfers):
    """Let the next transfers fail."""
    return lambda rig, _clock: rig.faults.nack_next(transfers)


def stuck_bus(transfers):
    """Let the next transfers take the controller's time-out each."""
    return lambda rig, _clock: rig.faults.timeout_next(transfers)


def gone(rig, _clock):
    """Let the adapter vanish."""
    rig.faults.bus_gone = True


def bus_is_back(rig, _clock):
    """Let it be found again, where it had vanished."""
    rig.faults.bus_gone = False


def broken_off(rig, _clock):
    """Break off the sets themselves after their level was read: the chip has given them away."""
    take, due = rig.faults.take, [None, 5]
    rig.faults.take = lambda: due.pop(0) if due else take()


def unplugged(rig, _clock):
    """Let nobody answer."""
    rig.faults.unplugged = True


def plugged_in(rig, _clock):
    """Let the sensor answer again."""
    rig.faults.unplugged = False


def power_loss(rig, _clock):
    """Bring the chip back with reset values."""
    rig.chip.lose_power()


def garbled(rig, _clock):
    """Let the chip lose its settings and answer as another one."""
    rig.chip.lose_power()
    rig.faults.identity = 0x33


def itself_again(rig, _clock):
    """Let the chip answer as itself."""
    rig.faults.identity = None


def test_without_a_fault_nothing_is_lost(tmp_path, ramp):
    """An undisturbed minute has every sample once, at its own index, and no fault."""
    night = Night(tmp_path / "a.db", ramp(403.0))
    index, off = night.off_by()
    assert night.faults() == []
    assert index.tolist() == list(range(LASTS_S * 403))
    assert not off.any()


@pytest.mark.parametrize("rate_hz", [388.0, 400.0, 412.0])
@pytest.mark.parametrize("duration_s", [0.3, 2.0])
def test_an_overrun_is_counted(tmp_path, ramp, rate_hz, duration_s):
    """After a late drain the lost samples are counted exactly, whatever the true rate, and noted."""
    night = Night(tmp_path / "a.db", ramp(rate_hz), {30: late(duration_s)})
    ((kind, lost),) = night.faults()
    assert kind == "overrun"
    assert lost == pytest.approx(duration_s * rate_hz - 33 + 0.032 * rate_hz, abs=16)
    index, off = night.off_by()
    assert not off.any()
    assert len(index) + lost == LASTS_S * rate_hz


@pytest.mark.parametrize(
    ("fault", "kinds"),
    [
        (no_answer(1), []),
        (no_answer(4), []),
        (no_answer(5), ["bus"]),
        (no_answer(60), ["bus"]),
        (stuck_bus(1), ["bus"]),
        (stuck_bus(12), ["bus"]),
        (broken_off, ["bus"]),
        (power_loss, ["bus"]),
        (gone, ["bus"]),
    ],
)
def test_faults_of_the_bus_are_survived(tmp_path, ramp, fault, kinds):
    """No answer, a stuck or vanished bus, a broken transfer, lost power: one row with the exact cost."""
    night = Night(tmp_path / "a.db", ramp(405.0), {30: fault, 35: bus_is_back})
    assert [kind for kind, _ in night.faults()] == kinds
    index, off = night.off_by()
    assert not off.any()
    assert len(index) + sum(lost for _, lost in night.faults()) == LASTS_S * 405
    assert len(index) > 0.8 * LASTS_S * 405


@pytest.mark.parametrize("lasts_s", [18.0, 20.3, 21.1, 25.0])
def test_a_silence_is_counted_to_the_sample(tmp_path, ramp, lasts_s):
    """What is counted while a silence goes on is never more than it turns out to have cost."""
    night = Night(tmp_path / "a.db", ramp(399.0), {30: unplugged, 30 + lasts_s: plugged_in})
    index, off = night.off_by()
    assert not off.any()
    assert len(index) + sum(lost for _, lost in night.faults()) == LASTS_S * 399
    assert [kind for kind, _ in night.faults()] == ["bus"] + ["silent"] * (lasts_s > 20)


def test_a_chip_that_is_another_for_a_while_is_taken_back(tmp_path, ramp):
    """While something else answers in the chip's place it is tried again, and nothing is made up."""
    night = Night(tmp_path / "a.db", ramp(400.0), {20: garbled, 23: itself_again})
    ((kind, lost),) = night.faults()
    index, off = night.off_by()
    assert kind == "bus"
    assert not off.any()
    assert len(index) + lost == LASTS_S * 400
    assert lost > 3 * 400


@pytest.mark.parametrize("transfers_before", [14, 30, 40, 45])
def test_a_chip_left_half_set_up_is_set_up_again(tmp_path, ramp, transfers_before):
    """Where the bus fails again while a chip is being set up, it is not left asleep for seconds."""

    def lose_power_and_start(rig, _clock):
        rig.chip.lose_power()
        # The drain that notices, then enough transfers to be in the middle of setting up, then five tries.
        take, transfers = rig.faults.take, iter(range(400))
        rig.faults.take = lambda: 121 if 0 < next(transfers, 0) - transfers_before < 6 else take()

    night = Night(tmp_path / "a.db", ramp(400.0), {30: lose_power_and_start})
    ((kind, lost),) = night.faults()
    assert kind == "bus"
    assert lost < 100
    assert not night.off_by()[1].any()


class SilentChip:
    """A chip that has nothing to say."""

    fifo_depth = 512

    def drain(self):
        """Give an empty block."""
        return Block(np.empty((0, 3), np.int32), overrun=False, produced=0, boot_ns=0, read_ns=1000)


class StuckChip(SilentChip):
    """A chip behind a stuck bus, which notes what was tried."""

    def __init__(self):
        self.tried = []

    def drain(self):
        """Fail, and so does whatever else is tried."""
        self.fail("drain")

    def start(self):
        """Fail."""
        self.fail("start")

    def set_up(self):
        """Fail."""
        self.fail("set up")

    def fail(self, what):
        """Note what was tried, and that the bus is stuck."""
        self.tried.append(what)
        raise BusError("stuck", errno=errno.ETIMEDOUT)


def test_what_is_tried_gets_stronger():
    """A stuck bus is tried twice, then its FIFO is to be emptied, then it is to be set up anew."""
    chip, clock = StuckChip(), EmulatedClock()
    sampler = Sampler(
        chip, clock, set_up=chip.set_up, recorder=TapListener(400, 4.0, 1023), times=SampleClock(400),
        put=lambda _batch: None,
    )  # fmt: skip
    for _ in range(9):
        clock.sleep_until(sampler.next_poll_ns)
        sampler.poll()
    assert chip.tried == ["drain", "drain", "start"] + ["set up"] * 6
    assert sampler.trouble == "stuck"


def test_drains_come_at_all_fractions_of_a_sample():
    """Where the pause is a whole number of samples, drains still come at all fractions of one."""
    clock = EmulatedClock()
    times, tenths = SampleClock(400), []
    listener = TapListener(400, 4.0, 1023)
    sampler = Sampler(
        SilentChip(), clock, set_up=lambda: None, recorder=listener, times=times, put=lambda _batch: None
    )
    for _ in range(20):
        clock.sleep_until(sampler.next_poll_ns)
        tenths.append(clock.boot_ns() % 2_500_000 // 250_000)
        sampler.poll()
    assert set(tenths) == set(range(10))
    assert clock.boot_ns() == pytest.approx(20 * 50_000_000, abs=2_500_000)


def test_a_chip_that_fell_asleep_is_woken(tmp_path, ramp):
    """A chip that answers with its settings but measures no more is set up anew within seconds."""
    night = Night(tmp_path / "a.db", ramp(400.0), {30: lambda rig, _clock: rig.chip.write(b"\x2d\x00")})
    ((kind, lost),) = night.faults()
    assert kind == "stalled"
    assert 5 * 400 < lost < 6 * 400
    assert not night.off_by()[1].any()


def test_faults_in_the_first_second_are_survived(tmp_path, ramp):
    """A loss in the first second is counted as well as half a second can tell the rate."""
    night = Night(tmp_path / "a.db", ramp(404.0), {0.5: late(1.0)})
    assert [kind for kind, _ in night.faults()] == ["overrun"]
    assert np.abs(night.off_by()[1]).max() <= 2


def test_a_stall_is_counted(tmp_path, ramp):
    """A chip whose oscillator stops for 3 s leaves a gap of 3 s, noted once samples come again."""
    night = Night(tmp_path / "a.db", ramp(400.0, keep=lambda t: (t < 30) | (t >= 33)))
    ((kind, lost),) = night.faults()
    assert (kind, lost) == ("stalled", 1200)
    assert not night.off_by()[1].any()


def test_a_hundred_faults_do_not_add_up(tmp_path, ramp):
    """One broken transfer after the other for 50 s leaves the index where time is."""
    faults = {5 + 0.5 * k: [no_answer(5), broken_off, no_answer(15)][k % 3] for k in range(100)}
    night = Night(tmp_path / "a.db", ramp(396.0), faults)
    assert not night.off_by()[1].any()


def test_many_overruns_are_counted_exactly(tmp_path, ramp):
    """A hundred overruns, two a second, are a hundred rows and not one sample of difference."""
    night = Night(tmp_path / "a.db", ramp(396.0), {5 + 0.5 * k: late(0.15) for k in range(100)})
    assert len(night.faults()) == 100
    assert not night.off_by()[1].any()


def test_losses_are_gap_seconds(tmp_path, ramp):
    """Two lost seconds are three seconds with a gap in them, followed by two that are settling."""
    night = Night(tmp_path / "a.db", ramp(400.0), {30.5: late(2.0)})
    assert night.rows("SELECT sum(gap_s), sum(settling_s) FROM minutes") == [(3.0, 4.0)]


def test_events_after_a_loss_have_their_time(tmp_path, made, recording_of):
    """A jerk after a loss of two seconds is found at its own time, within 0.1 s."""
    counts = made.chip_noise(LASTS_S, 408.0)
    for onset_s in (15.0, 40.0, 50.0):
        made.add_jerk(counts, 408.0, onset_s, 80.0)
    faults = {30: late(2.0), 45: no_answer(3)}
    night = Night(tmp_path / "a.db", recording_of(np.rint(counts) / 256, fs_hz=408.0), faults)
    onsets = [row[0] / 408 for row in night.rows("SELECT onset_sample FROM events ORDER BY onset_sample")]
    assert onsets == [pytest.approx(t, abs=0.1) for t in (15.0, 40.0, 50.0)]


def said_by(caplog):
    """Return what the sampler said in the log."""
    return [entry.getMessage() for entry in caplog.records if entry.name == "bedtick.logger.sampling.sampler"]


def test_faults_are_said_once(tmp_path, ramp, caplog):
    """The log names a fault when it begins and says when it is over, however often it was tried."""
    caplog.set_level(logging.WARNING)
    Night(tmp_path / "a.db", ramp(400.0), {30: no_answer(60)})
    first, second = said_by(caplog)
    assert first.endswith("trying again")
    assert second.startswith("the chip answers again, after ")


def test_a_fault_that_comes_and_goes_is_said_once(tmp_path, ramp, caplog):
    """Twenty faults of one kind, each over at once, are two lines in the log and twenty rows."""
    caplog.set_level(logging.WARNING)
    night = Night(tmp_path / "a.db", ramp(400.0), {10 + k: broken_off for k in range(20)})
    assert len(said_by(caplog)) == 2
    assert [kind for kind, _ in night.faults()] == ["bus"] * 20
