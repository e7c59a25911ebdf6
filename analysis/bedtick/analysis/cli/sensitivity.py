"""`bedtick sensitivity`: what a stored night could have found, by known jerks added to its quiet time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bedtick.analysis.cli.asked_night import asked_night
from bedtick.analysis.cli.night_errors import night_errors
from bedtick.analysis.cli.options import (
    current_look,
    database_option,
    json_option,
    night_argument,
    place_option,
    print_json,
)
from bedtick.analysis.cli.progress import progress_bar
from bedtick.analysis.database import reading
from bedtick.analysis.screen.sensitivity import sensitivity_screen
from bedtick.analysis.sensitivity import Sensitivity, Size

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from bedtick.analysis.night import Night


@click.command("sensitivity")
@night_argument
@place_option
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the jerks and their places."
)
@json_option
@database_option
def command(night: str, seed: int, *, place: str | None, as_json: bool, db: Path) -> None:
    """Measure what a night could and could not have found.

    Known jerks of graded size are added to the quiet time of its stored samples and detected again, with
    the night's own settings. The database is only read.

    \b
    bedtick sensitivity
    bedtick sensitivity 2026-02-03 --json
    """  # noqa: D301  click reads the character, not a backslash
    with reading(db) as connection:
        chosen = asked_night(connection, db, night, place, as_json=as_json)
        if chosen is None:
            return
        measured = _measure(connection, chosen, seed)
    if as_json:
        print_json(measured.as_json())
    else:
        click.echo("\n".join(sensitivity_screen(measured, current_look())))


def _measure(connection: sqlite3.Connection, night: Night, seed: int) -> Sensitivity:
    with night_errors():
        from bedtick.logger.sensitivity.look import Part  # noqa: PLC0415  the night's side
        from bedtick.logger.sensitivity.measure import measure  # noqa: PLC0415  the same

        parts = [
            Part(part.recording.id, part.scoring, part.first_sample, part.events_end_sample)
            for part in night.parts
            if part.scoring is not None
        ]
        with progress_bar("adding jerks", 1.0) as show:
            found = measure(connection, parts, seed, show)
    return Sensitivity(
        night=night.name,
        seed=seed,
        valid_s=found.valid_s,
        live_events=found.own_events,
        quiet_s=found.quiet_s,
        heard_s=found.heard_s,
        sizes=tuple(Size(trials.peak_mg, trials.injected, trials.found) for trials in found.trials),
        false_events=found.false_events,
        weakest_mg=found.weakest_mg,
        is_tapped=found.is_tapped,
        is_dithered=found.is_dithered,
    )
