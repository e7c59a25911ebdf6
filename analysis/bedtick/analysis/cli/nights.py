"""`bedtick nights`: all nights, a line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bedtick.analysis.cli.options import (
    current_look,
    database_option,
    json_option,
    print_json,
    print_no_nights,
    scoring_option,
    time_zone_option,
)
from bedtick.analysis.database import reading
from bedtick.analysis.night_list import night_rows
from bedtick.analysis.nights import choose_scoring, load_nights
from bedtick.analysis.screen.tables import nights_table

if TYPE_CHECKING:
    from pathlib import Path


@click.command("nights")
@database_option
@json_option
@scoring_option
@time_zone_option
def command(db: Path, *, as_json: bool, scoring: str | None, time_zone: str | None) -> None:
    """List all nights, a line each, the latest last.

    \b
    bedtick nights
    bedtick nights --json
    bedtick nights --tz America/New_York
    """  # noqa: D301  click reads the character, not a backslash
    with reading(db) as connection:
        nights = load_nights(connection, time_zone=time_zone)
        rows = night_rows(connection, choose_scoring(connection, nights, scoring)) if nights else []
    if as_json:
        print_json([row.as_json() for row in rows])
    elif not rows:
        print_no_nights(db, as_json=False)
    else:
        click.echo("\n".join(nights_table(rows, current_look())))
