"""Samples after a fault, held back until it is known how many were lost before them.

A chip does not say how many samples a fault cost. Its oscillator ran on, though, so the sample clock knows
how many there should be, and each drain tells how many there are. One drain tells it only as well as one
count can: the true phase lies somewhere between `c` and `c + 1`, and where it is close to either end the
smallest error makes one sample of difference. Drains at many fractions of a sample interval leave no doubt.
So what comes after a fault is held back for `EVIDENCE_WANTED` drains or `HOLD_NS`, whichever is first, and
then put where their counts fit the clock best. The loss is exact as long as the clock was right within
a third of a sample, so as long as the oscillator went on as before. What it did meanwhile nobody can know.

Another fault meanwhile begins another stretch of samples, with a place of its own. A stretch that is too
short for a good place may not overlap the next one, which may know better; and one with nothing but a full
FIFO to tell its place joins the next one, where the two are as good as joined: one overrun can show twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bedtick.firmware.chips import Block
from bedtick.firmware.sample_clock import Reading, SampleClock

EVIDENCE_WANTED = 8
HOLD_NS = 300_000_000
HOLD_MOST_NS = 1_000_000_000  # however many faults follow each other
DOUBTFUL_SAMPLES = 4  # as many come while a full FIFO is read


@dataclass
class Stretch:
    """Samples between two faults.

    Attributes
    ----------
    kind, detail
        Of the fault before them.
    blocks
        int32, each (n, 3).
    readings
        How many samples of the stretch there were at what time; the sample clock's evidence later on.
    doubtful
        A reading that may be wrong by a sample; used where there is no other.
    """

    kind: str
    detail: str
    blocks: list[NDArray[np.int32]] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    doubtful: Reading | None = None
    began_ns: int = 0

    @property
    def count(self) -> int:
        """How many samples it has so far."""
        return sum(len(block) for block in self.blocks)


class HeldBack:
    """The stretches that have no place yet; falsy where there is none.

    Parameters
    ----------
    times
        Tells how many samples there should be.
    fifo_depth
        Of the chip: a full FIFO may hold more than its level says.
    """

    def __init__(self, times: SampleClock, fifo_depth: int) -> None:
        self._times = times
        self._depth = fifo_depth
        self._stretches: list[Stretch] = []

    def __bool__(self) -> bool:
        """Whether anything has no place yet."""
        return bool(self._stretches)

    def begin(self, kind: str, detail: str) -> None:
        """Note a fault; of several without a sample in between the first one tells why."""
        if not self._stretches or self._stretches[-1].blocks:
            self._stretches.append(Stretch(kind, detail))

    def blame(self) -> tuple[str, str] | None:
        """Return kind and detail of a fault that no sample has followed yet; from then on it is a silence."""
        if not self._stretches or self._stretches[-1].blocks:
            return None
        stretch = self._stretches[-1]
        told = (stretch.kind, stretch.detail)
        stretch.kind, stretch.detail = "silent", "the rest of a silence"
        return told

    def add(self, block: Block) -> None:
        """Take samples that follow the newest fault."""
        if not len(block.counts):
            return  # what waited was thrown away: its level says nothing
        stretch = self._stretches[-1]
        reading = Reading(stretch.count + block.produced, block.boot_ns, block.read_ns)
        if block.overrun or block.produced >= self._depth:
            stretch.doubtful = stretch.doubtful or reading
        else:
            stretch.readings.append(reading)
        if not stretch.blocks:
            stretch.began_ns = block.boot_ns
        stretch.blocks.append(block.counts)

    def is_ripe(self, boot_ns: int) -> bool:
        """Tell whether all that may be waited for has come."""
        waiting = [stretch for stretch in self._stretches if stretch.blocks]
        if not waiting:
            return False
        newest = waiting[-1]
        return (
            len(newest.readings) >= EVIDENCE_WANTED
            or boot_ns - newest.began_ns >= HOLD_NS
            or boot_ns - waiting[0].began_ns >= HOLD_MOST_NS
        )

    def placed(self, next_sample: int) -> list[tuple[int, Stretch]]:
        """Let go of all stretches with samples: each with how many samples were lost before it.

        Parameters
        ----------
        next_sample
            The index that the first sample would have if none had been lost.
        """
        ready = [stretch for stretch in self._stretches if stretch.blocks]
        self._stretches = [stretch for stretch in self._stretches if not stretch.blocks]
        firsts = [self._first_sample(stretch) for stretch in ready]
        for later, earlier in pairwise(reversed(range(len(ready)))):
            joined = firsts[later] - ready[earlier].count
            is_near = not ready[earlier].readings and joined - firsts[earlier] <= DOUBTFUL_SAMPLES
            firsts[earlier] = joined if is_near else min(firsts[earlier], joined)
        losses = []
        for first, stretch in zip(firsts, ready, strict=True):
            lost = max(first - next_sample, 0)
            losses.append((lost, stretch))
            next_sample += lost + stretch.count
        return losses

    def _first_sample(self, stretch: Stretch) -> int:
        doubtful = [stretch.doubtful] if stretch.doubtful else []
        return round(self._times.shortfall(stretch.readings or doubtful))
