"""What the naive detector notes of a signal, and of the event that is open: lists, which rules read anew."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass
class Told:
    """Everything that the reference knows about a signal, by step, by second and by event."""

    motion: np.ndarray
    is_open: list[bool] = field(default_factory=list)
    trace: list[float] = field(default_factory=list)
    low: list[float] = field(default_factory=list)
    bars: list[tuple[float, float]] = field(default_factory=list)
    floors: list[tuple[float, ...]] = field(default_factory=list)
    inverse: list[tuple[float, ...]] = field(default_factory=list)
    sight: list[float] = field(default_factory=list)
    windows: list[tuple[float, ...]] = field(default_factory=list)
    known: list[int] = field(default_factory=list)
    seconds: list[dict[str, float]] = field(default_factory=list)
    events: list[dict[str, float]] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)


@dataclass
class Seen:
    """An open event: `rows` holds the step, envelope, low threshold and onset known at each step after it."""

    opened: int
    first: int
    envelope: float
    floor_square: float
    splits: int
    onset: int
    last: int
    known: bool = False
    emergence: float = math.inf
    rows: list[tuple[int, float, float, int]] = field(default_factory=list)
    trace: dict[int, float] = field(default_factory=dict)

    def rises(self):
        """Return the steps at which its sub-bursts began, and the lull before the last of them."""
        begun, summit, lull = [self.opened], self.opened, 0
        level = top = self.envelope
        inside = True
        for k, envelope, low, _ in self.rows:
            top = max(top, envelope)
            if inside:
                summit, level = (k, envelope) if envelope > level else (summit, level)
                inside = envelope >= level / 2
                level = level if inside else envelope
                continue
            level = min(level, envelope)
            if envelope > max(2 * level, top / 16, low):
                lull, summit, level, inside = k - summit, k, envelope, True
                begun.append(k)
        return begun, lull

    def has_fallen(self):
        """Whether the envelope fell by 9 dB, or below the low threshold, after its first burst."""
        crest = lowest = self.envelope
        for _, envelope, low, _ in self.rows:
            if envelope > crest and lowest > max(crest / 8, low):
                crest = lowest = envelope
            lowest = min(lowest, envelope)
        return lowest <= max(crest / 8, self.rows[-1][2])

    def ring_down(self, decay, refractory):
        """Return what its last peak leaves by now, the smallest envelope since then, and where that was."""
        left = high = trough = self.envelope
        at = self.opened
        for k, envelope, _, onset in self.rows:
            left *= decay
            high = max(high, envelope)
            if envelope < high / 2 or (k - onset < refractory and envelope >= left):
                left = max(left, high)
                high, trough, at = envelope, envelope, k
            elif envelope < trough:
                trough, at = envelope, k
        return left, trough, at
