"""What the morning wants to know of one night, as numbers; the screen and JSON both come from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bedtick.analysis.activity import ActiveMinute, activity_of
from bedtick.analysis.events import Event, strongest_events
from bedtick.analysis.markers import Marker, markers_of
from bedtick.analysis.nights import with_exact_clocks
from bedtick.analysis.profile import Hour, hours_of
from bedtick.analysis.quiet import seconds_to_long_quiet
from bedtick.analysis.times import SECOND_NS
from bedtick.analysis.totals import Count, Time, totals_of
from bedtick.analysis.weakest import Weakest, weakest_of

if TYPE_CHECKING:
    import sqlite3

    from bedtick.analysis.night import Night, Part

STRONGEST = 5


@dataclass(frozen=True)
class Bout:
    """A run of events at most 30 s apart; `start_ns` is on the scale of the night's own."""

    start_ns: int
    duration_s: float
    events: int
    median_interval_s: float


@dataclass(frozen=True)
class Fault:
    """All faults of one kind, and how many samples they cost."""

    kind: str
    count: int
    lost_samples: int


@dataclass(frozen=True)
class Summary:
    """One night in numbers; unknown is None."""

    night: Night
    time: Time
    counts: dict[str, Count]
    hours: tuple[Hour, ...]
    activity: tuple[ActiveMinute, ...]
    strongest: tuple[Event, ...]
    bouts: tuple[Bout, ...]
    long_quiet_after_s: float | None
    weakest: Weakest | None
    faults: tuple[Fault, ...]
    markers: tuple[Marker, ...]


def summarise(connection: sqlite3.Connection, night: Night) -> Summary:
    """Read everything about one night; no other night's rows are touched."""
    night = with_exact_clocks(connection, night)
    time, counts = totals_of(connection, night)
    return Summary(
        night=night,
        time=time,
        counts=counts,
        hours=tuple(hours_of(connection, night)),
        activity=tuple(activity_of(connection, night)),
        strongest=tuple(strongest_events(connection, night, STRONGEST)),
        bouts=tuple(_bouts(connection, night)),
        long_quiet_after_s=seconds_to_long_quiet(connection, night),
        weakest=weakest_of(connection, night),
        faults=tuple(_faults(connection, night)),
        markers=tuple(markers_of(connection, night)),
    )


def _bouts(connection: sqlite3.Connection, night: Night) -> list[Bout]:
    return [
        _bout(part, row)
        for part in night.parts
        for row in connection.execute(_BOUTS, _range(part)).fetchall()
    ]


def _bout(part: Part, row: tuple[int, int, int, float]) -> Bout:
    start_ns, end_ns = part.moment_ns(row[0]), part.moment_ns(row[1])
    return Bout(start_ns, (end_ns - start_ns) / SECOND_NS, row[2], row[3])


def _faults(connection: sqlite3.Connection, night: Night) -> list[Fault]:
    grouped: dict[str, Fault] = {}
    for part in night.parts:
        goes_on = part.end_sample < part.recording.end_sample
        bounds = (part.recording.id, part.first_sample, part.end_sample, not goes_on)
        for kind, count, lost in connection.execute(_FAULTS, bounds).fetchall():
            old = grouped.get(kind, Fault(kind, 0, 0))
            grouped[kind] = Fault(kind, old.count + count, old.lost_samples + lost)
    return sorted(grouped.values(), key=lambda fault: (-fault.lost_samples, -fault.count, fault.kind))


_BOUTS = """
    SELECT onset_sample, end_sample, event_count, median_interval_s FROM bouts
    WHERE scoring_id = ? AND onset_sample >= ? AND onset_sample < ? ORDER BY onset_sample
"""
# A fault may be noted past the last stored sample, so the last part of a recording takes all that follow.
_FAULTS = """
    SELECT kind, count(*), sum(lost_samples) FROM faults
    WHERE recording_id = ? AND sample >= ? AND (sample < ? OR ?) GROUP BY kind
"""


def _range(part: Part) -> tuple[int | None, int, int]:
    return part.scoring, part.first_sample, part.end_sample
