"""Counts and valid time of a night, added up by SQLite without touching a single event in Python.

Two readings agree here. `minutes` counts seconds of samples at the nominal rate; a chip's oscillator
may be some percent off, so these are turned into true seconds by each part's own clock. And an event
in a minute that was mostly invalid (hum, saturation) says little about the sleeper: it is counted, but
kept out of the rates, whose denominator leaves that time out as well.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

    from bedtick.analysis.night import Night, Part

KINDS = ("twitch", "movement", "large", "turn")
REASONS = ("gap", "saturated", "settling", "hum", "floor")
# SQL: whether at least half of what a minute covers is valid; events in others are left out of rates.
USABLE = "valid_s >= gap_s + saturated_s + settling_s + hum_s + floor_s"


@dataclass(frozen=True)
class Time:
    """How the seconds of a night divide; all in true seconds.

    `unscored_s` was recorded but has no row in `minutes` yet: the last minute of an open recording.
    """

    recorded_s: float
    valid_s: float
    gap_s: float
    saturated_s: float
    settling_s: float
    hum_s: float
    floor_s: float
    unscored_s: float

    def invalid_s(self) -> dict[str, float]:
        """Seconds by the reason why they are not valid."""
        return {reason: getattr(self, f"{reason}_s") for reason in REASONS}


@dataclass(frozen=True)
class Count:
    """How many events of a kind there were, and how many of them in usable minutes."""

    events: int
    in_valid_time: int

    def per_valid_hour(self, valid_s: float) -> float | None:
        """Events per valid hour, or None where no time was valid."""
        return self.in_valid_time * 3600 / valid_s if valid_s > 0 else None


def totals_of(connection: sqlite3.Connection, night: Night) -> tuple[Time, dict[str, Count]]:
    """Divide the time of a night, and count its events by kind; every kind is there."""
    sums, counts = _sums(connection, night, _TIMES)
    times = [_time_of_part(part, seconds) for part, seconds in sums]
    return Time(*(sum(getattr(one, field.name) for one in times) for field in fields(Time))), counts


def valid_totals_of(connection: sqlite3.Connection, night: Night) -> tuple[float, dict[str, Count]]:
    """Return the valid seconds of a night and its events by kind: half the work of `totals_of`."""
    sums, counts = _sums(connection, night, _VALID)
    return sum(valid_s * part.true_s_per_nominal_s for part, (valid_s,) in sums), counts


def _sums(
    connection: sqlite3.Connection, night: Night, query: str
) -> tuple[list[tuple[Part, list[float]]], dict[str, Count]]:
    """Return what a query on minutes adds up for each part of a night, and the night's events by kind."""
    sums, counts = [], dict.fromkeys(KINDS, Count(0, 0))
    for part in night.parts:
        *seconds, last, listed = connection.execute(query, (part.scoring, *minute_range(part))).fetchone()
        sums.append((part, seconds))
        _count_part(connection, part, counts, _unusable(connection, part, last, listed))
    return sums, counts


def _unusable(
    connection: sqlite3.Connection, part: Part, last: int | None, listed: str | None
) -> list[tuple[int, int]]:
    """Ranges of minutes (half-open) whose events are kept out of rates: mostly invalid, or not written."""
    first, end = minute_range(part)
    minutes = [int(number) for number in listed.split(",")] if listed else []
    begun = int(part.first_sample // part.samples_per_minute)
    if begun < first and not connection.execute(_IS_USABLE, (part.scoring, begun)).fetchone():
        minutes.append(begun)
    written_end = first if last is None else last + 1
    ranges = [(minute, minute + 1) for minute in minutes]
    return [*ranges, (written_end, max(end, written_end) + 1)]


def _count_part(
    connection: sqlite3.Connection, part: Part, counts: dict[str, Count], unusable: list[tuple[int, int]]
) -> None:
    """Add the events of a part of a recording to the counts."""
    length, ends = part.samples_per_minute, (part.first_sample, part.events_end_sample)
    for kind, events in connection.execute(_COUNTS, (part.scoring, *ends)).fetchall():
        counts[kind] = Count(counts[kind].events + events, counts[kind].in_valid_time + events)
    for first, end in unusable:
        within = max(first * length, ends[0]), min(end * length, ends[1])
        for kind, events in connection.execute(_COUNTS, (part.scoring, *within)).fetchall():
            counts[kind] = Count(counts[kind].events, counts[kind].in_valid_time - events)


def total(counts: dict[str, Count]) -> Count:
    """Add up the counts of all kinds."""
    return Count(sum(c.events for c in counts.values()), sum(c.in_valid_time for c in counts.values()))


def minute_range(part: Part) -> tuple[int, int]:
    """Minutes (half-open) whose first sample lies in a part of a recording."""
    length = part.samples_per_minute
    return _first_minute_from(part.first_sample, length), _first_minute_from(part.end_sample, length)


def _first_minute_from(sample: int, samples_per_minute: float) -> int:
    """First minute that begins at this sample or later; minute k begins at ceil(k * samples_per_minute)."""
    return int((sample - 1) // samples_per_minute) + 1


# By an index that holds all of it: the events themselves are not read.
_COUNTS = """
    SELECT kind, count(*) FROM events WHERE scoring_id = ? AND onset_sample >= ? AND onset_sample < ?
    GROUP BY kind
"""
# A minute covers 60 s at the most: with half of them valid it is usable, which is quick to know.
_LISTED = f"max(minute), group_concat(CASE WHEN valid_s < 30.0 AND NOT ({USABLE}) THEN minute END)"
_WITHIN = "FROM minutes WHERE scoring_id = ? AND minute >= ? AND minute < ?"
_VALID = f"SELECT total(valid_s), {_LISTED} {_WITHIN}"
_TIMES = (
    "SELECT total(valid_s), total(gap_s), total(saturated_s), total(settling_s), total(hum_s),"
    f" total(floor_s), {_LISTED} {_WITHIN}"
)
_IS_USABLE = f"SELECT 1 FROM minutes WHERE scoring_id = ? AND minute = ? AND {USABLE}"  # noqa: S608


def _time_of_part(part: Part, nominal_s: list[float]) -> Time:
    scored_s = [seconds * part.true_s_per_nominal_s for seconds in nominal_s]
    unscored_s = max(0.0, part.recorded_s - sum(scored_s))
    return Time(*(part.recorded_s, *scored_s, unscored_s))
