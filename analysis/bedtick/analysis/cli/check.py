"""`bedtick check`: looks at the whole chain and says what to do."""

from __future__ import annotations

import dataclasses
import shutil
import textwrap
from typing import TYPE_CHECKING

import click

from bedtick.analysis.cli.night_errors import night_errors
from bedtick.analysis.cli.options import current_look, database_option, json_option, print_json
from bedtick.analysis.cli.quiet_log import quiet_log
from bedtick.analysis.cli.sensor import bus_option, chip_option, config_option, open_site
from bedtick.analysis.screen.look import shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bedtick.analysis.screen.look import Look
    from bedtick.logger.check.finding import Finding

COLOURS = {"ok": "green", "warning": "yellow", "failure": "red"}
STATE_CELLS, NAME_CELLS = 8, 10
MOST_TEXT_CELLS, LEAST_TEXT_CELLS = 60, 18


@click.command("check")
@bus_option
@chip_option
@database_option
@config_option
@json_option
def command(bus: str, chip: str, *, db: Path, config: Path | None, as_json: bool) -> None:
    """Check machine, bus, sensor and detector, line by line, and say what to do.

    Takes some seconds; keep the bed quiet. A running recording is not disturbed: then its sensors are left
    alone. Exit code 1 where something would cost a night.

    \b
    bedtick check
    bedtick check --bus emulated
    """  # noqa: D301  click reads the character, not a backslash
    with night_errors():
        from bedtick.logger.check.device import check_device  # noqa: PLC0415  the night's side
        from bedtick.logger.settings import read_settings, with_chip  # noqa: PLC0415  the same

        settings = with_chip(read_settings(config), chip)
        site = lambda: open_site(bus, settings.sensors, seed=0, at_real_speed=False)  # noqa: E731
        findings = check_device(site, settings, db)
        tell = _as_json if as_json else _as_lines
        with quiet_log():
            failures = tell(findings, len(settings.sensors) > 1)
    if failures:
        raise click.ClickException(f"{failures} of these would cost a night; see above.")


def _as_json(findings: Iterator[Finding], _has_places: bool) -> int:
    """Print all findings as one array; return how many are failures."""
    made = list(findings)
    print_json([dataclasses.asdict(finding) for finding in made])
    return _count_failures(made)


def _as_lines(findings: Iterator[Finding], has_places: bool) -> int:
    """Print each finding as it is made, those of a sensor under its place; return how many are failures."""
    look, place, made = current_look(), None, []
    for finding in findings:
        made.append(finding)
        if has_places and finding.place != place:
            place = finding.place
            click.echo(f"\n{look.heading(shown(place or 'the device', look))}")
        _show(finding, look)
    return _count_failures(made)


def _count_failures(findings: list[Finding]) -> int:
    return sum(finding.state == "failure" for finding in findings)


def _show(finding: Finding, look: Look) -> None:
    state = f"{finding.state:{STATE_CELLS}}"
    if look.colours:
        state = click.style(state, fg=COLOURS[finding.state])
    told = [*_wrapped(finding.sentence), *(_wrapped(f"-> {finding.advice}") if finding.advice else [])]
    first, *more = (shown(line, look) for line in told)
    click.echo(f"{state} {finding.what:{NAME_CELLS}} {first}")
    for line in more:
        click.echo(f"{'':{STATE_CELLS + NAME_CELLS + 2}}{line}")


def _wrapped(text: str) -> list[str]:
    room = shutil.get_terminal_size().columns - STATE_CELLS - NAME_CELLS - 2
    cells = max(min(room, MOST_TEXT_CELLS), LEAST_TEXT_CELLS)
    return textwrap.wrap(text, cells, break_long_words=False, break_on_hyphens=False)
