"""A night hour by hour: how much was recorded, how much of that was valid, and what happened.

Hours are those of the local clock, so a night has a short first and last one, and an hour that the
change to winter time repeats is there twice. Without a clock they count from the recording's start.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from bedtick.analysis.times import SECOND_NS, local
from bedtick.analysis.totals import USABLE, Count, minute_range

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from bedtick.analysis.night import Night, Part

HOUR_NS = 3600 * SECOND_NS


@dataclass(frozen=True)
class Hour:
    """One hour of the local clock, or some in a row; `start_ns` is on the scale of the night's own."""

    start_ns: int
    length_s: float
    recorded_s: float
    valid_s: float
    count: Count


def hours_of(connection: sqlite3.Connection, night: Night) -> list[Hour]:
    """Profile of a night (with exact clocks), from its first hour to its last."""
    edges = _edges(night)
    recorded_s, valid_s = [0.0] * len(edges), [0.0] * len(edges)
    events, in_valid_time = [0] * len(edges), [0] * len(edges)
    for part in night.parts:
        _spread(recorded_s, edges, (part.start_ns, part.end_ns), part.recorded_s)
        usable = set()
        for minute, seconds, is_usable in connection.execute(_MINUTES, (part.scoring, *minute_range(part))):
            _spread(valid_s, edges, minute_span(part, minute), seconds * part.true_s_per_nominal_s)
            usable.update([minute] if is_usable else [])
        for (onset,) in connection.execute(
            _ONSETS, (part.scoring, part.first_sample, part.events_end_sample)
        ):
            at = bisect_right(edges, part.moment_ns(onset)) - 1
            events[at] += 1
            in_valid_time[at] += onset // part.samples_per_minute in usable
    return [
        Hour(edge, 3600.0, recorded_s[at], valid_s[at], Count(events[at], in_valid_time[at]))
        for at, edge in enumerate(edges[:-1])
    ]


def merged(hours: Sequence[Hour], at_most: int) -> list[Hour]:
    """Join neighbouring hours, as few as needed, until at most so many spans are left."""
    step = ceil(len(hours) / at_most)
    return [_joined(hours[at : at + step]) for at in range(0, len(hours), step)]


def _joined(hours: Sequence[Hour]) -> Hour:
    return Hour(
        hours[0].start_ns,
        sum(hour.length_s for hour in hours),
        sum(hour.recorded_s for hour in hours),
        sum(hour.valid_s for hour in hours),
        Count(sum(hour.count.events for hour in hours), sum(hour.count.in_valid_time for hour in hours)),
    )


_MINUTES = (
    f"SELECT minute, valid_s, {USABLE} FROM minutes WHERE scoring_id = ? AND minute >= ? AND minute < ?"  # noqa: S608  a constant
)
_ONSETS = "SELECT onset_sample FROM events WHERE scoring_id = ? AND onset_sample >= ? AND onset_sample < ?"


def _edges(night: Night) -> list[int]:
    """List the starts of the night's hours and the end of the last."""
    edges = [_hour_start(night, night.start_ns)]
    while edges[-1] < night.end_ns or len(edges) < 2:
        edges.append(_hour_start(night, edges[-1] + HOUR_NS))
    return edges


def _hour_start(night: Night, moment_ns: int) -> int:
    if not night.has_utc:
        return moment_ns // HOUR_NS * HOUR_NS
    moment = local(moment_ns, night.where)
    past_s = moment.minute * 60 + moment.second
    return (moment_ns // SECOND_NS - past_s) * SECOND_NS


def minute_span(part: Part, minute: int) -> tuple[int, int]:
    """When the minute began and ended; the last one of a recording is short."""
    first, end = ceil(minute * part.samples_per_minute), ceil((minute + 1) * part.samples_per_minute)
    return part.moment_ns(first), part.moment_ns(min(end, part.end_sample))


def _spread(totals: list[float], edges: list[int], span: tuple[int, int], amount: float) -> None:
    """Add an amount to the hours that a span of time touches, to each its share."""
    start_ns, end_ns = max(span[0], edges[0]), min(span[1], edges[-1])
    length_ns = end_ns - start_ns
    at = bisect_right(edges, start_ns) - 1
    while start_ns < end_ns:
        until_ns = min(end_ns, edges[at + 1])
        totals[at] += amount * (until_ns - start_ns) / length_ns
        start_ns, at = until_ns, at + 1
