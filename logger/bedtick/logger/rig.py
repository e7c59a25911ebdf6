"""Everything the daemon samples with: buses, chips, clocks; real or emulated, it is the same to the daemon.

A `Rig` is one sensor within reach. A `Site` is where a daemon works: its clocks, and for each sensor of the
settings a `Seat`, which knows how to reach it, now or later.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

from bedtick.firmware.bus import I2CBus, open_bus
from bedtick.firmware.chips import CHIPS, MOST_BUS_SHARE, Chip, default_rate_hz
from bedtick.firmware.chips.access import check_offered
from bedtick.firmware.clock import Clock, SystemClock
from bedtick.firmware.errors import BusError, ChipError, SettingsError
from bedtick.firmware.scan import Found, explain_nothing, explain_several, scan, usual_addresses
from bedtick.logger.sampling.driver_clock import DriverClock
from bedtick.logger.settings import AUTO, SensorSettings
from bedtick.logger.wall_clock import SystemWallClock, WallClock

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rig:
    """A chip within reach, and what is known about it.

    Attributes
    ----------
    chip, address
        The driver, and where its chip answers.
    bus_name
        As stored with the sensor: `i2c-1` or `emulated`.
    clock, wall
        Boot clock and wall clock.
    source
        Of the recording, as in the schema: `chip`, `emulated` or `replay`.
    sensor
        The sensor's settings.
    nominal_hz
        What detection takes for the rate where it is not the chip's own, as in a replay; else None.
    has_ended
        Asked whether there is nothing more to sample; a real sensor goes on for ever.
    remark
        What a person should know about the chip, such as that it is a clone; mostly empty.
    sharing
        How many sensors share the bus, this one included.
    bus
        The bus itself; None where it is not at hand, as in a rig made by hand.
    """

    chip: Chip
    address: int
    bus_name: str
    clock: Clock
    wall: WallClock
    source: str
    sensor: SensorSettings
    nominal_hz: float | None = None
    has_ended: Callable[[], bool] = lambda: False
    remark: str = ""
    sharing: int = 1
    bus: I2CBus | None = None

    @property
    def range_g(self) -> int:
        """The range that was set, else the one that suits the chip best."""
        return self.sensor.range_g or self.chip.usual_range_g


@dataclass(frozen=True)
class Seat:
    """A sensor of the settings; `open_rig` finds its chip, or raises what keeps it from doing so."""

    sensor: SensorSettings
    open_rig: Callable[[], Rig]


@dataclass(frozen=True)
class Site:
    """Where a daemon works: its clocks, the source of its recordings, and its sensors.

    `driver_clock` is the one that drivers are given; None where they have the site's own.
    """

    clock: Clock
    wall: WallClock
    source: str
    seats: tuple[Seat, ...]
    driver_clock: DriverClock | None = None


def site_of(*rigs: Rig) -> Site:
    """Return a site of sensors that are within reach already; they share clocks and source."""
    first = rigs[0]
    seats = tuple(Seat(rig.sensor, partial(_itself, rig)) for rig in rigs)
    return Site(first.clock, first.wall, first.source, seats)


def _itself(rig: Rig) -> Rig:
    return rig


def real_site(bus_number: int, sensors: Sequence[SensorSettings]) -> Site:
    """Open `/dev/i2c-N` for each sensor; no sensor is asked yet.

    Parameters
    ----------
    bus_number
        The bus of sensors that name none.
    sensors
        Of the settings.

    Raises
    ------
    BusError
        Where no bus can be opened. One of several that is missing is tried again with its sensors.
    SettingsError
        Where two sensors could not be told apart.
    """
    placed = [
        sensor if sensor.bus >= 0 else dataclasses.replace(sensor, bus=bus_number) for sensor in sensors
    ]
    check_told_apart(placed)
    buses = _Buses()
    buses.open_any({sensor.bus for sensor in placed})
    clock = SystemClock()
    site = Site(clock, SystemWallClock(), "chip", (), DriverClock(clock))
    seats = tuple(
        Seat(sensor, partial(_real_rig, site, buses, sensor, count_sharing(sensor, placed)))
        for sensor in placed
    )
    return dataclasses.replace(site, seats=seats)


def _real_rig(site: Site, buses: _Buses, sensor: SensorSettings, sharing: int) -> Rig:
    rig = find_rig(site, buses.get(sensor.bus), sensor, sharing)
    return dataclasses.replace(rig, bus_name=f"i2c-{sensor.bus}")


def find_rig(site: Site, bus: I2CBus, sensor: SensorSettings, sharing: int) -> Rig:
    """Find a sensor's chip on a bus.

    Raises as `find_chip`, and `SettingsError` for a rate or range that the chip does not offer.
    """
    found = find_chip(bus, sensor, site.driver_clock or site.clock)
    model, where = found.identity.model, f"place {sensor.place}: sensor"
    check_offered(model, f"{where}.rate_hz", sensor.rate_hz, (0, *found.chip.rates_hz), "Hz")
    check_offered(model, f"{where}.range_g", sensor.range_g, (0, *found.chip.ranges_g), "g")
    return Rig(
        found.chip,
        found.address,
        bus.name,
        site.clock,
        site.wall,
        site.source,
        sensor=sensor,
        remark=found.identity.remark,
        sharing=sharing,
        bus=bus,
    )


class _Buses:
    """The buses opened so far, by number."""

    def __init__(self) -> None:
        self._open: dict[int, I2CBus] = {}

    def get(self, number: int) -> I2CBus:
        """Return a bus, opened where it is not yet; raise `BusError` where that fails."""
        if number not in self._open:
            self._open[number] = open_bus(number)
        return self._open[number]

    def open_any(self, numbers: set[int]) -> None:
        """Open all that can be opened; raise the first `BusError` where none can."""
        errors = []
        for number in sorted(numbers):
            try:
                self.get(number)
            except BusError as error:
                errors.append(error)
        if not self._open:
            raise errors[0]


def count_sharing(sensor: SensorSettings, sensors: Sequence[SensorSettings]) -> int:
    """Return how many of the sensors are on this one's bus, itself included."""
    return sum(other.bus == sensor.bus for other in sensors)


def check_told_apart(sensors: Sequence[SensorSettings]) -> None:
    """Raise `SettingsError` where two sensors of one bus could be taken for each other.

    Each is looked for by itself: were the left one unplugged, the right one would be recorded as left.
    """
    for one, other in combinations(sensors, 2):
        is_same_kind = one.chip == other.chip or AUTO in (one.chip, other.chip)
        is_same_address = one.address == other.address != 0  # whatever the chips: only one can answer there
        can_meet = is_same_address or (is_same_kind and bool(_addresses(one) & _addresses(other)))
        if one.bus == other.bus and can_meet:
            raise SettingsError(
                f"sensors {one.place!r} and {other.place!r} share a bus: give each its own address in the "
                "settings, such as address = 0x53 and address = 0x1D"
            )


def _addresses(sensor: SensorSettings) -> set[int]:
    """Return where a sensor may be."""
    chips = tuple(CHIPS) if sensor.chip == AUTO else (sensor.chip,)
    return {sensor.address} if sensor.address else set(usual_addresses(chips))


def find_chip(bus: I2CBus, sensor: SensorSettings, clock: Clock) -> Found:
    """Return the chip of a sensor; of several that could be meant the first, and the log says so.

    Parameters
    ----------
    bus
        Where to look.
    sensor
        Its chip, `auto` for any, and its address, 0 for the usual ones.
    clock
        Given to the driver.

    Raises
    ------
    ChipError
        Where another chip answers than the one that was named, or the kernel uses the only one.
    BusError
        Where none does.
    SettingsError
        For a name that is no chip's.
    """
    seen = scan(bus, clock, chip=sensor.chip, address=sensor.address)
    if not seen.found:
        is_another = bool(seen.strangers) and sensor.chip != AUTO
        raise (ChipError if is_another or seen.owned else BusError)(explain_nothing(seen))
    if len(seen.found) > 1:
        log.warning("%s; the first is taken", explain_several(seen))
    return seen.found[0]


def choose_rate_hz(chip: Chip, sensor: SensorSettings, sharing: int = 1) -> int:
    """Return the rate that was set, else the highest usual one that the bus carries in half of its time.

    A rate that was set is kept even where it is unwise; the log says so.

    Parameters
    ----------
    chip
        Not yet started.
    sensor
        The sensor's settings.
    sharing
        How many sensors share the bus: each may take its part of that half.
    """
    set_s = chip.measure_set_s() * sharing
    if not sensor.rate_hz:
        return default_rate_hz(chip.usual_rates_hz, set_s)
    share = sensor.rate_hz * set_s
    if share > MOST_BUS_SHARE:
        whose = "the bus's time" if sharing == 1 else f"this sensor's part of the bus, shared by {sharing}"
        log.warning(
            "%d Hz takes %.0f %% of %s, so samples may be lost: set sensor.rate_hz to %d, or a "
            "faster bus", sensor.rate_hz, 100 * share, whose, default_rate_hz(chip.usual_rates_hz, set_s),
        )  # fmt: skip
    return sensor.rate_hz
