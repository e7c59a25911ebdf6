"""From jerks that were added and found to what a night can say: shares, intervals, and where half is found.

Intervals are Wilson's (Probable inference, the law of succession, and statistical inference, J. Am. Stat.
Assoc. 22, 1927). Larger jerks can not be harder to find, so before a share is read between two sizes,
neighbours that chance put in the wrong order are pooled (Ayer et al., An empirical distribution function
for sampling with incomplete information, Ann. Math. Stat. 26, 1955).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

Z_95 = 1.96  # of the normal distribution: 95 % lie within


@dataclass(frozen=True)
class Size:
    """How many jerks of one size were added and found."""

    peak_mg: float
    injected: int
    found: int

    @property
    def share(self) -> float:
        """Found of added, 0 to 1."""
        return self.found / self.injected

    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the share, 0 to 1."""
        n, z = self.injected, Z_95
        middle = (self.share + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(self.share * (1 - self.share) / n + z * z / (4 * n * n))
        return max(middle - half, 0.0), min(middle + half, 1.0)

    def as_json(self) -> dict[str, float]:
        """Give the size as a JSON object."""
        low, high = self.interval()
        return {
            "peak_mg": self.peak_mg,
            "injected": self.injected,
            "found": self.found,
            "share": round(self.share, 4),
            "low": round(low, 4),
            "high": round(high, 4),
        }


@dataclass(frozen=True)
class Sensitivity:
    """What was measured of one night; `sizes` ascend, and are empty where too little was quiet.

    `valid_s` is the time in wholly valid minutes, with `live_events` of the night's own scoring;
    `quiet_s` is what is left of it away from events; `heard_s` the quiet time with jerks in it, over all
    passes. `weakest_mg` is what the noise floor promised. Unknown is None.
    """

    night: str
    seed: int
    valid_s: float
    live_events: int
    quiet_s: float
    heard_s: float
    sizes: tuple[Size, ...]
    false_events: int
    weakest_mg: float | None
    is_tapped: bool
    is_dithered: bool

    @property
    def false_per_hour(self) -> float | None:
        """False events per hour of quiet time; None where nothing was measured."""
        return self.false_events * 3600 / self.heard_s if self.heard_s else None

    def as_json(self) -> dict[str, Any]:
        """Give everything as a JSON object."""
        rate = self.false_per_hour
        return {
            "night": self.night,
            "measured": bool(self.sizes),
            "sizes": [size.as_json() for size in self.sizes],
            "half_mg": _rounded(found_from_mg(self.sizes, 0.5)),
            "nine_in_ten_mg": _rounded(found_from_mg(self.sizes, 0.9)),
            "weakest_mg": self.weakest_mg,
            "false_events": self.false_events,
            "false_per_hour": None if rate is None else round(rate, 3),
            "heard_s": round(self.heard_s, 3),
            "quiet_s": round(self.quiet_s, 3),
            "valid_s": round(self.valid_s, 3),
            "live_events": self.live_events,
            "bed": "tapped" if self.is_tapped else "any",
            "dithered": self.is_dithered,
            "seed": self.seed,
        }


def found_from_mg(sizes: Sequence[Size], share: float) -> float | None:
    """Return the size from which a share of the jerks is found, in mg; None where that lies outside.

    Between two sizes it is read off a straight line over the logarithm of the size.
    """
    shares = _rising(sizes)
    at = next((k for k, reached in enumerate(shares) if reached >= share), 0)
    if at == 0:
        return None
    part = (share - shares[at - 1]) / (shares[at] - shares[at - 1])
    below, above = sizes[at - 1].peak_mg, sizes[at].peak_mg
    return float(below * (above / below) ** part)


def _rising(sizes: Sequence[Size]) -> list[float]:
    """Return the shares, neighbours pooled until none is smaller than the one before."""
    pools: list[tuple[int, int, int]] = []  # found, injected, and how many sizes
    for size in sizes:
        pools.append((size.found, size.injected, 1))
        while len(pools) > 1 and pools[-2][0] * pools[-1][1] > pools[-1][0] * pools[-2][1]:
            one, other = pools.pop(), pools.pop()
            pools.append((one[0] + other[0], one[1] + other[1], one[2] + other[2]))
    return [found / injected for found, injected, count in pools for _ in range(count)]


def _rounded(mg: float | None) -> float | None:
    return None if mg is None else round(mg, 2)
