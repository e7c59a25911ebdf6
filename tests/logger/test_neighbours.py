"""What one sensor's troubles cost the others, and what they do to its own recording."""

from __future__ import annotations

import dataclasses
import logging
import sqlite3
from contextlib import closing
from functools import partial

import pytest

from bedtick.firmware.emulator import Still
from bedtick.firmware.errors import BusError, ChipError
from bedtick.logger.daemon import Control, record
from bedtick.logger.emulated import World, emulated_site
from bedtick.logger.rig import Seat
from bedtick.logger.sampling.station import Station
from bedtick.logger.settings import SensorSettings, Settings

LEFT = SensorSettings(place="left", chip="adxl345", bus=1)
RIGHT = SensorSettings(place="right", chip="adxl345", bus=2)
NOT_KEPT = ChipError("address 0x53: POWER_CTL was set to 0x08 but reads 0x00")
NIGHT_S = 60.0
SECOND_NS = 10**9


class Night:
    """A short night of several sensors.

    `during` is called with it between polls; `prepare` with it and each rig, whenever one is found.
    """

    def __init__(self, path, sensors, during=None, prepare=None):
        self.path = path
        self.rigs = {}
        self.during, self.prepare = during, prepare
        site = emulated_site(World(Still(), "emulated", seed=3), sensors, at_real_speed=False)
        self.clock, self.start_ns = site.clock, site.clock.boot_ns()
        seats = tuple(Seat(seat.sensor, partial(self.open_rig, seat)) for seat in site.seats)
        self.site, self.settings = dataclasses.replace(site, seats=seats), Settings(sensors=sensors)

    def run(self):
        """Record the night; return the recordings' ids."""
        return record(self.site, self.settings, self.path, Control(self.stop))

    def now_s(self):
        """Seconds since the night began."""
        return (self.clock.boot_ns() - self.start_ns) / SECOND_NS

    def open_rig(self, seat):
        """Find a sensor."""
        rig = self.rigs[seat.sensor.place] = seat.open_rig()
        if self.prepare:
            self.prepare(self, rig)
        return rig

    def stop(self):
        """End after a minute; on the way, do what the test wants done."""
        if self.during:
            self.during(self)
        return self.now_s() > NIGHT_S

    def adapter(self, place):
        """Return the emulated adapter of a sensor."""
        return self.rigs[place].chip._chip.bus._adapter

    def rows(self, sql):
        """All rows of a query."""
        with closing(sqlite3.connect(self.path)) as db:
            return db.execute(sql).fetchall()

    def lost(self):
        """Return samples lost, by place and kind of fault; a place without a fault is left out."""
        return {
            (place, kind): lost
            for place, kind, lost in self.rows(
                "SELECT place, kind, sum(lost_samples) FROM faults f JOIN recordings r"
                " ON r.id = f.recording_id JOIN sensors s ON s.id = r.sensor_id GROUP BY 1, 2"
            )
        }


def lose_power_every_5_s(*places):
    """Return what takes the power of these sensors for a moment, all at once."""
    due = [10.0 + 5.0 * step for step in range(6)]

    def lose(night):
        if due and night.now_s() > due[0]:
            due.pop(0)
            for place in places:
                next(iter(night.adapter(place)._devices.values())).lose_power()

    return lose


@pytest.mark.parametrize("chips", [("mpu6050",), ("lsm6dsox",), ("mpu6050", "lsm6dsox")])
def test_a_slow_set_up_costs_the_others_nothing(tmp_path, chips):
    """Chips that need a tenth of a second to be set up, again and again, leave a neighbour's FIFO drained."""
    slow = tuple(SensorSettings(place=chip, chip=chip, bus=2 + k) for k, chip in enumerate(chips))
    night = Night(tmp_path / "a.db", (LEFT, *slow), lose_power_every_5_s(*chips))
    night.run()
    assert {place for place, _ in night.lost()} == set(chips)


@pytest.mark.parametrize("error", [BusError("no answer"), NOT_KEPT])
def test_a_chip_that_does_not_start_leaves_no_recording(tmp_path, error):
    """A chip that is found and then fails to start for half a minute has one recording, from then on."""

    def fail(night, rig):
        def bad_start():
            raise error

        if rig.sensor.place == "right" and night.now_s() < 30:
            rig.chip.start = bad_start

    slow = dataclasses.replace(RIGHT, chip="mpu6050")
    night = Night(tmp_path / "a.db", (LEFT, slow), prepare=fail)
    assert night.run() == [1, 2]
    assert night.lost() == {}
    ((left,), (right,)) = night.rows("SELECT end_sample FROM recordings ORDER BY id")
    assert left > 59 * 400
    assert 0 < right < 31 * 400


@pytest.mark.parametrize("method", ["configure", "start"])
def test_the_only_chip_is_tried_again(tmp_path, caplog, method):
    """One garbled byte while the only, named chip is set up costs a second, and does not end the daemon."""
    tries = []

    def fail_once(_night, rig):
        def bad(*_settings):
            raise NOT_KEPT

        tries.append(rig)
        if len(tries) == 1:
            setattr(rig.chip, method, bad)

    caplog.set_level(logging.WARNING)
    night = Night(tmp_path / "a.db", (LEFT,), prepare=fail_once)
    assert night.run() == [1]
    assert night.rows("SELECT end_sample > 58 * 400 FROM recordings") == [(1,)]
    assert "POWER_CTL was set to 0x08 but reads 0x00; trying again" in caplog.text


def stuck_from_10_to_40(*places):
    """Return what sticks the buses of these sensors for half a minute."""

    def stick(night):
        for place in places:
            night.adapter(place).faults.bus_stuck = 10 < night.now_s() < 40

    return stick


def test_what_a_stuck_bus_costs_another_one(tmp_path):
    """A bus stuck for half a minute costs a sensor on another bus a few samples a try, all counted."""
    night = Night(tmp_path / "a.db", (LEFT, RIGHT), stuck_from_10_to_40("right"))
    night.run()
    ((left,),) = night.rows("SELECT end_sample FROM recordings WHERE id = 1")
    assert left == pytest.approx(NIGHT_S * 400, abs=40)
    tries = 12  # in 3 s as many as there are pauses, then one every 5 s
    assert 0 < night.lost()["left", "overrun"] <= tries * 0.2 * 400


def test_where_all_are_stuck_none_waits_longer_for_it(tmp_path):
    """With nobody to spare, sensors that share a stuck bus are tried every second: both are back soon."""
    sensors = tuple(
        SensorSettings(place=place, bus=1, address=address, rate_hz=400)
        for place, address in (("left", 0x53), ("right", 0x1D))
    )
    night = Night(tmp_path / "a.db", sensors, stuck_from_10_to_40("left"))
    night.run()
    lost = night.lost()
    for place in ("left", "right"):
        assert 29 * 400 < sum(n for (one, _), n in lost.items() if one == place) < 31.6 * 400


@pytest.mark.parametrize(("chip", "rate_hz"), [("adxl345", 400), ("adxl355", 1000), ("lsm6dsox", 416)])
def test_a_first_drain_that_takes_long(tmp_path, chip, rate_hz):
    """A night whose very first read takes 120 ms has times for all of its samples, and goes on."""

    def delay(_night, rig):
        adapter, drain = rig.chip._chip.bus._adapter, rig.chip.drain
        carry = adapter.i2c_rdwr

        def slow_transfer(*messages):
            adapter.i2c_rdwr = carry
            carry(*messages)
            rig.clock.advance(120_000_000)

        def first_drain():
            rig.chip.drain = drain
            adapter.i2c_rdwr = slow_transfer
            return drain()

        rig.chip.drain = first_drain

    night = Night(tmp_path / "a.db", (SensorSettings(chip=chip, rate_hz=rate_hz),), prepare=delay)
    assert night.run() == [1]
    assert night.rows("SELECT end_sample FROM recordings") == [(pytest.approx(60 * rate_hz, rel=0.01),)]


def test_one_that_can_not_end_costs_the_others_no_row(tmp_path, monkeypatch):
    """Where the end of one recording fails, the others' last rows are stored all the same."""
    end = Station.end

    def bad_end(station):
        if station._rig.sensor.place == "left":
            raise ValueError("out of order")
        end(station)

    monkeypatch.setattr(Station, "end", bad_end)
    night = Night(tmp_path / "a.db", (LEFT, RIGHT))
    with pytest.raises(ValueError, match="out of order"):
        night.run()
    samples = night.rows(
        "SELECT r.id, ended, end_sample = sum(sample_count) FROM recordings r"
        " JOIN raw_chunks c ON c.recording_id = r.id GROUP BY 1"
    )
    assert samples[1] == (2, "stopped", 1)


@pytest.mark.parametrize(("bus", "sharing"), [(1, 2), (2, 1)])
def test_each_knows_how_many_share_its_bus(tmp_path, bus, sharing):
    """Two sensors on one bus know that they share it; on a bus each, they have it to themselves."""
    other = SensorSettings(place="right", chip="lis3dh", bus=bus)
    night = Night(tmp_path / "a.db", (LEFT, other))
    assert [seat.open_rig().sharing for seat in night.site.seats] == [sharing, sharing]
