"""The textbook's trigger on the same samples: ObsPy's recursive STA/LTA with `trigger_onset`.

It gets what a user would give it and more: the same band, the norm over the axes, and, for each
scenario and chip, the windows and thresholds that turn out best in hindsight on those very nights
(Withers et al. 1998 for the recursion; ObsPy's documentation for both functions).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from chips import Chip
from night import Night
from score import Array, Detections, tally

BAND_HZ = (2.0, 14.0)
INSTALL = "the comparison with STA/LTA needs ObsPy: run `make bench-detector`, which installs it"


@dataclass(frozen=True)
class Trigger:
    """One way to set the trigger: short and long window in seconds, ratio on, and off as a share of on."""

    short_s: float
    long_s: float
    ratio: float
    off_share: float


GRID = tuple(
    itertools.starmap(
        Trigger,
        itertools.product((0.2, 0.5), (5.0, 10.0, 30.0), np.geomspace(1.1, 40.0, 28).tolist(), (0.5, 0.8)),
    )
)


def band_norm(counts: NDArray[np.int32], rate_hz: float) -> Array:
    """Return the norm over the axes, (n,), of the band 2 to 14 Hz, in counts."""
    sections = signal.butter(2, BAND_HZ, "bandpass", fs=rate_hz, output="sos")
    moved = signal.sosfilt(sections, counts - counts[0], axis=0)
    norm: Array = np.sqrt(np.einsum("ij,ij->i", moved, moved))
    return norm


def outcomes(night: Night, counts: NDArray[np.int32], chip: Chip) -> NDArray[np.int64]:
    """Return hits, misses and false triggers on one night for each setting of `GRID`, (grid, 3)."""
    from obspy.signal.trigger import recursive_sta_lta  # noqa: PLC0415  only the whole bench needs ObsPy

    norm, rate_hz = band_norm(counts, night.rate_hz), night.rate_hz
    rows = []
    for (short_s, long_s), triggers in itertools.groupby(GRID, lambda one: (one.short_s, one.long_s)):
        ratio = recursive_sta_lta(norm, round(short_s * rate_hz), round(long_s * rate_hz))
        rows += [_outcome(night, ratio, one, chip) for one in triggers]
    return np.array(rows)


def _outcome(night: Night, ratio: Array, trigger: Trigger, chip: Chip) -> tuple[int, int, int]:
    from obspy.signal.trigger import trigger_onset  # noqa: PLC0415  the same

    spans = trigger_onset(ratio, trigger.ratio, trigger.ratio * trigger.off_share)
    spans_s = np.array(spans, dtype=float).reshape(-1, 2) / night.rate_hz
    heard = Detections(spans_s[:, 0], spans_s[:, 1], len(ratio) / night.rate_hz, {})
    result = tally(night, heard, chip.bound_mg)
    hits = int((result.found & result.counted).sum())
    return hits, int(result.counted.sum()) - hits, result.false


def f1_of(outcome: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return F1 for rows of hits, misses and false triggers; 0 where there is nothing."""
    hits, missed, false = outcome[..., 0], outcome[..., 1], outcome[..., 2]
    f1: NDArray[np.float64] = 2 * hits / np.maximum(2 * hits + missed + false, 1)
    return f1
