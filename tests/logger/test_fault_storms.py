"""Storms of faults on the emulated bus: put in is got plus lost, to the sample, and events are found.

What the chip feels is a recording, row for row, so every stored sample can be compared with the row that its
index names. `make test-long` runs an hour of each storm, the normal run some minutes.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

import numpy as np
import pytest

from bedtick.firmware.chips import CHIPS
from bedtick.firmware.emulator import EmulatedClock, RecordingSource, build_emulator
from bedtick.firmware.emulator.drift import Drifting
from bedtick.logger.daemon import Control, record
from bedtick.logger.rig import Rig, site_of
from bedtick.logger.settings import SensorSettings, Settings
from bedtick.logger.store.codec import unpack
from bedtick.logger.wall_clock import EmulatedWallClock

SLICE_S, HOUR_S = 200, 3600
JERK_EVERY_S = 17.0
JERK_MG = 90.0
MARGIN_S = 3.0  # around a loss, within which nothing is promised


@dataclass(frozen=True)
class Storm:
    """What is done to the rig: at its start, and then again and again after `every_s`."""

    every_s: float = 0.0
    actions: tuple = ()
    at_start: object = None
    chip: str = "adxl345"
    multi_read: bool = False
    drift_per_hour: float = 0.0
    most_lost_share: float = 0.0


def random_nacks(probability):
    """Let transfers find no answer, by chance."""
    return lambda rig, _clock: rig.faults.fail_randomly(11, nack=probability)


def no_more(rig, _clock):
    """Let chance do nothing any more."""
    rig.faults.fail_randomly(0)


def broken_reads(probability):
    """Let transfers break off after the chip gave its data away, by chance."""
    return lambda rig, _clock: rig.faults.fail_randomly(12, short_read=probability)


def unplug(rig, _clock):
    """Pull the sensor's plug."""
    rig.faults.unplugged = True


def plug_in(rig, _clock):
    """Put it back: the chip powers up."""
    rig.faults.unplugged = False
    rig.chip.lose_power()


def stick(rig, _clock):
    """Let every transfer time out."""
    rig.faults.bus_stuck = True


def come_loose(rig, _clock):
    """Let transfers go through again."""
    rig.faults.bus_stuck = False


def brown_out(rig, _clock):
    """Let the chip wake in its power-up state."""
    rig.chip.lose_power()


def oversleep(seconds):
    """Let the host sleep."""
    return lambda _rig, clock: clock.advance(round(seconds * 1e9))


STORMS = {
    "1 % no answer": Storm(at_start=random_nacks(0.01)),
    "5 % no answer": Storm(at_start=random_nacks(0.05), most_lost_share=1e-4),
    "5 % no answer, many reads at once": Storm(
        at_start=random_nacks(0.05), multi_read=True, most_lost_share=1e-4
    ),
    "broken transfers": Storm(at_start=broken_reads(1e-4), most_lost_share=0.02),
    "unplugged for 10 s": Storm(90.0, ((0.0, unplug), (10.0, plug_in)), most_lost_share=0.18),
    "stuck for 60 s": Storm(190.0, ((20.0, stick), (80.0, come_loose)), most_lost_share=0.35),
    "brown-outs": Storm(47.0, ((0.3, brown_out),), most_lost_share=0.01),
    "overruns every minute": Storm(60.0, ((0.5, oversleep(0.7)),), most_lost_share=0.02),
    "drift of 3 %": Storm(drift_per_hour=0.03),
    "drift of 3 % and overruns": Storm(
        60.0, ((0.5, oversleep(2.0)),), drift_per_hour=-0.03, most_lost_share=0.05
    ),
    "rotated axes of an MPU6050": Storm(60.0, ((0.5, oversleep(1.5)),), chip="mpu6050", most_lost_share=0.05),
    "5 % no answer from an MPU6050": Storm(at_start=random_nacks(0.05), chip="mpu6050"),
    "unplugged LIS3DH": Storm(90.0, ((0.0, unplug), (10.0, plug_in)), chip="lis3dh", most_lost_share=0.18),
    "LSM6DSOX with brown-outs": Storm(47.0, ((0.3, brown_out),), chip="lsm6dsox", most_lost_share=0.03),
    "ADXL355 with overruns": Storm(60.0, ((0.5, oversleep(0.7)),), chip="adxl355", most_lost_share=0.02),
}


def due_actions(storm, lasts_s):
    """Every action of a storm with the second it is due at, in order."""
    due = []
    if storm.at_start is not None:
        # Over before the source ends: an oscillator that stops looks like samples that were lost.
        due += [(1.0, storm.at_start), (lasts_s - 2.0, no_more)]
    if storm.every_s:
        rounds = int((lasts_s - 10.0 - max(at for at, _ in storm.actions)) // storm.every_s)
        due += [(5.0 + storm.every_s * k + at, act) for k in range(rounds + 1) for at, act in storm.actions]
    return sorted(due, key=lambda action: action[0])


class StormyNight:
    """One recording made through a storm, and what it must agree with."""

    def __init__(self, path, made, recording_of, storm, lasts_s):
        self.path, self.rate_hz = path, 400.0 * 1.0113
        counts = made.chip_noise(lasts_s, self.rate_hz, seed=5)
        self.jerks_s = np.arange(12.0, lasts_s - 5.0, JERK_EVERY_S)
        for onset_s in self.jerks_s:
            made.add_jerk(counts, self.rate_hz, onset_s, JERK_MG)
        recording = recording_of(np.rint(counts) / 256, fs_hz=self.rate_hz)
        self.felt_g = recording.acc_g.astype(np.float64)
        source = RecordingSource(recording)
        self.run(Drifting(source, storm.drift_per_hour) if storm.drift_per_hour else source, storm, lasts_s)

    def run(self, source, storm, lasts_s):
        """Record until the source has come to its end."""
        clock = EmulatedClock(7_000_000_000)
        emulated = build_emulator(source, clock, chip=storm.chip, multi_read=storm.multi_read)
        due = due_actions(storm, lasts_s)

        def stop():
            while due and clock.boot_ns() - 7_000_000_000 >= due[0][0] * 1e9:
                due.pop(0)[1](emulated, clock)
            return False

        chip = CHIPS[storm.chip](emulated.bus, emulated.address, clock)
        rate_hz = chip.usual_rates_hz[0]
        sensor = SensorSettings(rate_hz=rate_hz)
        self.scale_g = chip.scale_g[chip.usual_range_g]
        self.most_off = 0 if self.scale_g == 1 / 256 else 1  # finer steps: halves are rounded either way
        rig = Rig(
            chip, emulated.address, "emulated", clock, EmulatedWallClock(clock, None, synced=False),
            source="emulated", sensor=sensor, nominal_hz=400.0, has_ended=lambda: emulated.chip.ended,
        )  # fmt: skip
        record(site_of(rig), Settings(sensors=(sensor,)), self.path, Control(stop))
        assert not due
        self.failures = emulated.bus.failures

    def rows(self, sql):
        """All rows of a query."""
        with sqlite3.connect(self.path) as db:
            return db.execute(sql).fetchall()

    def missed_at_start(self, first):
        """How many rows came before the first stored sample: while the chip began to measure."""
        wanted = self.expected(0, 100 + len(first))
        fits = [k for k in range(100) if np.abs(wanted[k : k + len(first)] - first).max() <= self.most_off]
        assert len(fits) == 1
        return fits[0]

    def expected(self, first, count):
        """Return the counts that the chip makes of so many rows."""
        return np.rint(self.felt_g[first : first + count] / self.scale_g).astype(np.int64)

    def lost(self):
        """First and last index of each loss."""
        found = self.rows("SELECT sample, lost_samples FROM faults ORDER BY id")
        return [(sample, sample + lost) for sample, lost in found if lost]

    def check_samples(self):
        """Compare each stored sample with its row; return how many were stored, and rows before the first."""
        stored, before = 0, None
        for first, count, data in self.rows(
            "SELECT first_sample, sample_count, data FROM raw_chunks ORDER BY first_sample"
        ):
            got = unpack(data, count)
            before = self.missed_at_start(got[:200]) if before is None else before
            np.testing.assert_allclose(got, self.expected(before + first, count), atol=self.most_off)
            stored += count
        return stored, before

    def clear_jerks_s(self, lost):
        """Onsets that are well away from every loss."""
        return [
            onset_s
            for onset_s in self.jerks_s
            if all(
                onset_s + MARGIN_S < first / self.rate_hz or last / self.rate_hz + MARGIN_S < onset_s
                for first, last in lost
            )
        ]


def check_storm(night, storm):
    """Check a night: every sample in its place, every loss counted, every clear event found, none made up."""
    stored, before = night.check_samples()
    lost = night.lost()
    lost_samples = sum(last - first for first, last in lost)
    assert bool(lost) == bool(storm.actions) or storm.at_start
    assert night.failures > 0 or not storm.at_start
    assert stored + lost_samples == len(night.felt_g) - before
    assert lost_samples <= storm.most_lost_share * len(night.felt_g)
    found_s = np.array([row[0] / night.rate_hz for row in night.rows("SELECT onset_sample FROM events")])
    found_s += before / night.rate_hz
    clear_s = night.clear_jerks_s(lost)
    assert len(clear_s) > len(night.jerks_s) / 3
    assert [t for t in clear_s if np.abs(found_s - t).min() > 0.1] == []
    assert [t for t in found_s if not any(-0.2 < t - jerk_s < 3.0 for jerk_s in night.jerks_s)] == []


def storms():
    """Return the storms of the chips that there are, by name."""
    names = [name for name, storm in STORMS.items() if storm.chip in CHIPS]
    return pytest.mark.parametrize("storm", [STORMS[name] for name in names], ids=names)


@storms()
def test_a_slice_of_a_storm(tmp_path, made, recording_of, storm):
    """Some minutes of a storm lose what they must, to the sample, and no event elsewhere."""
    check_storm(StormyNight(tmp_path / "a.db", made, recording_of, storm, SLICE_S), storm)


@pytest.mark.long
@storms()
def test_an_hour_of_a_storm(tmp_path, made, recording_of, storm):
    """An hour of a storm loses what it must, to the sample, and no event elsewhere."""
    check_storm(StormyNight(tmp_path / "a.db", made, recording_of, storm, HOUR_S), storm)
