"""Looks at the whole chain, in the order in which a night needs it: the machine, each bus, each sensor.

While a recording runs its sensors are left alone, for two can not read one FIFO. Everything else is looked at
all the same. The room on the disk comes last: how much a night takes is known once the sensors were heard.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from bedtick.firmware.errors import BedtickError
from bedtick.firmware.pins import open_pins
from bedtick.logger.check.bus import check_bus
from bedtick.logger.check.finding import FAILURE, GOOD, WARNING, Finding
from bedtick.logger.check.machine import check_kernel, check_room, check_store, check_wall
from bedtick.logger.check.patience import patiently
from bedtick.logger.check.pins import check_pins
from bedtick.logger.check.power import check_power
from bedtick.logger.check.ring_down import check_ring_down
from bedtick.logger.check.sensor import check_sensor
from bedtick.logger.rig import Rig, Seat, Site
from bedtick.logger.settings import Settings
from bedtick.logger.wall_clock import SystemWallClock


def check_device(open_site: Callable[[], Site], settings: Settings, path: Path) -> Iterator[Finding]:
    """Look at everything that a night needs; findings come as they are made.

    Parameters
    ----------
    open_site
        Opens the buses; no sensor is asked yet.
    settings
        All settings.
    path
        The database; it is opened, and made where it is missing, as the daemon would.
    """
    store, is_free = check_store(path)
    yield store
    yield check_power()
    yield check_kernel()
    night_bytes = 0.0
    if is_free:
        night_bytes = yield from _check_site(open_site, settings, path)
    else:
        yield check_wall(SystemWallClock())
        yield _left_alone(store)
    if store.state == GOOD:
        yield check_room(path, night_bytes)


def _left_alone(store: Finding) -> Finding:
    if store.state == GOOD:
        return Finding("sensor", GOOD, "a recording is running, so the sensor is left alone")
    return Finding("sensor", WARNING, "left alone: it can not be told whether a recording is running")


def _check_site(
    open_site: Callable[[], Site], settings: Settings, path: Path
) -> Generator[Finding, None, float]:
    """Look at clock, pins, buses and sensors; return the bytes that a night of all sensors takes."""
    try:
        site = open_site()
    except BedtickError as error:
        yield check_wall(SystemWallClock())
        yield Finding("bus", FAILURE, str(error))  # the message says what to do
        return 0.0
    yield check_wall(site.wall)
    yield check_pins(settings.pins, site.clock, open_pins)
    night_bytes = 0.0
    looked_at: set[int] = set()
    for seat in site.seats:
        night_bytes += yield from _check_seat(seat, settings, path, looked_at)
    return night_bytes


def _check_seat(
    seat: Seat, settings: Settings, path: Path, looked_at: set[int]
) -> Generator[Finding, None, float]:
    """Look at one sensor, and at its bus where that was not looked at yet; return the bytes of a night."""
    place = seat.sensor.place
    try:
        rig = patiently(seat.open_rig)
        if rig.bus is not None and id(rig.bus) not in looked_at:
            looked_at.add(id(rig.bus))
            yield from check_bus(rig.bus, rig.address, rig.clock, rig.sharing)
        return (yield from _at(place, _check_rig(rig, settings, path)))
    except BedtickError as error:
        yield Finding("sensor", FAILURE, str(error), place=place)
        return 0.0


def _check_rig(rig: Rig, settings: Settings, path: Path) -> Generator[Finding, None, float]:
    night_bytes = yield from check_sensor(rig, settings.detector)
    yield check_ring_down(rig, settings, path)
    return night_bytes


def _at(place: str, findings: Generator[Finding, None, float]) -> Generator[Finding, None, float]:
    """Give findings the place that they are about."""
    while True:
        try:
            finding = next(findings)
        except StopIteration as end:
            return float(end.value)
        yield dataclasses.replace(finding, place=place)
