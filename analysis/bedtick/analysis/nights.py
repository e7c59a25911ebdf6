"""Nights: which parts of which recordings belong together, and what a night is called.

A night runs from local noon to local noon in the recording's own time zone and is named by the date
of its evening. An event belongs to the night of its own time, so a recording that runs past noon is
cut there, and one night may join the parts of several recordings of one place. Two places are two
people's sides of a bed, so each has a night of its own, under the same name. A recording without a trusted
clock is a night of its own, named `r` and its id; one that ended without a sample is none. Nights are listed
by time; one without a clock follows the latest night that was known when it was recorded, and several of
them stand in the order of their ids.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from typing import TYPE_CHECKING

from bedtick.analysis.errors import UnknownNightError, UnknownScoringError
from bedtick.analysis.night import Night, Part
from bedtick.analysis.recordings import clock_at, full_clock, load_recordings, this_machine
from bedtick.analysis.times import SECOND_NS, local, zone

if TYPE_CHECKING:
    import sqlite3
    from datetime import tzinfo

    from bedtick.analysis.recordings import Machine, Recording

_NOON = clock_time(12)


def load_nights(
    connection: sqlite3.Connection, machine: Machine | None = None, time_zone: str | None = None
) -> list[Night]:
    """All nights of a database in the order of time.

    Parameters
    ----------
    connection
        The database.
    machine
        Where it is read; None for this one.
    time_zone
        By which nights are cut and shown; None for each recording's own.
    """
    parts: dict[tuple[str, str], list[Part]] = {}
    latest_ns: dict[str, int] = {}
    newest_ns = 0
    for recording in load_recordings(connection, machine or this_machine(), time_zone):
        if recording.end_sample == 0 and recording.ended != "running":
            continue
        for name, part in _parts(connection, recording):
            if part.has_utc:
                newest_ns = max(newest_ns, part.start_ns)
            parts.setdefault((name, recording.place), []).append(part)
            place_ns = part.start_ns if part.has_utc else newest_ns
            latest_ns[name] = max(latest_ns.get(name, 0), place_ns)
    nights = [
        Night(name, tuple(sorted(joined, key=lambda part: part.start_ns)))
        for (name, _), joined in parts.items()
    ]
    return sorted(nights, key=lambda night: (latest_ns[night.name], *_order(night)))


def _order(night: Night) -> tuple[int, str, str]:
    """How nights follow each other that are equally late: those without a clock last, by their number."""
    return 0 if night.has_utc else night.parts[0].recording.id, night.name, night.place


def find_night(nights: list[Night], name: str, place: str | None = None) -> Night:
    """Choose a night by its name, or the last one for `last`.

    Parameters
    ----------
    nights
        All nights, in the order of time.
    name
        Of the night, or `last`.
    place
        Of its sensor; None where the night has only one.

    Raises
    ------
    UnknownNightError
        No night has this name, or none at this place, or several places have one; for `last` also where
        another place recorded at the same time, without a clock.
    """
    if place is not None:
        nights = _at_place(nights, place)
    found = _last(nights) if name == "last" else [night for night in nights if night.name == name]
    if len(found) > 1:
        names = " and ".join(dict.fromkeys(night.name for night in found))
        raise UnknownNightError(
            f"night {names}: there are several places; choose one with --place: {_places(found)}"
        )
    if found:
        return found[0]
    hint = (
        f"the last is {nights[-1].name}, `bedtick nights` lists all" if nights else "there are no nights yet"
    )
    raise UnknownNightError(f"no night {name}: {hint}")


def _last(nights: list[Night]) -> list[Night]:
    """Return the last night, and those of other places at the same time: without a clock names differ."""
    return [night for night in nights if night.name == nights[-1].name or _is_beside(night, nights[-1])]


def _is_beside(one: Night, other: Night) -> bool:
    """Whether two places recorded at the same time of one boot, and a clock was missing."""
    if one.place == other.place or (one.has_utc and other.has_utc):
        return False
    return any(
        a.recording.boot_id is not None
        and a.recording.boot_id == b.recording.boot_id
        and a.recording.boot_span_ns[0] < b.recording.boot_span_ns[1]
        and b.recording.boot_span_ns[0] < a.recording.boot_span_ns[1]
        for a in one.parts
        for b in other.parts
    )


def _at_place(nights: list[Night], place: str) -> list[Night]:
    found = [night for night in nights if night.place == place]
    if nights and not found:
        raise UnknownNightError(f"nothing was recorded at place {place!r}: there is {_places(nights)}")
    return found


def _places(nights: list[Night]) -> str:
    return ", ".join(dict.fromkeys(night.place for night in nights))


def choose_scoring(connection: sqlite3.Connection, nights: list[Night], scoring: str | None) -> list[Night]:
    """Give the same nights with another scoring than the live one.

    Parameters
    ----------
    connection
        The database.
    nights
        The nights to show.
    scoring
        None for the live scoring, `latest` for the newest of each recording, or a scoring's id: that
        one replaces the live scoring of its own recording.

    Raises
    ------
    UnknownScoringError
        No recording of these nights has a scoring of this id.
    """
    if scoring is None:
        return nights
    if scoring == "latest":
        rows = connection.execute("SELECT recording_id, max(id) FROM scorings GROUP BY recording_id")
    else:
        rows = connection.execute("SELECT recording_id, id FROM scorings WHERE id = ?", (int(scoring),))
    chosen = dict(rows.fetchall())
    if not any(part.recording.id in chosen for night in nights for part in night.parts):
        raise UnknownScoringError(f"no scoring {scoring} in what was asked for: name another with --scoring")
    return [
        replace(
            night, parts=tuple(replace(p, scoring=chosen.get(p.recording.id, p.scoring)) for p in night.parts)
        )
        for night in nights
    ]


def with_exact_clocks(connection: sqlite3.Connection, night: Night) -> Night:
    """Give the same night with every raw chunk's anchor loaded, for the times of its events."""
    return replace(night, parts=tuple(_with_exact_clock(connection, part) for part in night.parts))


def _with_exact_clock(connection: sqlite3.Connection, part: Part) -> Part:
    clock = full_clock(connection, part.recording, part.first_sample, part.end_sample)
    return replace(part, recording=replace(part.recording, clock=clock))


def _parts(connection: sqlite3.Connection, recording: Recording) -> list[tuple[str, Part]]:
    """Cut a recording at each noon; the pairs are the night's name and the part."""
    start_ns, end_ns = recording.clock.utc_ns(0), recording.clock.utc_ns(recording.end_sample)
    if start_ns is None or end_ns is None:
        length_ns = recording.clock.elapsed_ns(recording.end_sample)
        part = Part(recording, recording.scoring, 0, recording.end_sample, 0, length_ns, has_utc=False)
        return [(f"r{recording.id}", part)]
    where = zone(recording.time_zone)
    found, first, moment_ns = [], 0, start_ns
    while True:
        evening = _evening(moment_ns, where)
        noon_ns = _noon_after(evening, where)
        ends_here = noon_ns >= end_ns
        end = recording.end_sample if ends_here else _sample_at(connection, recording, noon_ns)
        until_ns = end_ns if ends_here else noon_ns
        part = Part(recording, recording.scoring, first, end, moment_ns, until_ns, has_utc=True)
        found.append((evening.isoformat(), part))
        if ends_here:
            return found
        first, moment_ns = end, noon_ns


def _evening(utc_ns: int, where: tzinfo) -> date:
    """Date of the evening of the night that a moment belongs to."""
    moment = local(utc_ns, where)
    return moment.date() if moment.time() >= _NOON else moment.date() - timedelta(days=1)


def _noon_after(evening: date, where: tzinfo) -> int:
    """UTC ns of the noon at which the night of an evening ends."""
    noon = datetime.combine(evening + timedelta(days=1), _NOON, where)
    return int(noon.timestamp()) * SECOND_NS


def _sample_at(connection: sqlite3.Connection, recording: Recording, utc_ns: int) -> int:
    """First sample taken at or after a moment within the recording, by halving."""
    low, high = 0, recording.end_sample
    while low < high:
        middle = (low + high) // 2
        taken_ns = clock_at(connection, recording, middle).utc_ns(middle)
        if taken_ns is not None and taken_ns < utc_ns:
            low = middle + 1
        else:
            high = middle
    return low
