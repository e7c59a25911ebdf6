"""The whole daemon with a button, a light and an interrupt line, all of them emulated."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import contextmanager
from itertools import pairwise

import pytest

from bedtick.firmware.chips import CHIPS
from bedtick.firmware.emulator import EmulatedClock, Still, build_emulator
from bedtick.firmware.emulator.pins import EmulatedPins
from bedtick.firmware.pins import Change
from bedtick.logger import daemon
from bedtick.logger.daemon import Control, record
from bedtick.logger.journal import Journal
from bedtick.logger.rig import Rig, site_of
from bedtick.logger.settings import PinSettings, SensorSettings, Settings
from bedtick.logger.wall_clock import EmulatedWallClock

BUTTON, LED, LINE = 17, 27, 22
S = 1_000_000_000
START = 7 * S
WATERMARK = 0x02  # of INT_SOURCE, register 0x30


class Night:
    """A short night of one or several ADXL345 at rest; seconds count from its start.

    `presses` are (at_s, held_s); `acts` maps seconds to functions of the list of emulated rigs; with `wait`
    the last sensor does not answer before 30 s.
    """

    def __init__(
        self, path, monkeypatch, presses=(), *,
        places=("bed",), lasts_s=20, acts=None, interrupt=0, wait=False,
    ):  # fmt: skip
        self.path = path
        clock = EmulatedClock(START)
        rigs = [build_emulator(Still(), clock, seed=number) for number in range(len(places))]
        sensors = tuple(SensorSettings(place=place, rate_hz=400) for place in places)
        edges = [(at_s, False) for at_s, _ in presses] + [(at_s + held_s, True) for at_s, held_s in presses]
        recorded = [
            Change(START + round(at_s * S), BUTTON, is_high=is_high) for at_s, is_high in sorted(edges)
        ]
        self.pins = EmulatedPins(clock, recorded, lines={LINE: lambda: watermark(rigs[0].chip)})

        @contextmanager
        def header(_clock, *wanted):
            assert wanted == (BUTTON, LED, interrupt)
            yield self.pins
            self.pins.close()

        monkeypatch.setattr(daemon, "header", header)
        due = sorted((acts or {}).items())
        rigs[-1].faults.unplugged = wait

        def stop():
            now_s = (clock.boot_ns() - START) / S
            if wait:
                rigs[-1].faults.unplugged = now_s < 30
            while due and now_s >= due[0][0]:
                due.pop(0)[1](rigs)
            return now_s >= lasts_s

        site = site_of(*(at_bed(rig, sensor, clock) for rig, sensor in zip(rigs, sensors, strict=True)))
        settings = Settings(sensors=sensors, pins=PinSettings(BUTTON, LED, interrupt))
        self.recordings = record(site, settings, path, Control(stop))

    def rows(self, sql):
        """All rows of a query."""
        with sqlite3.connect(self.path) as db:
            return db.execute(sql).fetchall()

    def blinks(self):
        """When the light went on, in seconds."""
        return [(on.boot_ns - START) / S for on, _ in pairwise(self.pins.shown) if on.is_high]


def at_bed(emulated, sensor, clock):
    """Return an emulated chip as a rig of the daemon."""
    chip = CHIPS["adxl345"](emulated.bus, emulated.address, clock)
    wall = EmulatedWallClock(clock, None, synced=False)
    return Rig(chip, emulated.address, "emulated", clock, wall, source="emulated", sensor=sensor)


def watermark(chip):
    """Return what the chip's pin INT1 shows."""
    chip.write(b"\x30")
    return bool(chip.read(1)[0] & WATERMARK)


def test_presses_land_in_the_database(tmp_path, monkeypatch):
    """Short and long presses are rows with kind, time, and the sample that was taken then."""
    night = Night(tmp_path / "a.db", monkeypatch, [(3.0, 1.8), (8.0, 0.2), (15.0, 2.0)])
    rows = night.rows("SELECT kind, (boot_ns - 7000000000) / 1e9, sample, source FROM markers ORDER BY id")
    assert [(row[0], row[1], row[3]) for row in rows] == [
        ("lights_off", 3.0, "button"), ("felt", 8.0, "button"), ("lights_on", 15.0, "button"),
    ]  # fmt: skip
    ((first_ns,),) = night.rows("SELECT boot_ns FROM raw_chunks WHERE first_sample = 0")
    since_first_s = [(START - first_ns) / S + at_s for at_s in (3.0, 8.0, 15.0)]
    assert [row[2] for row in rows] == [pytest.approx(400 * at_s, abs=1.5) for at_s in since_first_s]
    assert not night.pins.is_open


def test_each_running_recording_gets_the_press(tmp_path, monkeypatch):
    """With a sensor on either side of the bed each recording has the marker, at one boot time."""
    night = Night(tmp_path / "a.db", monkeypatch, [(8.0, 0.2)], places=("left", "right"))
    rows = night.rows("SELECT recording_id, boot_ns FROM markers ORDER BY recording_id")
    assert rows == [(recording, START + 8 * S) for recording in night.recordings]
    assert len(rows) == 2


def test_a_quiet_night_is_dark(tmp_path, monkeypatch):
    """While all is well the light is never on, from the first moment to the last."""
    assert Night(tmp_path / "a.db", monkeypatch, lasts_s=60).blinks() == []


def test_an_unplugged_sensor_blinks(tmp_path, monkeypatch):
    """A sensor that is gone for 20 s is shown after five of them, until it answers again."""
    acts = {10: lambda rigs: unplug(rigs, True), 30: lambda rigs: unplug(rigs, False)}
    blinks = Night(tmp_path / "a.db", monkeypatch, lasts_s=60, acts=acts).blinks()
    assert blinks[0] == pytest.approx(15, abs=2)
    assert blinks[-1] == pytest.approx(30, abs=2.5)
    assert len(blinks) >= 6


def test_a_sensor_that_is_waited_for_blinks(tmp_path, monkeypatch):
    """A second sensor that does not answer yet is shown after 5 s, until it does; the first one is well."""
    night = Night(tmp_path / "a.db", monkeypatch, places=("left", "right"), lasts_s=60, wait=True)
    blinks = night.blinks()
    assert blinks[0] == pytest.approx(5, abs=2)
    assert 28 < blinks[-1] < 41
    assert night.recordings == [1, 2]


def test_a_database_that_refuses_blinks(tmp_path, monkeypatch):
    """While the database takes nothing the light says so, though samples come."""
    monkeypatch.setattr(Journal, "is_in_trouble", property(lambda _journal: True))
    blinks = Night(tmp_path / "a.db", monkeypatch).blinks()
    assert blinks[0] == pytest.approx(5, abs=1)
    assert len(blinks) >= 6


def unplug(rigs, is_gone):
    """Take the first sensor away, or bring it back."""
    rigs[0].faults.unplugged = is_gone


def test_the_interrupt_changes_no_sample(tmp_path, monkeypatch):
    """With the line wired the night has every sample, no fault, and the same rows as without."""
    by_line = Night(tmp_path / "a.db", monkeypatch, interrupt=LINE)
    by_clock = Night(tmp_path / "b.db", monkeypatch)
    counts = [night.rows("SELECT end_sample FROM recordings")[0][0] for night in (by_line, by_clock)]
    assert counts[0] == pytest.approx(counts[1], abs=16)
    assert by_line.rows("SELECT count(*) FROM faults") == [(0,)]


def test_the_interrupt_is_for_one_sensor(tmp_path, monkeypatch, caplog):
    """With two sensors the line of one is left alone, and a warning says so."""
    caplog.set_level(logging.INFO)
    expected = []
    monkeypatch.setattr(EmulatedPins, "expect", lambda _pins, pin: expected.append(pin))
    Night(tmp_path / "a.db", monkeypatch, places=("left", "right"), interrupt=LINE)
    assert expected == []
    assert "pins.interrupt is for one sensor" in caplog.text
    Night(tmp_path / "b.db", monkeypatch, interrupt=LINE)
    assert expected == [LINE]
