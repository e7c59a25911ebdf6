"""Options of the commands that sample: which bus, which chip, which settings; and what they open."""

from __future__ import annotations

import logging
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from bedtick.logger.rig import Rig, Site
    from bedtick.logger.settings import SensorSettings

Decorated = TypeVar("Decorated", bound="Callable[..., Any]")
SYSTEM_SETTINGS = Path("/etc/bedtick/bedtick.toml")
_BUS = re.compile(r"(?P<number>\d{1,3})|emulated(?::(?P<file>.+))?")


def bus_option(function: Decorated) -> Decorated:
    """Add `--bus N|emulated[:FILE]`; the function gets `bus`, checked for its form."""
    return click.option(
        "--bus",
        default="1",
        show_default=True,
        metavar="N|emulated[:FILE]",
        callback=_check_bus,
        help="/dev/i2c-N, or the emulated chip on a synthetic mattress or a recording.",
    )(function)


def chip_option(function: Decorated) -> Decorated:
    """Add `--chip auto|NAME`."""
    return click.option(
        "--chip", default="auto", show_default=True, metavar="auto|NAME", help="Which sensor."
    )(function)


def config_option(function: Decorated) -> Decorated:
    """Add `--config FILE`; the function gets `config`, a Path or None for the defaults."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        callback=lambda _ctx, _param, value: find_settings(value),
        help="Settings; else $BEDTICK_CONFIG, else /etc/bedtick/bedtick.toml, else defaults.",
    )(function)


def find_settings(option: Path | None) -> Path | None:
    """Return the settings file that is meant; None where the defaults are."""
    if option is not None:
        return option
    if named := os.environ.get("BEDTICK_CONFIG"):
        return Path(named)
    return SYSTEM_SETTINGS if SYSTEM_SETTINGS.exists() else None


def open_rig(bus: str, sensor: SensorSettings, *, seed: int, at_real_speed: bool) -> Rig:
    """Open the bus that `--bus` names and find the sensor's chip on it."""
    (seat,) = open_site(bus, (sensor,), seed=seed, at_real_speed=at_real_speed).seats
    return seat.open_rig()


def open_site(bus: str, sensors: tuple[SensorSettings, ...], *, seed: int, at_real_speed: bool) -> Site:
    """Open the bus that `--bus` names, and those that sensors name; no sensor is looked for yet."""
    from bedtick.logger.emulated import emulated_site, emulated_world  # noqa: PLC0415  the night's side
    from bedtick.logger.rig import real_site  # noqa: PLC0415  the same

    parts = _BUS.fullmatch(bus)
    if parts is not None and parts["number"]:
        return real_site(int(parts["number"]), sensors)
    file = parts["file"] if parts is not None else None
    world = emulated_world(Path(file) if file else None, seed)
    return emulated_site(world, sensors, at_real_speed=at_real_speed)


def log_to_stderr() -> None:
    """Let the daemon's messages go to standard error, one line each; journald adds the time."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")


def _check_bus(_context: click.Context, _parameter: click.Parameter, bus: str) -> str:
    if _BUS.fullmatch(bus) is None:
        raise click.BadParameter(f"{bus!r} names no bus: write its number, as in --bus 1, or emulated.")
    return bus
