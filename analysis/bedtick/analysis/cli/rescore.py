"""`bedtick rescore`: detects again on the stored samples of a night, beside its old scoring."""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from bedtick.analysis.database import find_database, reading
from bedtick.analysis.events import Event, load_events
from bedtick.analysis.nights import find_night, load_nights, with_exact_clocks
from bedtick.analysis.scoring_changes import Changes, changes_between
from bedtick.analysis.screen.rescored import rescored_screen

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bedtick.analysis.night import Night
    from bedtick.logger.rescore import Rescored
    from bedtick.logger.settings import DetectorSettings


def _parse_changes(
    _context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]
) -> dict[str, object]:
    """Split each KEY=VALUE; whether there is such a key is not asked yet."""
    changes: dict[str, object] = {}
    for text in texts:
        key, sign, value = (part.strip() for part in text.partition("="))
        if not (key and sign and value):
            raise click.BadParameter(f"{text!r} sets nothing: write KEY=VALUE, such as high_ratio=4.")
        changes[key] = _number(value)
    return changes


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


@click.command("rescore")
@night_argument
@place_option
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="KEY=VALUE",
    callback=_parse_changes,
    help="Change one setting of [detector], such as high_ratio=4; may be given again.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Take all settings from this file; else those of the night's own scoring.",
)
@click.option("--compare", is_flag=True, help="List what changed against the night's own scoring.")
@json_option
@database_option
def command(
    night: str,
    changes: dict[str, object],
    config: Path | None,
    *,
    place: str | None,
    compare: bool,
    as_json: bool,
    db: Path,
) -> None:
    """Detect again on the stored samples of a night.

    The old scoring stays, and stays what is shown; the new one is kept beside it under its own id. A
    daemon that records into the same file is not disturbed.

    \b
    bedtick rescore --set high_ratio=4 --compare
    bedtick rescore 2026-02-03 --config other.toml
    """  # noqa: D301  click reads the character, not a backslash
    with reading(db) as connection:
        chosen = asked_night(connection, db, night, place, as_json=as_json)
        if chosen is None:
            return
    outcomes = _rescore(db, chosen, changes, config)
    old, new = _events(db, chosen, outcomes)
    changed = changes_between(old, new, _ends_s(chosen, outcomes)) if compare else None
    if as_json:
        print_json(_as_json(chosen, outcomes, new, changed))
    else:
        where = "" if db == find_database(None, os.environ) else f" --db {db}"
        lines = rescored_screen(chosen, outcomes, (old, new), changed, look=current_look(), where=where)
        click.echo("\n".join(lines))


def _rescore(db: Path, night: Night, changes: dict[str, object], config: Path | None) -> list[Rescored]:
    with night_errors():
        from bedtick.logger.rescore import rescore  # noqa: PLC0415  the night's side

        ids = [part.recording.id for part in night.parts]
        total = sum(part.recording.end_sample for part in night.parts)
        wanted = _wanted(changes, config)
        with progress_bar("scoring again", total) as show:
            return rescore(db, ids, wanted, show)


def _wanted(
    changes: dict[str, object], config: Path | None
) -> Callable[[DetectorSettings], DetectorSettings]:
    """Return what makes the new settings from those of a recording's own scoring."""
    from bedtick.logger.rescore import changed_settings  # noqa: PLC0415  the night's side
    from bedtick.logger.settings import read_settings  # noqa: PLC0415  the same

    given = None if config is None else read_settings(config).detector
    return lambda own: changed_settings(given or own, changes, "--set")


def _events(db: Path, chosen: Night, outcomes: Sequence[Rescored]) -> tuple[list[Event], list[Event]]:
    """Return the night's events by its own scorings and by the new ones, of what could be scored again."""
    scorings = {
        outcome.job.recording_id: outcome.scoring_id for outcome in outcomes if outcome.scoring_id is not None
    }
    with reading(db) as connection:
        night = with_exact_clocks(connection, find_night(load_nights(connection), chosen.name, chosen.place))
        parts = [part for part in night.parts if part.recording.id in scorings]
        again = [replace(part, scoring=scorings[part.recording.id]) for part in parts]
        return (
            load_events(connection, replace(night, parts=tuple(parts))),
            load_events(connection, replace(night, parts=tuple(again))),
        )


def _ends_s(night: Night, outcomes: Sequence[Rescored]) -> dict[int, float]:
    """How far each recording was there to be scored, in seconds since it began."""
    clocks = {part.recording.id: part.recording.clock for part in night.parts}
    return {
        outcome.job.recording_id: clocks[outcome.job.recording_id].elapsed_ns(outcome.job.end_sample) / 1e9
        for outcome in outcomes
    }


def _as_json(
    night: Night, outcomes: Sequence[Rescored], new: Sequence[Event], changed: Changes | None
) -> dict[str, Any]:
    return {
        "night": night.name,
        "recordings": [_outcome_json(outcome, new) for outcome in outcomes],
        "compare": None if changed is None else changed.as_json(),
    }


def _outcome_json(outcome: Rescored, new: Sequence[Event]) -> dict[str, Any]:
    job = outcome.job
    return {
        "recording": job.recording_id,
        "live_scoring": job.live_scoring_id,
        "scoring": outcome.scoring_id,
        "is_new": outcome.is_new,
        "has_ended": not job.is_open,
        "scored_s": round(job.end_sample / job.nominal_hz, 3),
        "unreadable_s": round(outcome.unreadable_samples / job.nominal_hz, 3),
        "events": sum(event.recording == job.recording_id for event in new),
        "settings": asdict(job.settings),
    }
