"""What another scoring of a night found otherwise: which events both have, and which only one.

Two events are the same where they overlap, or where their onsets are at most 0.5 s apart. Where there is
a choice the nearest onsets belong together, and each event belongs to one other at most.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from bedtick.analysis.matching import ONSET_TOLERANCE_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bedtick.analysis.events import Event


@dataclass(frozen=True)
class Changes:
    """What changed from an old scoring to a new one; events in the order of the night.

    `matched` are pairs of the old and the new event; `left_out` counts old events that begin where the new
    scoring had no samples to look at any more.
    """

    matched: tuple[tuple[Event, Event], ...]
    only_old: tuple[Event, ...]
    only_new: tuple[Event, ...]
    left_out: int

    @property
    def other_kind(self) -> tuple[tuple[Event, Event], ...]:
        """The pairs that have two kinds."""
        return tuple((old, new) for old, new in self.matched if old.kind != new.kind)

    def as_json(self) -> dict[str, Any]:
        """Give the changes as a JSON object, with every event that is not the same in both."""
        return {
            "matched": len(self.matched),
            "other_kind": [{"old": old.as_json(), "new": new.as_json()} for old, new in self.other_kind],
            "only_old": [event.as_json() for event in self.only_old],
            "only_new": [event.as_json() for event in self.only_new],
            "left_out": self.left_out,
        }


def changes_between(old: Sequence[Event], new: Sequence[Event], ends_s: dict[int, float]) -> Changes:
    """Match the events of two scorings of the same recordings.

    Parameters
    ----------
    old, new
        Events, each in the order of its night.
    ends_s
        For each recording how far the new scoring goes, in seconds since it began.
    """
    compared = [event for event in old if event.start_s < ends_s.get(event.recording, 0.0)]
    pairs = _matched(compared, new)
    olds, news = {before.id for before, _ in pairs}, {after.id for _, after in pairs}
    return Changes(
        matched=tuple(pairs),
        only_old=tuple(event for event in compared if event.id not in olds),
        only_new=tuple(event for event in new if event.id not in news),
        left_out=len(old) - len(compared),
    )


def _matched(old: Sequence[Event], new: Sequence[Event]) -> list[tuple[Event, Event]]:
    """Pair events, the nearest onsets first; the pairs are in the order of the old ones."""
    place = {event.id: at for at, event in enumerate(old)}
    taken: set[int] = set()
    pairs = []
    for before, after in sorted(_candidates(old, new), key=_onset_difference_s):
        if not {before.id, after.id} & taken:
            taken |= {before.id, after.id}
            pairs.append((before, after))
    return sorted(pairs, key=lambda pair: place[pair[0].id])


def _onset_difference_s(pair: tuple[Event, Event]) -> float:
    return abs(pair[0].start_s - pair[1].start_s)


def _candidates(old: Sequence[Event], new: Sequence[Event]) -> Iterator[tuple[Event, Event]]:
    """All pairs that may be the same event, recording by recording."""
    news = {recording: list(events) for recording, events in groupby(new, key=_recording)}
    for recording, olds in groupby(old, key=_recording):
        yield from _touching(olds, news.get(recording, []))


def _recording(event: Event) -> int:
    return event.recording


def _touching(old: Iterable[Event], new: Sequence[Event]) -> Iterator[tuple[Event, Event]]:
    """All pairs of one recording's events that overlap or begin together; both ascend by their onsets."""
    first = 0
    for before in old:
        while first < len(new) and _end_s(new[first]) < before.start_s - ONSET_TOLERANCE_S:
            first += 1
        for after in new[first:]:
            if after.start_s > _end_s(before) + ONSET_TOLERANCE_S:
                break
            if _is_same(before, after):
                yield before, after


def _is_same(one: Event, other: Event) -> bool:
    overlap = one.start_s < _end_s(other) and other.start_s < _end_s(one)
    return overlap or abs(one.start_s - other.start_s) <= ONSET_TOLERANCE_S


def _end_s(event: Event) -> float:
    return event.start_s + event.duration_s
