"""How weak a jerk could be and still be found, by what the noise floor of each minute says.

Minutes of which less than half was valid are left out, as they are from the rates. Of the others the
median stands for the night, and beside it the value that one minute in ten was worse than.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bedtick.analysis.totals import USABLE, minute_range

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from bedtick.analysis.night import Night

WORST_SHARE = 0.1
_WEAKEST = f"""
    SELECT weakest_mg FROM minutes
    WHERE scoring_id = ? AND minute >= ? AND minute < ? AND {USABLE} AND weakest_mg IS NOT NULL
"""  # noqa: S608  a constant


@dataclass(frozen=True)
class Weakest:
    """Peaks of the smallest jerk that would have been found: in the median minute, and in the worst tenth."""

    median_mg: float
    worst_tenth_mg: float


def weakest_of(connection: sqlite3.Connection, night: Night) -> Weakest | None:
    """Return how weak a jerk could be and still be found; None where no minute can say."""
    found: list[float] = []
    for part in night.parts:
        rows = connection.execute(_WEAKEST, (part.scoring, *minute_range(part)))
        found.extend(weakest_mg for (weakest_mg,) in rows)
    if not found:
        return None
    found.sort()
    return Weakest(_quantile(found, 0.5), _quantile(found, 1 - WORST_SHARE))


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Return a quantile of sorted numbers, by linear interpolation."""
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])
