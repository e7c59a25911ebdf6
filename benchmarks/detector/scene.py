"""A night in the making: the bed, what its sensor feels so far, and the rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shapes import Array, Bed


@dataclass(frozen=True)
class Scene:
    """Where everything is added: `acc_mg`, (n, 3) float32, is written in place."""

    bed: Bed
    acc_mg: NDArray[np.float32]
    rate_hz: float

    @property
    def length_s(self) -> float:
        """Length of the night, in seconds."""
        return len(self.acc_mg) / self.rate_hz

    def add(self, at_s: float, moved_mg: Array) -> int:
        """Add a movement, (m, 3), from `at_s` on, as far as the night goes; return its first sample."""
        start = round(at_s * self.rate_hz)
        part = self.acc_mg[start : start + len(moved_mg)]
        part += moved_mg[: len(part)].astype(np.float32)
        return start
