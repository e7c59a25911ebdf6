"""Sampling goes on through every fault, and the sample index stays aligned with time."""

from __future__ import annotations

import logging
import sqlite3

import numpy as np
import pytest

from bedtick.firmware.chips import CHIPS
from bedtick.firmware.emulator import EmulatedClock, RecordingSource, build_emulator
from bedtick.logger.daemon import Control, record
from bedtick.logger.rig import Rig
from bedtick.logger.settings import SensorSettings, Settings
from bedtick.logger.store.codec import unpack
from bedtick.logger.wall_clock import EmulatedWallClock

LASTS_S = 60
SETTINGS = Settings(sensor=SensorSettings(rate_hz=400))
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
            has_ended=lambda: emulated.chip.ended,
        )
        record(rig, SETTINGS, path, Control(stop))
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


def stuck_bus(rig, _clock):
    """Let the next transfer take the controller's second of patience."""
    rig.faults.timeout_next()


def broken_off(rig, _clock):
    """Break off the sets themselves after their level was read: the chip has given them away."""
    take, due = rig.faults.take, [None, 5]
    rig.faults.take = lambda: due.pop(0) if due else take()


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
    """After a late drain the lost samples are counted to within two, whatever the true rate, and noted."""
    night = Night(tmp_path / "a.db", ramp(rate_hz), {30: late(duration_s)})
    ((kind, lost),) = night.faults()
    assert kind == "overrun"
    assert lost == pytest.approx(duration_s * rate_hz - 33 + 0.032 * rate_hz, abs=16)
    index, off = night.off_by()
    assert np.abs(off).max() <= 2
    assert len(index) + lost == pytest.approx(LASTS_S * rate_hz, abs=3)


@pytest.mark.parametrize(
    ("fault", "kinds"),
    [
        (no_answer(1), ["bus"]),
        (no_answer(2), ["bus", "overrun"]),
        (no_answer(3), ["bus", "stalled"]),
        (no_answer(12), ["bus", "overrun"]),
        (stuck_bus, ["bus", "overrun"]),
        (broken_off, ["bus", "stalled"]),
        (power_loss, ["bus", "stalled"]),
    ],
)
def test_faults_of_the_bus_are_survived(tmp_path, ramp, fault, kinds):
    """After no answer, a stuck bus, a broken transfer or lost power the index is right within two samples."""
    night = Night(tmp_path / "a.db", ramp(405.0), {30: fault})
    assert [kind for kind, _ in night.faults()] == kinds
    index, off = night.off_by()
    assert np.abs(off).max() <= 2
    assert index[-1] == pytest.approx(LASTS_S * 405, abs=3)
    assert len(index) > 0.85 * LASTS_S * 405


def test_a_chip_that_is_another_for_a_while_is_taken_back(tmp_path, ramp):
    """While something else answers in the chip's place it is tried again, and nothing is made up."""
    night = Night(tmp_path / "a.db", ramp(400.0), {20: garbled, 23: itself_again})
    assert [kind for kind, _ in night.faults()] == ["bus", "stalled"]
    index, off = night.off_by()
    assert np.abs(off).max() <= 2
    assert len(index) < (LASTS_S - 3) * 400


def test_faults_in_the_first_second_are_survived(tmp_path, ramp):
    """A loss before the sample clock knows the rate is counted as well as the nominal rate allows."""
    night = Night(tmp_path / "a.db", ramp(400.0), {0.5: late(1.0)})
    assert [kind for kind, _ in night.faults()] == ["overrun"]
    assert np.abs(night.off_by()[1]).max() <= 3


def test_a_stall_is_counted(tmp_path, ramp):
    """A chip whose oscillator stops for 3 s leaves a gap of 3 s, noted once samples come again."""
    night = Night(tmp_path / "a.db", ramp(400.0, keep=lambda t: (t < 30) | (t >= 33)))
    ((kind, lost),) = night.faults()
    assert kind == "stalled"
    assert lost == pytest.approx(1200, abs=2)
    assert np.abs(night.off_by()[1]).max() <= 2


def test_a_hundred_faults_do_not_add_up(tmp_path, ramp):
    """One broken transfer after the other for 50 s leaves the index where time is."""
    faults = {5 + 0.5 * k: [no_answer(1), broken_off, no_answer(3)][k % 3] for k in range(100)}
    night = Night(tmp_path / "a.db", ramp(396.0), faults)
    assert np.abs(night.off_by()[1]).max() <= 3


def test_many_overruns_cost_a_sample_each_at_most(tmp_path, ramp):
    """Each overrun leaves one sample in doubt, the one beyond the FIFO's 32: a hundred add up to no more."""
    night = Night(tmp_path / "a.db", ramp(396.0), {5 + 0.5 * k: late(0.15) for k in range(100)})
    assert len(night.faults()) == 100
    assert np.abs(night.off_by()[1]).max() <= 100


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


def test_faults_are_said_once(tmp_path, ramp, caplog):
    """The log names a fault when it begins and says when it is over, however often it was tried."""
    caplog.set_level(logging.WARNING)
    Night(tmp_path / "a.db", ramp(400.0), {30: no_answer(12)})
    said = [entry.getMessage() for entry in caplog.records if entry.name == "bedtick.logger.sampler"]
    assert len(said) == 2
    assert said[0].endswith("trying again")
    assert said[1].startswith("the chip answers again, after ")
