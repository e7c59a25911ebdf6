"""A sensor that falls silent: the dead time is counted and shown, whether or not it ever comes back."""

from __future__ import annotations

import dataclasses
import sqlite3
from itertools import pairwise

import pytest

from bedtick.firmware.emulator import EmulatedClock, Still, build_emulator
from bedtick.logger.daemon import Control, record
from bedtick.logger.rig import Rig, find_chip, site_of
from bedtick.logger.settings import Settings
from bedtick.logger.wall_clock import EmulatedWallClock

NIGHT_NS = 600 * 10**9


@pytest.fixture
def silenced(tmp_path):
    """Return a function that records ten minutes during which the sensor is silent in the minutes given."""

    def run(silent_minutes):
        clock = EmulatedClock()
        emulator = build_emulator(Still(), clock)
        settings = Settings()
        found = find_chip(emulator.bus, settings.sensor, clock)
        wall = EmulatedWallClock(clock, None, synced=False)
        rig = Rig(found.chip, found.address, "emulated", clock, wall, "emulated", settings.sensor)
        rig = dataclasses.replace(rig, has_ended=lambda: clock.boot_ns() >= NIGHT_NS)

        def stop():
            emulator.faults.unplugged = clock.boot_ns() // (60 * 10**9) in silent_minutes
            return False

        record(site_of(rig), settings, tmp_path / "bed.db", Control(stop=stop))
        return sqlite3.connect(tmp_path / "bed.db")

    return run


@pytest.mark.parametrize("silent_minutes", [range(4, 7), range(7, 10)], ids=["and back", "for good"])
def test_dead_time_is_invalid_time(silenced, silent_minutes):
    """Three silent minutes are three minutes of gap, counted in samples, and the night keeps its length."""
    connection = silenced(silent_minutes)
    gap_s, valid_s = connection.execute("SELECT sum(gap_s), sum(valid_s) FROM minutes").fetchone()
    (lost,) = connection.execute("SELECT sum(lost_samples) FROM faults").fetchone()
    (end_sample,) = connection.execute("SELECT end_sample FROM recordings").fetchone()
    assert gap_s == pytest.approx(180, abs=3)
    assert valid_s == pytest.approx(420 - 4, abs=4)
    assert lost == pytest.approx(180 * 400, abs=900)  # it is looked for once a second
    assert end_sample == pytest.approx(600 * 400, abs=400)


def test_silence_is_noted_often_enough_to_be_seen_running(silenced):
    """A silent recording still commits a row every 20 s, so that readers do not take it for ended."""
    connection = silenced(range(4, 7))
    rows = connection.execute("SELECT boot_ns FROM faults ORDER BY id")
    times = [boot_ns for (boot_ns,) in rows]
    assert len(times) >= 8
    assert max(b - a for a, b in pairwise(times)) < 30e9
