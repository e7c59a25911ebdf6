"""Which samples of a night were quiet: in minutes that were valid throughout, and away from all events."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

AWAY_S = 5.0  # from any event: a floor and a mattress are at rest again


class Span(NamedTuple):
    """Samples from `first` up to, not including, `end`."""

    first: int
    end: int


def valid_spans(connection: sqlite3.Connection, scoring_id: int, nominal_hz: float) -> list[Span]:
    """Return the minutes of a scoring that were valid throughout, joined where they follow each other."""
    rows = connection.execute(
        "SELECT minute, valid_s FROM minutes WHERE scoring_id = ? AND valid_s > 0"
        " AND gap_s + saturated_s + settling_s + hum_s + floor_s = 0 ORDER BY minute",
        (scoring_id,),
    )
    spans = []
    for minute, valid_s in rows:
        first = math.ceil(60 * minute * nominal_hz)
        spans.append(Span(first, first + math.ceil(valid_s * nominal_hz)))
    return joined(spans)


def stored_events(connection: sqlite3.Connection, scoring_id: int) -> list[Span]:
    """Return the events of a scoring, from onset to end."""
    rows = connection.execute(
        "SELECT onset_sample, end_sample FROM events WHERE scoring_id = ? ORDER BY onset_sample",
        (scoring_id,),
    )
    return [Span(*row) for row in rows]


def away_from(events: Iterable[Span], nominal_hz: float) -> list[Span]:
    """Return the spans that events make loud: themselves, and `AWAY_S` on both sides."""
    away = round(AWAY_S * nominal_hz)
    return [Span(first - away, end + away) for first, end in events]


def joined(spans: Iterable[Span]) -> list[Span]:
    """Join spans (in any order) that touch or overlap."""
    found: list[Span] = []
    for first, end in sorted(spans):
        if found and first <= found[-1].end:
            found[-1] = Span(found[-1].first, max(found[-1].end, end))
        else:
            found.append(Span(first, end))
    return found


def common(one: Sequence[Span], other: Sequence[Span]) -> list[Span]:
    """Return what lies in both; both are joined and ascend."""
    found = []
    i = j = 0
    while i < len(one) and j < len(other):
        first, end = max(one[i].first, other[j].first), min(one[i].end, other[j].end)
        if first < end:
            found.append(Span(first, end))
        if one[i].end <= other[j].end:
            i += 1
        else:
            j += 1
    return found


def without(spans: Sequence[Span], taken: Iterable[Span]) -> list[Span]:
    """Return what is left of spans (joined, ascending) outside of others."""
    if not spans:
        return []
    edges = [spans[0].first, *(edge for span in joined(taken) for edge in span), spans[-1].end]
    free = [Span(*pair) for pair in zip(edges[::2], edges[1::2], strict=True) if pair[0] < pair[1]]
    return common(spans, free)


def length(spans: Iterable[Span]) -> int:
    """Return how many samples lie in spans that do not overlap."""
    return sum(span.end - span.first for span in spans)
