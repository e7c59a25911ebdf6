"""`bedtick run`: the daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bedtick.analysis.cli.night_errors import night_errors
from bedtick.analysis.cli.options import database_option
from bedtick.analysis.cli.sensor import bus_option, chip_option, config_option, log_to_stderr, open_site

if TYPE_CHECKING:
    from pathlib import Path


@click.command("run")
@bus_option
@chip_option
@click.option("--speed", type=click.Choice(["1", "max"]), default="1", help="Of an emulated night.")
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Of an emulated mattress.")
@database_option
@config_option
@click.option(
    "--print-config", is_flag=True, help="Print all settings with unit, default and range, and end."
)
def command(
    bus: str, chip: str, *, speed: str, seed: int, db: Path, config: Path | None, print_config: bool
) -> None:
    """Record every sensor of the settings until stopped by SIGTERM or Ctrl-C.

    A sensor that does not answer is tried again until it does; the others are recorded meanwhile.

    \b
    bedtick run                              the sensor on /dev/i2c-1
    bedtick run --bus emulated --speed max   a synthetic sleeper, fast
    bedtick run --print-config > bedtick.toml
    """  # noqa: D301  click reads the character, not a backslash
    with night_errors():
        from bedtick.logger.printed_settings import print_settings  # noqa: PLC0415  the night's side
        from bedtick.logger.settings import read_settings, with_chip  # noqa: PLC0415  the same

        settings = read_settings(config)
        if print_config:
            click.echo(print_settings(settings), nl=False)
            return
        if not bus.startswith("emulated") and (speed != "1" or seed):
            raise click.UsageError("--speed and --seed are for an emulated night: add --bus emulated.")
        from bedtick.logger.signals import stop_on_signals  # noqa: PLC0415  the same

        with stop_on_signals() as stop:  # first of all: what follows takes a moment to load
            from bedtick.logger.daemon import Control, record  # noqa: PLC0415  the same

            sensors = with_chip(settings, chip).sensors
            site = open_site(bus, sensors, seed=seed, at_real_speed=speed == "1")
            log_to_stderr()
            record(site, settings, db, Control(stop=stop))
