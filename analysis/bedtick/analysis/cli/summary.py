"""`bedtick summary`: one night on one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bedtick.analysis.cli.asked_night import asked_night
from bedtick.analysis.cli.options import (
    current_look,
    database_option,
    json_option,
    night_argument,
    place_option,
    print_json,
    scoring_option,
    time_zone_option,
)
from bedtick.analysis.database import reading
from bedtick.analysis.nights import choose_scoring
from bedtick.analysis.screen.summary import summary_screen
from bedtick.analysis.summary import summarise
from bedtick.analysis.summary_json import summary_json

if TYPE_CHECKING:
    from pathlib import Path


@click.command("summary")
@night_argument
@place_option
@database_option
@json_option
@scoring_option
@time_zone_option
def command(
    night: str,
    *,
    place: str | None,
    db: Path,
    as_json: bool,
    scoring: str | None,
    time_zone: str | None,
) -> None:
    """Show one night on one screen.

    NIGHT is last (the default), the date of the evening, or rN for a recording without a clock.

    \b
    bedtick summary
    bedtick summary 2026-02-03
    bedtick summary r12 --json
    """  # noqa: D301  click reads the character, not a backslash
    print_summary(db, night, place, as_json=as_json, scoring=scoring, time_zone=time_zone)


def print_summary(
    db: Path,
    night: str = "last",
    place: str | None = None,
    *,
    as_json: bool = False,
    scoring: str | None = None,
    time_zone: str | None = None,
) -> None:
    """Print the summary of a night; `place` chooses where several have one.

    Raises
    ------
    AnalysisError
        No such database, night or scoring.
    """
    with reading(db) as connection:
        found = asked_night(connection, db, night, place, as_json=as_json, time_zone=time_zone)
        if found is None:
            return
        (chosen,) = choose_scoring(connection, [found], scoring)
        summary = summarise(connection, chosen)
    if as_json:
        print_json(summary_json(summary))
    else:
        click.echo(summary_screen(summary, current_look()))
