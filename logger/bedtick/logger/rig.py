"""Everything the daemon samples with: bus, chip, clocks; real or emulated, it is the same to the daemon."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from bedtick.firmware.bus import I2CBus, open_bus
from bedtick.firmware.chips import CHIPS, MOST_BUS_SHARE, Chip, default_rate_hz
from bedtick.firmware.clock import Clock, SystemClock
from bedtick.firmware.errors import BusError, SettingsError
from bedtick.logger.settings import SensorSettings
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
    nominal_hz
        What detection takes for the rate where it is not the chip's own, as in a replay; else None.
    has_ended
        Asked whether there is nothing more to sample; a real sensor goes on for ever.
    """

    chip: Chip
    address: int
    bus_name: str
    clock: Clock
    wall: WallClock
    source: str
    nominal_hz: float | None = None
    has_ended: Callable[[], bool] = lambda: False


def real_rig(bus_number: int, chip: str, sensor: SensorSettings) -> Rig:
    """Open `/dev/i2c-N` and find the chip on it.

    Raises
    ------
    BusError, ChipError, SettingsError
        As `open_bus` and `find_chip`.
    """
    clock = SystemClock()
    bus = open_bus(bus_number)
    driver, address = find_chip(bus, chip, sensor, clock)
    return Rig(driver, address, f"i2c-{bus_number}", clock, SystemWallClock(), source="chip")


def find_chip(bus: I2CBus, name: str, sensor: SensorSettings, clock: Clock) -> tuple[Chip, int]:
    """Return the driver and address of the chip that answers.

    Parameters
    ----------
    bus
        Where to look.
    name
        A chip's name, or `auto` for the first known chip that answers.
    sensor
        Its address, 0 for the chip's usual ones.
    clock
        Given to the driver.

    Raises
    ------
    ChipError
        Where another chip answers.
    BusError
        Where none does.
    SettingsError
        For a name that is no chip's.
    """
    if name != "auto" and name not in CHIPS:
        raise SettingsError(f"no chip is called {name!r}; there are auto, {', '.join(CHIPS)}")
    kinds = list(CHIPS.values()) if name == "auto" else [CHIPS[name]]
    silent: list[BusError] = []
    for kind in kinds:
        for address in (sensor.address,) if sensor.address else kind.addresses:
            chip = kind(bus, address, clock)
            try:
                chip.identify()
            except BusError as error:
                silent.append(error)
            else:
                return chip, address
    raise silent[0]


def choose_rate_hz(chip: Chip, sensor: SensorSettings) -> int:
    """Return the rate that was set, else the highest usual one that the bus carries in half of its time.

    A rate that was set is kept even where it is unwise; the log says so.
    """
    set_s = chip.measure_set_s()
    if not sensor.rate_hz:
        return default_rate_hz(chip.usual_rates_hz, set_s)
    share = sensor.rate_hz * set_s
    if share > MOST_BUS_SHARE:
        log.warning(
            "%d Hz takes %.0f %% of the bus's time, so samples may be lost: set sensor.rate_hz to %d, or a "
            "faster bus", sensor.rate_hz, 100 * share, default_rate_hz(chip.usual_rates_hz, set_s),
        )  # fmt: skip
    return sensor.rate_hz
