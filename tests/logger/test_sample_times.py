"""Stored sample times are true, on a host that wakes up late and a bus that is slow now and then."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest

from bedtick.firmware.chips import CHIPS
from bedtick.firmware.emulator import EmulatedClock, RecordingSource, build_emulator
from bedtick.logger.daemon import Control, record
from bedtick.logger.rig import Rig, site_of
from bedtick.logger.settings import SensorSettings, Settings, StoreSettings
from bedtick.logger.wall_clock import EmulatedWallClock

BEGAN_NS = 7_000_000_000
LASTS_S = 240
JITTER_NS = 30_000_000


class LateClock(EmulatedClock):
    """A clock on which every sleep lasts up to 30 ms too long."""

    def __init__(self, seed):
        super().__init__(BEGAN_NS)
        self._random = np.random.default_rng(seed)

    def sleep_until(self, boot_ns):
        """Sleep, and oversleep."""
        super().sleep_until(boot_ns + int(self._random.integers(JITTER_NS)))


@pytest.mark.parametrize("seed", [1])
@pytest.mark.parametrize(("name", "rate_hz"), [("adxl345", 200), ("adxl345", 400), ("lsm6dsox", 833)])
def test_times_are_right_within_a_sample(tmp_path, recording_of, name, rate_hz, seed):
    """With 2 % rate error, late wake-ups and 1 % slow transfers, 99 of 100 times are right to a sample."""
    true_hz = rate_hz * 1.02
    still = np.tile((0.0, 0.0, 1.0), (round(LASTS_S * true_hz), 1))
    clock = LateClock(seed)
    emulated = build_emulator(
        RecordingSource(recording_of(still, fs_hz=true_hz)), clock, chip=name, multi_read=False
    )
    emulated.faults.slow_randomly(seed, 0.01, JITTER_NS)
    chip, sensor = CHIPS[name](emulated.bus, emulated.address, clock), SensorSettings(rate_hz=rate_hz)
    rig = Rig(
        chip, emulated.address, "emulated", clock, EmulatedWallClock(clock, None, synced=False),
        source="emulated", sensor=sensor, has_ended=lambda: emulated.chip.ended,
    )  # fmt: skip
    settings = Settings(sensors=(sensor,), store=StoreSettings(chunk_s=1.0))
    record(site_of(rig), settings, tmp_path / "a.db", Control())
    began_ns = emulated.chip._measuring._began_ns
    with sqlite3.connect(tmp_path / "a.db") as db:
        rows = db.execute("SELECT first_sample, boot_ns FROM raw_chunks ORDER BY first_sample").fetchall()
    first, boot_ns = np.array(rows).T
    off_samples = (boot_ns - began_ns) / 1e9 * true_hz - first
    late = off_samples[first > 120 * true_hz]
    assert len(late) > 100
    assert np.percentile(np.abs(late), 99) < 1.0
