"""`bedtick events`: the events of a night, a line each."""

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
from bedtick.analysis.events import load_events
from bedtick.analysis.nights import choose_scoring, with_exact_clocks
from bedtick.analysis.screen.tables import events_table

if TYPE_CHECKING:
    from pathlib import Path


@click.command("events")
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
    """List the events of a night, a line each.

    NIGHT is last (the default), the date of the evening, or rN for a recording without a clock.

    \b
    bedtick events
    bedtick events 2026-02-03 | less
    bedtick events r12 --json
    """  # noqa: D301  click reads the character, not a backslash
    with reading(db) as connection:
        found = asked_night(connection, db, night, place, as_json=as_json, time_zone=time_zone)
        if found is None:
            return
        (chosen,) = choose_scoring(connection, [found], scoring)
        events = load_events(connection, with_exact_clocks(connection, chosen))
    if as_json:
        print_json([event.as_json() for event in events])
    elif not events:
        click.echo(f"No events in night {chosen.name}.")
    else:
        click.echo("\n".join(events_table(chosen, events, current_look())))
