"""Says what of a night was found: the matching rule of the bench, and what is counted from it.

A detection matches a true event when its onset lies from 0.5 s before to 0.8 s after the true onset,
or when it overlaps the event. Matches are one to one, the nearest onsets first. What is left over is
a fragment where it still matches an event, counts neither way inside a span that says so (1 s either
side), and is false everywhere else. Events below the bound, and their detections, count neither way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from night import Night

EARLY_S = 0.5
LATE_S = 0.8
MARGIN_S = 1.0  # around a span that counts neither way
HEART_RATIO = 1.5  # the bound is at least this many times the heartbeat

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Detections:
    """What a detector said: onsets and ends, (k,) in seconds, and valid time; seconds by reason besides."""

    onset_s: Array
    end_s: Array
    valid_s: float
    invalid_s: dict[str, float]


@dataclass(frozen=True)
class Tally:
    """Counts of one night, or, added up, of many.

    Attributes
    ----------
    peak_mg, found, counted, onset_error_s
        Of the true events, (t,): peak, whether a detection matched, whether the event is at or above
        the bound and outside spans that count neither way, and the match's onset less the true one
        (NaN where none).
    false, fragments, neither
        Detections that match nothing; that match an event which has its detection already; and those
        in spans that count neither way.
    valid_s, total_s
        Time in which something could have been found, and all time.
    invalid_s
        The rest, by reason.
    false_s
        Where the false detections were, (false,), in seconds of their night.
    """

    peak_mg: Array
    found: NDArray[np.bool_]
    counted: NDArray[np.bool_]
    onset_error_s: Array
    fragments: int
    neither: int
    valid_s: float
    total_s: float
    invalid_s: dict[str, float]
    false_s: Array

    @property
    def false(self) -> int:
        """Number of false detections."""
        return len(self.false_s)

    @property
    def recall(self) -> float:
        """Share of the counted events that were found; NaN where there are none."""
        return float(np.mean(self.found[self.counted])) if self.counted.any() else float("nan")

    @property
    def precision(self) -> float:
        """Found over found and false, the positive predictive value; NaN without either."""
        hits = int((self.found & self.counted).sum())
        return hits / (hits + self.false) if hits + self.false else float("nan")

    @property
    def f1(self) -> float:
        """Harmonic mean of recall and precision; NaN on nights without events."""
        hits = int((self.found & self.counted).sum())
        missed = int(self.counted.sum()) - hits
        return 2 * hits / (2 * hits + missed + self.false) if self.counted.any() else float("nan")

    @property
    def false_per_hour(self) -> float:
        """False detections per valid hour."""
        return self.false / self.valid_s * 3600.0 if self.valid_s else float("nan")


def tally(night: Night, heard: Detections, bound_mg: float) -> Tally:
    """Return what `heard` is worth on `night`; events count from `bound_mg` or 1.5 heartbeats on."""
    onset_s, end_s, peak_mg = (
        np.array([getattr(event, name) for event in night.events], dtype=float)
        for name in ("onset_s", "end_s", "peak_mg")
    )
    near = _near(onset_s, end_s, heard)
    counted = peak_mg >= max(bound_mg, HEART_RATIO * night.heart_mg)
    counted &= ~_inside(night.neither, onset_s, end_s)
    error_s = heard.onset_s[:, None] - onset_s[None, :]
    owner = _one_to_one(near, error_s, counted)
    found = np.isin(np.arange(len(onset_s)), owner)
    first = np.full(len(onset_s), np.nan)
    first[owner[owner >= 0]] = error_s[np.flatnonzero(owner >= 0), owner[owner >= 0]]
    spare = owner < 0
    excused = _inside(night.neither, heard.onset_s, heard.end_s)
    lost = spare & ~near.any(axis=1)
    return Tally(
        peak_mg, found, counted, first,
        fragments=int((spare & near.any(axis=1) & ~excused).sum()),
        neither=int((lost & excused).sum()),
        valid_s=heard.valid_s,
        total_s=len(night.acc_mg) / night.rate_hz,
        invalid_s=heard.invalid_s,
        false_s=heard.onset_s[lost & ~excused],
    )  # fmt: skip


def _near(onset_s: Array, end_s: Array, heard: Detections) -> NDArray[np.bool_]:
    """Say for each detection and each true event whether they match, (k, t)."""
    after = heard.onset_s[:, None] - onset_s[None, :]
    overlap = (heard.onset_s[:, None] <= end_s[None, :]) & (heard.end_s[:, None] >= onset_s[None, :])
    return ((after >= -EARLY_S) & (after <= LATE_S)) | overlap


def _inside(spans: list[tuple[float, float]], onset_s: Array, end_s: Array) -> NDArray[np.bool_]:
    inside = np.zeros(len(onset_s), bool)
    for from_s, to_s in spans:
        inside |= (onset_s <= to_s + MARGIN_S) & (end_s >= from_s - MARGIN_S)
    return inside


def _one_to_one(near: NDArray[np.bool_], error_s: Array, counted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return for each detection the true event it is given, -1 for none: counted first, nearest first."""
    owner = np.full(near.shape[0], -1)
    taken = np.zeros(near.shape[1], bool)
    pairs = np.argwhere(near)
    order = np.lexsort((np.abs(error_s[near]), ~counted[pairs[:, 1]]))
    for detection, event in pairs[order]:
        if owner[detection] < 0 and not taken[event]:
            owner[detection], taken[event] = event, True
    return owner


def add(tallies: list[Tally]) -> Tally:
    """Return many nights as one."""
    reasons = {reason for each in tallies for reason in each.invalid_s}
    return Tally(
        np.concatenate([each.peak_mg for each in tallies]),
        np.concatenate([each.found for each in tallies]),
        np.concatenate([each.counted for each in tallies]),
        np.concatenate([each.onset_error_s for each in tallies]),
        sum(each.fragments for each in tallies),
        sum(each.neither for each in tallies),
        sum(each.valid_s for each in tallies),
        sum(each.total_s for each in tallies),
        {reason: sum(each.invalid_s.get(reason, 0.0) for each in tallies) for reason in sorted(reasons)},
        np.concatenate([each.false_s for each in tallies]),
    )
