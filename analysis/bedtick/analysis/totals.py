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


def time_of(connection: sqlite3.Connection, night: Night) -> Time:
    """Divide the time of a night into valid, invalid by reason, and not yet scored."""
    times = [_time_of_part(connection, part) for part in night.parts]
    return Time(*(sum(getattr(one, field.name) for one in times) for field in fields(Time)))


def counts_of(connection: sqlite3.Connection, night: Night) -> dict[str, Count]:
    """Count the events of a night by kind; every kind is there."""
    found = dict.fromkeys(KINDS, Count(0, 0))
    for part in night.parts:
        for kind, events, usable in connection.execute(_COUNTS, _bounds(part)).fetchall():
            found[kind] = Count(found[kind].events + events, found[kind].in_valid_time + usable)
    return found


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


_COUNTS = f"""
    SELECT e.kind, count(*), coalesce(sum({USABLE}), 0)
    FROM events e
    LEFT JOIN minutes m ON m.scoring_id = e.scoring_id
        AND m.minute = CAST(e.onset_sample / :samples_per_minute AS INTEGER)
    WHERE e.scoring_id = :scoring AND e.onset_sample >= :first AND e.onset_sample < :end
    GROUP BY e.kind
"""  # noqa: S608  a constant

_TIMES = """
    SELECT coalesce(sum(valid_s), 0), coalesce(sum(gap_s), 0), coalesce(sum(saturated_s), 0),
        coalesce(sum(settling_s), 0), coalesce(sum(hum_s), 0), coalesce(sum(floor_s), 0)
    FROM minutes WHERE scoring_id = ? AND minute >= ? AND minute < ?
"""


def _bounds(part: Part) -> dict[str, float | int | None]:
    return {
        "samples_per_minute": part.samples_per_minute,
        "scoring": part.scoring,
        "first": part.first_sample,
        "end": part.events_end_sample,
    }


def _time_of_part(connection: sqlite3.Connection, part: Part) -> Time:
    row = connection.execute(_TIMES, (part.scoring, *minute_range(part))).fetchone()
    scored_s = [nominal_s * part.true_s_per_nominal_s for nominal_s in row]
    unscored_s = max(0.0, part.recorded_s - sum(scored_s))
    return Time(*(part.recorded_s, *scored_s, unscored_s))
