"""Hears taps in a stream of samples, and cuts out what the bed did before and after each.

Steps of 50 ms. The level of a step is the mean square of its samples about the mean of the second before
it; the floor is a low quantile of the levels of the last seconds, which the ringing of taps every three
seconds does not lift. A step well above the floor is a tap. Where within it the tap begins is a change
point: the minimum of the cumulated sum of (energy - 3 floors), as in Page 1954, "Continuous inspection
schemes". A tap is whole 1.3 s later; if the level, over a quarter second, rises again before that, the next
tap came too soon. After a tap the listener waits until the bed is quiet, however long it rings.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bedtick.logger.store.batch import Batch

STEP_S = 0.05
BASE_STEPS = 20  # a second, whose mean is what a step is compared with
FLOOR_STEPS = 100
FLOOR_QUANTILE = 0.2
FEWEST_FLOOR_STEPS = 20  # before there is a floor nothing is heard
HEARD_RATIO = 3.5  # of energies; noise of 5 samples in 3 axes gets there less than once in an hour
LEAST_RMS_MG = 5.0  # heartbeats on a sensor without noise stay below
CHANGE_RATIO = 3.0
LOOK_BACK_STEPS = 2
BEFORE_STEPS = 20
AFTER_STEPS = 26
LONG_STEPS = 5  # a quarter second: half a period of the slowest bed, so that its swings do not show
RISE_RATIO = 3.0
RISE_SHARE = 0.1  # of the loudest: less is no tap
PEAK_STEPS = 6

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Tap:
    """One tap as it was heard.

    Attributes
    ----------
    samples_mg
        float64, shape (n, 3): a second before it, and 1.3 s after.
    mg_per_count
        The sensor's resolution.
    onset
        Index of its first sample in `samples_mg`.
    peak_mg
        Largest norm of the samples about their mean before it, within 0.3 s.
    saturated
        Whether a sample came to full scale.
    crowded
        Whether the level rose again before the tap was whole.
    """

    samples_mg: Floats
    mg_per_count: float
    onset: int
    peak_mg: float
    saturated: bool
    crowded: bool


class TapListener:
    """Takes samples as a recorder does, and keeps the taps in them until they are asked for.

    Parameters
    ----------
    rate_hz
        Nominal rate of the samples.
    mg_per_count
        Size of a count.
    full_scale_counts
        From here on a sample is saturated.
    """

    def __init__(self, rate_hz: float, mg_per_count: float, full_scale_counts: int) -> None:
        self._mg = mg_per_count
        self._full = full_scale_counts
        self._per_step = max(1, round(STEP_S * rate_hz))
        self._rest = np.empty((0, 3), np.int32)
        self._steps: deque[NDArray[np.int32]] = deque(maxlen=BEFORE_STEPS + LOOK_BACK_STEPS + AFTER_STEPS)
        self._levels: deque[float] = deque(maxlen=FLOOR_STEPS)
        self._since: list[float] | None = None  # levels since a tap began, None while none is under way
        self._waits_for_quiet = False
        self._heard: list[Tap] = []
        self._last_loss = ""
        self.next_sample = 0

    @property
    def last_loss(self) -> str:
        """What the last loss of samples came from, in words; empty where none was lost."""
        return self._last_loss

    def take(self, counts: NDArray[np.int32]) -> Batch:
        """Take samples, (n, 3) counts, that follow the last ones without a gap; nothing is to be stored."""
        self.next_sample += len(counts)
        whole = np.concatenate((self._rest, counts))
        steps = len(whole) // self._per_step
        self._rest = whole[steps * self._per_step :]
        for step in whole[: steps * self._per_step].reshape(steps, self._per_step, 3):
            self._hear(step)
        return Batch()

    def lose(self, lost: int, kind: str, detail: str) -> Batch:
        """Note that samples never came: a tap under way is given up, what is known of the noise is kept."""
        self.next_sample += lost
        self._last_loss = detail or kind
        self._rest = self._rest[:0]
        self._steps.clear()
        self._since = None
        return Batch()

    def heard(self) -> list[Tap]:
        """Return the taps that became whole since the last call."""
        taps, self._heard = self._heard, []
        return taps

    def _hear(self, step: NDArray[np.int32]) -> None:
        self._steps.append(step)
        if len(self._steps) <= BASE_STEPS:
            return
        base = np.mean([self._steps[k].mean(axis=0) for k in range(-BASE_STEPS - 1, -1)], axis=0)
        level = float((((step - base) * self._mg) ** 2).sum(axis=1).mean())
        threshold = self._threshold()
        self._levels.append(level)
        if self._since is not None:
            self._since.append(level)
            if len(self._since) == AFTER_STEPS:
                self._finish(threshold)
        elif self._waits_for_quiet:
            self._waits_for_quiet = max(list(self._levels)[-LONG_STEPS:]) >= threshold
        elif level >= threshold and len(self._steps) > BEFORE_STEPS + LOOK_BACK_STEPS:
            self._since = [level]

    def _threshold(self) -> float:
        """Return the level of a tap, mg^2; infinite until there is a floor."""
        if len(self._levels) < FEWEST_FLOOR_STEPS:
            return np.inf
        return max(HEARD_RATIO * float(np.quantile(self._levels, FLOOR_QUANTILE)), LEAST_RMS_MG**2)

    def _finish(self, threshold: float) -> None:
        levels, self._since, self._waits_for_quiet = self._since or [], None, True
        counts = np.concatenate(list(self._steps)[-(BEFORE_STEPS + LOOK_BACK_STEPS + AFTER_STEPS) :])
        first = len(counts) - (LOOK_BACK_STEPS + AFTER_STEPS) * self._per_step
        samples_mg = counts.astype(np.float64) * self._mg
        energy = ((samples_mg - samples_mg[:first].mean(axis=0)) ** 2).sum(axis=1)
        searched = energy[first : first + (LOOK_BACK_STEPS + 1) * self._per_step]
        floor = threshold / HEARD_RATIO
        onset = first + int(np.cumsum(searched - CHANGE_RATIO * floor).argmin()) + 1
        peak_mg = float(np.sqrt(energy[onset : onset + PEAK_STEPS * self._per_step].max()))
        saturated = bool((np.abs(counts[first:]) >= self._full).any())
        crowded = rises_again(levels, threshold)
        self._heard.append(Tap(samples_mg, self._mg, onset, peak_mg, saturated, crowded))


def rises_again(levels: list[float], threshold: float) -> bool:
    """Tell whether levels, a step each from a tap on, rise once more after they fell."""
    smooth = np.convolve(levels, np.full(LONG_STEPS, 1 / LONG_STEPS), mode="valid")
    lowest = np.minimum.accumulate(smooth)
    return bool(
        ((smooth > RISE_RATIO * lowest) & (smooth > RISE_SHARE * smooth.max()) & (smooth > threshold)).any()
    )
