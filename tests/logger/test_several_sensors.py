"""One daemon, any number of sensors: each its own recording, and none in the way of another."""

from __future__ import annotations

import dataclasses
import logging
import sqlite3
from contextlib import closing
from functools import partial
from itertools import pairwise

import numpy as np
import pytest

from bedtick.firmware.emulator import Still
from bedtick.firmware.errors import BusError, ChipError, SettingsError
from bedtick.logger.daemon import Control, record
from bedtick.logger.emulated import World, emulated_site
from bedtick.logger.rig import Seat, check_told_apart, real_site
from bedtick.logger.settings import SensorSettings, Settings

LEFT = SensorSettings(place="left", address=0x53)
RIGHT = SensorSettings(place="right", address=0x1D)
BOTH = Settings(sensors=(LEFT, RIGHT))
NIGHT_S = 60
JERKS_S = (10.0, 20.0, 30.0, 40.0, 50.0)
SECOND_NS = 10**9
RECORDINGS = (
    "SELECT place, ended, end_sample FROM recordings r JOIN sensors s ON s.id = r.sensor_id ORDER BY r.id"
)


class Jerky(Still):
    """A sensor at rest, but for a ringing jerk of 80 mg every ten seconds."""

    def acceleration_g(self, first_tick, count, rate_hz):
        """Return gravity and jerks in g; float64, shape (count, 3)."""
        since_s = (np.arange(first_tick, first_tick + count) / rate_hz) % 10.0
        acc_g = super().acceleration_g(first_tick, count, rate_hz)
        is_later = np.arange(first_tick, first_tick + count) >= 10.0 * rate_hz
        acc_g[:, 0] += is_later * 0.08 * np.exp(-since_s / 0.15) * np.sin(2 * np.pi * 7.0 * since_s)
        return acc_g


class Night:
    """A short night of several sensors on one emulated bed.

    `unplugged` maps a place to the seconds (from, to) in which its seat raises `error`.
    """

    def __init__(self, path, settings=BOTH, source=None, unplugged=None, error=None, during=None):
        self.path = path
        self.world = World(source or Still(), "emulated", seed=3)
        site = emulated_site(self.world, settings.sensors, at_real_speed=False)
        self.clock = site.clock
        self.start_ns = site.clock.boot_ns()
        self.unplugged = unplugged or {}
        self.error = error or BusError("no answer")
        self.tries_s = []
        self.rigs = {}
        seats = tuple(Seat(seat.sensor, partial(self.open_rig, seat)) for seat in site.seats)
        self.during = during or (lambda _night: None)
        self.ids = record(dataclasses.replace(site, seats=seats), settings, path, Control(self.stop))

    def now_s(self):
        """Seconds since the night began."""
        return (self.clock.boot_ns() - self.start_ns) / SECOND_NS

    def open_rig(self, seat):
        """Find a sensor, unless it is unplugged just now."""
        first_s, last_s = self.unplugged.get(seat.sensor.place, (0, 0))
        if first_s <= self.now_s() < last_s:
            self.tries_s.append(self.now_s())
            raise self.error
        self.rigs[seat.sensor.place] = seat.open_rig()
        return self.rigs[seat.sensor.place]

    def stop(self):
        """End after a minute; on the way, do what the test wants done."""
        self.during(self)
        return self.now_s() > NIGHT_S

    def rows(self, sql, *values):
        """All rows of a query."""
        with closing(sqlite3.connect(self.path)) as db:
            return db.execute(sql, values).fetchall()

    def faults_of(self, place):
        """Kinds and lost samples of one sensor."""
        return self.rows(
            "SELECT kind, lost_samples FROM faults f JOIN recordings r ON r.id = f.recording_id"
            " JOIN sensors s ON s.id = r.sensor_id WHERE place = ?",
            place,
        )


def test_two_sensors_are_two_recordings(tmp_path):
    """Two sides of a bed are two whole recordings of one daemon, each under its place, without a fault."""
    night = Night(tmp_path / "a.db")
    assert night.ids == [1, 2]
    (left, right) = night.rows(RECORDINGS)
    assert (left[:2], right[:2]) == (("left", "stopped"), ("right", "stopped"))
    assert left[2] == pytest.approx(NIGHT_S * 400, abs=40)
    assert right[2] == pytest.approx(NIGHT_S * 400, abs=40)
    assert night.rows("SELECT count(*) FROM faults") == [(0,)]
    assert night.rows("SELECT recording_id, cause FROM anchors ORDER BY 1, id") == [
        (1, "start"), (1, "stop"), (2, "start"), (2, "stop"),
    ]  # fmt: skip
    samples = night.rows("SELECT recording_id, sum(sample_count) FROM raw_chunks GROUP BY 1")
    assert samples == [(1, left[2]), (2, right[2])]


def test_both_sides_feel_the_same_bed(tmp_path):
    """On one mattress both sensors find the same jerks at the same time; their noise differs."""
    night = Night(tmp_path / "a.db", source=Jerky())
    onsets_s = [
        night.rows(
            "SELECT onset_sample / 400.0 FROM events e JOIN scorings s ON s.id = e.scoring_id"
            " WHERE recording_id = ?",
            recording,
        )
        for recording in (1, 2)
    ]
    for onsets in onsets_s:
        assert [onset for (onset,) in onsets] == [pytest.approx(t, abs=0.1) for t in JERKS_S]
    first, second = night.rows("SELECT data FROM raw_chunks WHERE first_sample = 0 ORDER BY recording_id")
    assert first != second


def test_sensors_with_rates_of_their_own(tmp_path):
    """Each sensor keeps its chip, rate and range, whatever the others have."""
    slow = SensorSettings(place="foot", chip="lis3dh", rate_hz=100)
    night = Night(tmp_path / "a.db", Settings(sensors=(LEFT, slow)))
    columns = "SELECT chip, nominal_hz, full_scale_counts FROM recordings r JOIN sensors s"
    rows = night.rows(f"{columns} ON s.id = r.sensor_id ORDER BY r.id")
    assert [row[:2] for row in rows] == [("adxl345", 400.0), ("lis3dh", 100.0)]
    assert rows[0][2] == 1023
    assert night.rows("SELECT count(*) FROM faults") == [(0,)]


def test_missing_sensor_keeps_none_waiting(tmp_path, caplog):
    """A sensor that answers only after 20 s begins then; the other has its whole night, without a fault."""
    caplog.set_level(logging.INFO)
    night = Night(tmp_path / "a.db", unplugged={"right": (0, 20)})
    (left, right) = night.rows(RECORDINGS)
    assert left == ("left", "stopped", pytest.approx(NIGHT_S * 400, abs=40))
    assert right[0] == "right"
    assert 30 * 400 < right[2] <= 40 * 400 + 40
    assert night.faults_of("left") == night.faults_of("right") == []
    said = [entry.getMessage() for entry in caplog.records]
    assert "place right: no answer; trying again until it answers" in said
    assert sum("no answer" in line for line in said) == 1


@pytest.mark.parametrize("error", [BusError("no answer"), ChipError("another chip")])
def test_sensor_that_never_answers(tmp_path, error):
    """A sensor that is missing all night, or another one, costs the other side nothing; the pauses grow."""
    night = Night(tmp_path / "a.db", unplugged={"left": (0, 1000)}, error=error)
    assert night.rows(RECORDINGS) == [("right", "stopped", pytest.approx(NIGHT_S * 400, abs=40))]
    assert night.faults_of("right") == []
    pauses_s = [round(b - a) for a, b in pairwise(night.tries_s)]
    assert pauses_s == [1, 2, 5, 10, 10, 10, 10, 10]


def test_no_sensor_at_first(tmp_path, caplog):
    """With no sensor at all it is waited for one, and no database is made meanwhile; then both record."""
    seen = []

    def look(night):
        if night.now_s() < 5 and not seen:
            seen.append(night.path.exists())

    caplog.set_level(logging.INFO)
    night = Night(tmp_path / "a.db", unplugged={"left": (0, 10), "right": (0, 25)}, during=look)
    assert seen == [False]
    assert [row[:2] for row in night.rows(RECORDINGS)] == [("left", "stopped"), ("right", "stopped")]
    assert night.ids == [1, 2]


def test_stopped_while_waiting(tmp_path):
    """A daemon that never found a sensor ends well, with nothing written, after few words."""
    night = Night(tmp_path / "a.db", unplugged={"left": (0, 1000), "right": (0, 1000)})
    assert night.ids == []
    assert not (tmp_path / "a.db").exists()


def test_wrong_sensors_end_the_start(tmp_path):
    """Where all sensors are other chips than those named, there is nothing to wait for."""
    with pytest.raises(ChipError, match="another chip"):
        Night(
            tmp_path / "a.db", unplugged={"left": (0, 99), "right": (0, 99)}, error=ChipError("another chip")
        )
    assert not (tmp_path / "a.db").exists()


def test_faults_of_one_are_not_the_other_s(tmp_path):
    """A chip that loses its power every five seconds leaves its neighbour without a single fault."""
    due = [10.0 + 5 * k for k in range(8)]

    def break_left(night):
        if due and night.now_s() > due[0]:
            due.pop(0)
            bus = night.rigs["left"].chip._chip.bus
            bus._adapter._devices[0x53].lose_power()

    night = Night(tmp_path / "a.db", during=break_left)
    assert len(night.faults_of("left")) >= 8
    assert night.faults_of("right") == []
    (left, right) = night.rows(RECORDINGS)
    assert left[2] == pytest.approx(right[2], abs=40)


def test_late_sensor_with_settings_it_can_not_have(tmp_path, caplog):
    """A sensor that turns out to lack its rate is given up in one line; the other's night goes on."""
    night = Night(tmp_path / "a.db", unplugged={"right": (0, 8)}, error=BusError("no answer"), during=spoil)
    assert night.rows(RECORDINGS) == [("left", "stopped", pytest.approx(NIGHT_S * 400, abs=40))]
    said = [entry.getMessage() for entry in caplog.records]
    assert sum("place right is not recorded: no such rate" in line for line in said) == 1


def spoil(night):
    """From the first second on, a missing sensor turns out to have wrong settings."""
    if night.now_s() > 1:
        night.error = SettingsError("no such rate")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {}),
        ({"address": 0x53}, {}),
        ({"address": 0x53}, {"address": 0x53}),
        ({"chip": "adxl345"}, {}),
        ({"chip": "adxl345"}, {"chip": "adxl345"}),
        ({"bus": 1, "address": 0x53}, {"bus": 1}),
        ({"address": 0x18}, {"chip": "lis3dh"}),
        ({"chip": "adxl345", "address": 0x53}, {"chip": "adxl355", "address": 0x53}),
    ],
)
def test_sensors_that_could_be_taken_for_each_other(one, other):
    """Two sensors of a bus need two addresses or two kinds of chip, or one could be recorded as the other."""
    with pytest.raises(SettingsError, match="sensors 'a' and 'b' share a bus"):
        check_told_apart([SensorSettings(place="a", **one), SensorSettings(place="b", **other)])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"address": 0x53}, {"address": 0x1D}),
        ({"chip": "adxl345"}, {"chip": "lis3dh"}),
        ({"bus": 1}, {"bus": 3}),
        ({"address": 0x53}, {"chip": "lis3dh"}),
        ({"chip": "adxl345"}, {"chip": "adxl355"}),
        ({"bus": 1, "address": 0x53}, {"bus": 3, "address": 0x53}),
    ],
)
def test_sensors_that_are_told_apart(one, other):
    """Two addresses, two kinds of chip, or two buses are enough."""
    check_told_apart([SensorSettings(place="a", **one), SensorSettings(place="b", **other)])


@pytest.mark.parametrize(("key", "value", "words"), [("rate_hz", 150, "150 Hz"), ("range_g", 16, "16 g")])
def test_a_setting_that_a_chip_lacks_names_its_place(key, value, words):
    """Of several sensors the one with the wrong rate or range is named."""
    right = SensorSettings(place="right", chip="adxl355", address=0x1D, **{key: value})
    site = emulated_site(World(Still(), "emulated"), (LEFT, right), at_real_speed=False)
    with pytest.raises(SettingsError, match=rf"place right: sensor\.{key} {words}: the ADXL355 offers"):
        site.seats[1].open_rig()


def test_the_command_s_bus_may_be_the_other_sensor_s():
    """A sensor without a bus is on that of `--bus`, which another sensor may name."""
    with pytest.raises(SettingsError, match="share a bus"):
        real_site(1, (SensorSettings(place="a"), SensorSettings(place="b", bus=1)))
