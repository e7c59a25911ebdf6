"""How long it took until the first long quiet stretch: half an hour without an event.

Only valid time counts as quiet. Between two events the valid seconds of the minutes are added up; a
minute that was mostly invalid starts the count anew, for nobody knows what happened in it.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from bedtick.analysis.times import SECOND_NS
from bedtick.analysis.totals import USABLE

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping

    from bedtick.analysis.night import Night, Part

LONG_QUIET_S = 30 * 60
_USABLE_MINUTES = f"SELECT minute, valid_s FROM minutes WHERE scoring_id = ? AND {USABLE}"  # noqa: S608  a constant


def seconds_to_long_quiet(connection: sqlite3.Connection, night: Night) -> float | None:
    """Seconds from the night's start to its first long quiet stretch; None where there is none."""
    for part in night.parts:
        sample = _first_long_quiet(connection, part)
        if sample is not None:
            return (part.moment_ns(sample) - night.start_ns) / SECOND_NS
    return None


def _first_long_quiet(connection: sqlite3.Connection, part: Part) -> int | None:
    minutes = dict(connection.execute(_USABLE_MINUTES, (part.scoring,)))
    starts = (_quiet_start(part, gap, minutes) for gap in _gaps(connection, part))
    return next((start for start in starts if start is not None), None)


def _gaps(connection: sqlite3.Connection, part: Part) -> Iterator[tuple[int, int]]:
    """Spans of samples between one event's end and the next one's onset."""
    rows = connection.execute(
        "SELECT onset_sample, end_sample FROM events"
        " WHERE scoring_id = ? AND onset_sample >= ? AND onset_sample < ? ORDER BY onset_sample",
        (part.scoring, part.first_sample, part.events_end_sample),
    )
    start = part.first_sample
    for onset, end in rows.fetchall():
        yield start, onset
        start = max(start, end)
    yield start, part.end_sample


def _quiet_start(part: Part, gap: tuple[int, int], minutes: Mapping[int, float]) -> int | None:
    """First sample of a long quiet stretch within a span without events, or None."""
    length = part.samples_per_minute
    enough_s = LONG_QUIET_S / part.true_s_per_nominal_s
    if (gap[1] - gap[0]) / part.recording.nominal_hz < enough_s:
        return None
    quiet_from, quiet_s = gap[0], 0.0
    for minute in range(int(gap[0] // length), ceil(gap[1] / length)):
        valid_s = minutes.get(minute)
        if valid_s is None:
            quiet_from, quiet_s = ceil((minute + 1) * length), 0.0
            continue
        covered = min(gap[1], (minute + 1) * length) - max(gap[0], minute * length)
        quiet_s += valid_s * covered / length
        if quiet_s >= enough_s:
            return quiet_from
    return None
