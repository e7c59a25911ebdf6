"""`bedtick check`: looks at the device and says what to do."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import click

from bedtick.analysis.cli.night_errors import night_errors
from bedtick.analysis.cli.options import database_option
from bedtick.analysis.cli.sensor import bus_option, chip_option, config_option, open_rig

if TYPE_CHECKING:
    from pathlib import Path

    from bedtick.logger.check import Finding

COLOURS = {"ok": "green", "warning": "yellow", "failure": "red"}


@click.command("check")
@bus_option
@chip_option
@database_option
@config_option
def command(bus: str, chip: str, db: Path, config: Path | None) -> None:
    """Check bus, sensor, clock, database and detector, and say what to do.

    Takes some seconds; keep the bed quiet. A running recording is not disturbed. Exit code 1 where
    something would cost a night.

    \b
    bedtick check
    bedtick check --bus emulated
    """  # noqa: D301  click reads the character, not a backslash
    failures = 0
    with night_errors():
        from bedtick.logger.check import FAILURE, check_device  # noqa: PLC0415  the night's side
        from bedtick.logger.settings import read_settings  # noqa: PLC0415  the same

        settings = read_settings(config)
        rig = lambda: open_rig(bus, chip, settings.sensor, seed=0, at_real_speed=False)  # noqa: E731
        for finding in check_device(rig, settings, db):
            _show(finding)
            failures += finding.state == FAILURE
    if failures:
        raise click.ClickException(f"{failures} of these would cost a night; see above.")


def _show(finding: Finding) -> None:
    state = click.style(f"{finding.state:8}", fg=COLOURS[finding.state])
    first, *more = _wrapped(finding.sentence) + (_wrapped(f"-> {finding.advice}") if finding.advice else [])
    click.echo(f"{state} {finding.what:10} {first}")
    for line in more:
        click.echo(f"{'':20}{line}")


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 60, break_long_words=False, break_on_hyphens=False)
