"""Plans which jerks go where: sizes around what a night could find, evenly dealt over its quiet time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from bedtick.logger.sensitivity.quiet import Span, length

WANTED = 40  # jerks of each size, where there is room
CLOSEST_S, FURTHEST_S = 6.0, 15.0  # from one jerk to the next: the floor must not rise with them
JITTER_S = 1.0  # so that no jerk keeps step with a heartbeat
BEFORE_S, AFTER_S = 1.0, 5.0  # room in the quiet before a jerk's onset, and from there on
MOST_PASSES = 12
LADDER = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)  # sizes of each decade
LOWEST, HIGHEST = 0.25, 4.0  # of the weakest jerk that the night's floor says would be found


def sizes_mg(weakest_mg: float) -> list[float]:
    """Return round sizes from a quarter to four times of what is expected to be the limit, in mg."""
    decade = math.floor(math.log10(weakest_mg * LOWEST))
    rungs = [round(step * 10.0**power, 6) for power in (decade, decade + 1, decade + 2) for step in LADDER]
    return [size for size in rungs if weakest_mg * LOWEST <= size <= weakest_mg * HIGHEST]


def spacing_s(quiet_s: float, sizes: int) -> float:
    """Return how far apart jerks are: as far as leaves room for all in one pass, within bounds."""
    return min(max(quiet_s / (WANTED * sizes), CLOSEST_S), FURTHEST_S)


def jerks_a_pass(quiet: Sequence[Span], rate_hz: float, sizes: int) -> int:
    """Return about how many jerks one pass has room for."""
    return sum(1 for _ in onsets(np.random.default_rng(0), quiet, rate_hz, sizes))


def passes_needed(room: int, sizes: int) -> int:
    """Return in how many passes of `room` jerks each size comes often enough, or the most that is done."""
    return min(math.ceil(WANTED * sizes / room), MOST_PASSES) if room else 0


def onsets(rng: np.random.Generator, quiet: Sequence[Span], rate_hz: float, sizes: int) -> Iterator[int]:
    """Draw the onsets of one pass, in order; each has its room within one quiet span."""
    apart_s = spacing_s(length(quiet) / rate_hz, sizes)
    for first, end in quiet:
        onset = first + round((BEFORE_S + rng.uniform(0.0, JITTER_S)) * rate_hz)
        while onset + round(AFTER_S * rate_hz) <= end:
            yield onset
            onset += round((apart_s + rng.uniform(0.0, JITTER_S)) * rate_hz)
