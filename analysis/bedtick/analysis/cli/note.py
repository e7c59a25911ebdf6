"""`bedtick note`: what a person knows of a night; so far, when one without a clock began."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from bedtick.analysis.cli.options import (
    database_option,
    night_argument,
    place_option,
    print_no_nights,
    time_zone_option,
)
from bedtick.analysis.database import reading
from bedtick.analysis.hand_start import check_start, minute_of, recording_meant, write_start
from bedtick.analysis.nights import load_nights
from bedtick.analysis.times import zone
from bedtick.analysis.writing import writing

if TYPE_CHECKING:
    from datetime import tzinfo
    from pathlib import Path

    from bedtick.analysis.night import Night
    from bedtick.analysis.recordings import Recording

FIRST_YEAR, LAST_YEAR = 1970, 2199  # nanoseconds of later years do not fit 64 bits
UNKNOWN = "unknown"
_FORM = "write date and time, such as 2026-02-03T22:45"


def _parse_start(_context: click.Context, _parameter: click.Parameter, text: str) -> datetime | None:
    if text == UNKNOWN:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    has_time = ":" in text  # a bare date would mean its midnight, which nobody means by it
    if moment is None or not has_time or not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise click.BadParameter(f"{text!r} is no time: {_FORM}.")
    return moment


@click.command("note")
@night_argument
@click.option(
    "--starts",
    metavar="TIME",
    required=True,
    callback=_parse_start,
    help="When it began, for a night without a clock (ISO 8601; its own zone, or --tz); or unknown.",
)
@place_option
@database_option
@time_zone_option
def command(
    night: str, starts: datetime | None, *, place: str | None, db: Path, time_zone: str | None
) -> None:
    """Say when a night without a clock began.

    NIGHT is last (the default), or rN; once it has a date, rN goes on to mean the same recording. Said
    again, the last word counts; unknown takes it back. A clock that was synchronised is never overruled.

    \b
    bedtick note --starts 2026-02-03T22:45
    bedtick note r12 --starts "2026-02-03 22:45"
    bedtick note r12 --starts unknown
    """  # noqa: D301  click reads the character, not a backslash
    with reading(db) as connection:
        nights = load_nights(connection, time_zone=time_zone)
    if not nights and night == "last":
        print_no_nights(db, as_json=False)
        return
    recording = recording_meant(nights, night, place)
    start_ns = None if starts is None else _utc_ns(starts, zone(recording.time_zone))
    if start_ns is not None:
        check_start(nights, recording, start_ns)
    with writing(db) as connection:
        write_start(connection, recording, start_ns)
    with reading(db) as connection:
        click.echo(_told(load_nights(connection, time_zone=time_zone), recording, start_ns))


def _told(nights: list[Night], recording: Recording, start_ns: int | None) -> str:
    """Say how it is now."""
    if start_ns is None:
        return f"Recording {recording.id} has no date any more."
    names = [one.name for one in nights if any(part.recording.id == recording.id for part in one.parts)]
    began = minute_of(start_ns, zone(recording.time_zone))
    return (
        f"Recording {recording.id} began {began}: night {' and '.join(names)}.\n"
        f"Wrong? Say it again: bedtick note r{recording.id} --starts TIME"
    )


def _utc_ns(moment: datetime, where: tzinfo) -> int:
    """Return a time given by hand in ns since 1970; without a zone of its own it is one of `where`."""
    if moment.tzinfo is None:
        wall, moment = moment, moment.replace(tzinfo=where)
        if moment.astimezone(UTC).astimezone(where).replace(tzinfo=None) != wall:
            raise click.BadParameter(
                f"there was no {wall:%H:%M} on {wall:%Y-%m-%d} in {where}: the clocks went forward.",
                param_hint="--starts",
            )
    return round(moment.timestamp() * 1e6) * 1000
