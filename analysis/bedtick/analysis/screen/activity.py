"""Motion over the night as one strip of cells, on a logarithmic scale from its calmest to its liveliest."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

from bedtick.analysis.screen.words import number

if TYPE_CHECKING:
    from bedtick.analysis.screen.look import Look
    from bedtick.analysis.summary import Summary

_CELLS = 50
LEAST_SPAN = 8.0  # each of the eight cells is at least a third more than the one before


def motion_strip(summary: Summary, look: Look) -> list[str]:
    """Return the line `Motion ... from 3 to 200 mg`; no line where nothing was recorded."""
    cells = _cells(summary)
    known = [motion_mg for motion_mg in cells if motion_mg]
    if not known:
        return []
    low, high = min(known), max(known)
    top = max(high, LEAST_SPAN * low)  # an unmoved sensor must not look restless
    shares = [None if mg is None else _share(mg, low, top) for mg in cells]
    return [f"{'Motion':<7}{look.strip(shares)}  {number(low)} to {number(high)} mg"]


def _cells(summary: Summary) -> list[float | None]:
    """Share the night out evenly; each cell is its liveliest minute, None where no sample came."""
    start_ns, end_ns = summary.night.start_ns, summary.night.end_ns
    cell_ns = max(end_ns - start_ns, 1) / _CELLS
    cells: list[float | None] = [None] * _CELLS
    for minute in summary.activity:
        if minute.activity_mg is None:
            continue
        first = max(int((minute.start_ns - start_ns) / cell_ns), 0)
        last = min(int((minute.end_ns - 1 - start_ns) / cell_ns), _CELLS - 1)
        for cell in range(first, last + 1):
            cells[cell] = max(cells[cell] or 0.0, minute.activity_mg)
    return cells


def _share(motion_mg: float, low_mg: float, high_mg: float) -> float:
    """Where a value lies between two others, by its logarithm; 0 for no motion at all."""
    if motion_mg <= low_mg or high_mg <= low_mg:
        return 0.0
    return log(motion_mg / low_mg) / log(high_mg / low_mg)
