"""Gathers the kernel's seconds into minutes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bedtick.logger.detector import layout as lay
from bedtick.logger.detector.events import Minute


class MinuteGatherer:
    """The minute that is not over yet; seconds in, whole minutes out."""

    def __init__(self, scale_g: float, nominal_hz: float) -> None:
        self._mg = 1e3 * scale_g
        self._rate_hz = nominal_hz
        self._minute = -1
        self._clear()

    def _clear(self) -> None:
        self._seconds = dict.fromkeys(lay.REASONS, 0.0)
        self._arrived = 0
        self._sum_squares = 0.0
        self._floors: list[float] = []
        self._weakest: list[float] = []

    def add(self, rows: NDArray[np.void]) -> list[Minute]:
        """Take rows of `layout.SECOND_ROW`; return the minutes that they end."""
        done = []
        for second, start, end, arrived, reason, sum_squares, weakest, floor_square in rows.tolist():
            if second // 60 != self._minute:
                done += self.current()
                self._minute = second // 60
                self._clear()
            self._seconds[lay.REASONS[reason]] += (end - start) / self._rate_hz
            self._arrived += arrived
            self._sum_squares += sum_squares
            if math.isfinite(weakest):  # not before a floor is known, nor where all axes are dead
                self._floors.append(math.sqrt(floor_square) * self._mg)
                self._weakest.append(weakest * self._mg)
        return done

    def current(self) -> list[Minute]:
        """Return the minute so far, as a list of one; empty before the first second."""
        if self._minute < 0:
            return []
        activity = math.sqrt(self._sum_squares / self._arrived) * self._mg if self._arrived else None
        floor, weakest = (sum(v) / len(v) if v else None for v in (self._floors, self._weakest))
        return [Minute(self._minute, activity, floor, weakest, dict(self._seconds))]
