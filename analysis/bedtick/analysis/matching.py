"""Compares detected events with true ones: which were found, and which were invented."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

ONSET_TOLERANCE_S = 0.5


class Span(NamedTuple):
    """One event in time, in seconds."""

    onset_s: float
    end_s: float


class Match(NamedTuple):
    """For each true event, whether it was found: an onset lies near its own; and how many were invented.

    A detection is invented where it neither overlaps a true event nor begins within the tolerance of one.
    """

    found: list[bool]
    invented: int


def match(true: Sequence[Span], detected: Sequence[Span]) -> Match:
    """Match detected events with true ones; both in order of onset, true ones without overlap."""
    onsets = [event.onset_s for event in detected]
    return Match(
        [_near(event.onset_s, onsets) for event in true],
        sum(not any(_touch(event, other) for other in true) for event in detected),
    )


def _near(onset_s: float, onsets_s: Sequence[float]) -> bool:
    first = bisect_left(onsets_s, onset_s - ONSET_TOLERANCE_S)
    return first < len(onsets_s) and onsets_s[first] <= onset_s + ONSET_TOLERANCE_S


def _touch(detected: Span, true: Span) -> bool:
    return (
        detected.onset_s <= true.end_s + ONSET_TOLERANCE_S
        and detected.end_s >= true.onset_s - ONSET_TOLERANCE_S
    )
