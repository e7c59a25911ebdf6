"""Measures what a stored night could have found: plans jerks, runs the passes, and counts.

A detection is that of a jerk where its onset lies from 0.5 s before to 0.8 s after the jerk's, or where it
overlaps the jerk. Any other detection in the quiet time is a false one: without jerks nothing is found
there, by the night's own scoring or by this version of bedtick.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from bedtick.firmware.errors import StoreError
from bedtick.logger.sensitivity.jerks import Jerk, draw_jerk
from bedtick.logger.sensitivity.look import Looked, Part, is_within, look_at, stretch_of, weakest_mg_of
from bedtick.logger.sensitivity.passes import Stretch, with_jerks
from bedtick.logger.sensitivity.plan import jerks_a_pass, onsets, passes_needed, sizes_mg
from bedtick.logger.sensitivity.quiet import Span, length

EARLY_S, LATE_S = 0.5, 0.8  # of a detection's onset against the jerk's
LEAST_QUIET_S = 300.0
LOOKING = 0.3  # share of the work, for the progress


@dataclass(frozen=True)
class Trials:
    """How many jerks of a size were added and how many of them were found."""

    peak_mg: float
    injected: int
    found: int


@dataclass(frozen=True)
class Measured:
    """What came out; all seconds are of samples at the nominal rate.

    Attributes
    ----------
    valid_s
        Time in minutes that were valid throughout.
    own_events
        Events that the night's own scoring has in those minutes.
    quiet_s
        What is left of them `quiet.AWAY_S` away from every event, and can be read.
    heard_s
        Quiet time with jerks in it, over all passes.
    trials
        By size, ascending; empty where too little was quiet.
    false_events
        Detections in the quiet time that were no jerk's, over all passes.
    weakest_mg
        Median over the valid minutes of the smallest jerk that the floor says would be found; None where
        no minute was valid.
    is_tapped
        Whether jerks were drawn for the bed as it was tapped, on every sensor.
    is_dithered
        Whether every sensor's own noise is enough to carry motion below a count.
    """

    valid_s: float
    own_events: int
    quiet_s: float
    heard_s: float
    trials: tuple[Trials, ...]
    false_events: int
    weakest_mg: float | None
    is_tapped: bool
    is_dithered: bool


@dataclass
class _Tally:
    """Counts over all passes, by size in mg."""

    injected: Counter[float] = field(default_factory=Counter)
    found: Counter[float] = field(default_factory=Counter)
    false_events: int = 0
    heard_s: float = 0.0


def measure(
    connection: sqlite3.Connection, parts: Sequence[Part], seed: int, progress: Callable[[float], None]
) -> Measured:
    """Add jerks to the quiet time of a night and detect again; the database is only read.

    Parameters
    ----------
    connection
        The database.
    parts
        The night.
    seed
        Of which jerks are drawn, and where they go.
    progress
        Told which share of the work is done, 0 to 1.

    Raises
    ------
    StoreError
        Where not one raw sample of the night can be read.
    """
    stretches = [stretch_of(connection, part) for part in parts]
    meter = _Meter(progress, sum(stretch.end_sample - stretch.heard_from for stretch in stretches))
    looked = [look_at(connection, stretch, meter.next(stretch, 0.0, LOOKING)) for stretch in stretches]
    if not any(one.readable for one in looked):
        raise StoreError("no raw samples of this night can be read (pruned, damaged or never stored)")
    quiet_s = _seconds(looked, lambda one: one.quiet)
    weakest_mg = weakest_mg_of(connection, looked)
    tally = _Tally()
    if weakest_mg is not None and quiet_s >= LEAST_QUIET_S:
        sizes, rng = sizes_mg(weakest_mg), np.random.default_rng(seed)
        room = sum(jerks_a_pass(one.quiet, one.rounding.rate_hz, len(sizes)) for one in looked)
        for one in looked:
            planned = [_planned(rng, one, sizes) for _ in range(passes_needed(room, len(sizes)))]
            told = meter.next(one.stretch, LOOKING, 1.0)
            heard = with_jerks(connection, one.stretch, planned, told)
            for jerks, events in zip(planned, heard, strict=True):
                _count(tally, one, jerks, events)
    return _measured(looked, weakest_mg, tally)


class _Meter:
    """Turns samples that are done into a share of the work, stretch by stretch."""

    def __init__(self, progress: Callable[[float], None], total: int) -> None:
        self._progress = progress
        self._total = max(total, 1)
        self._before = 0

    def next(self, stretch: Stretch, begin: float, end: float) -> Callable[[int], None]:
        """Begin a stretch in the phase that takes the work from one share to another."""
        before = self._before % self._total
        self._before += stretch.end_sample - stretch.heard_from
        return lambda done: self._progress(begin + (end - begin) * (before + done) / self._total)


def _planned(rng: np.random.Generator, one: Looked, sizes: Sequence[float]) -> list[Jerk]:
    """Draw the jerks of one pass; sizes are dealt like cards, so that each comes as often as any other."""
    places = list(onsets(rng, one.quiet, one.rounding.rate_hz, len(sizes)))
    deals = -(-len(places) // len(sizes))
    dealt = [size for _ in range(deals) for size in rng.permutation(sizes).tolist()]
    return [
        draw_jerk(rng, one.bed, one.rounding, onset, size) for onset, size in zip(places, dealt, strict=False)
    ]


def _count(tally: _Tally, one: Looked, jerks: Sequence[Jerk], events: Sequence[Span]) -> None:
    """Add up one pass; jerks and events ascend."""
    found: set[int] = set()
    windows = [_window(jerk, one.rounding.rate_hz) for jerk in jerks]
    for event in events:
        hit = _hit(event, windows, jerks)
        found.update(hit)
        tally.false_events += not hit and is_within(one.quiet, event.first)
    tally.injected.update(jerk.peak_mg for jerk in jerks)
    tally.found.update(jerks[at].peak_mg for at in found)
    tally.heard_s += length(one.quiet) / one.rounding.rate_hz


def _window(jerk: Jerk, rate_hz: float) -> Span:
    """Where an event may begin that is the jerk's."""
    late = jerk.onset_sample + round(LATE_S * rate_hz)
    return Span(jerk.onset_sample - round(EARLY_S * rate_hz), max(late + 1, jerk.end_sample))


def _hit(event: Span, windows: Sequence[Span], jerks: Sequence[Jerk]) -> list[int]:
    """Return which jerks an event is the detection of: one that it begins in, and all that it runs into."""
    after = bisect_right(windows, event.first, key=lambda window: window.first)
    until = bisect_left(jerks, event.end, key=lambda jerk: jerk.onset_sample)
    hit = list(range(after, until))
    return [after - 1, *hit] if after and event.first < windows[after - 1].end else hit


def _measured(looked: Sequence[Looked], weakest_mg: float | None, tally: _Tally) -> Measured:
    return Measured(
        valid_s=_seconds(looked, lambda one: one.valid),
        own_events=sum(one.own_events for one in looked),
        quiet_s=_seconds(looked, lambda one: one.quiet),
        heard_s=tally.heard_s,
        trials=tuple(Trials(mg, tally.injected[mg], tally.found[mg]) for mg in sorted(tally.injected)),
        false_events=tally.false_events,
        weakest_mg=weakest_mg,
        is_tapped=all(one.bed is not None for one in looked),
        is_dithered=all(one.rounding.is_dithered for one in looked),
    )


def _seconds(looked: Sequence[Looked], spans: Callable[[Looked], list[Span]]) -> float:
    return sum(length(spans(one)) / one.rounding.rate_hz for one in looked)
