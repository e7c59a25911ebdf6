"""Where gravity points: means over quarter seconds, medians over 4 s, and the tilt between two of them."""

from __future__ import annotations

import math

from bedtick.logger.detector import layout as lay
from bedtick.logger.detector.kernel.jit import jit

QUARTERS, TILT_QUARTERS = lay.RING_QUARTERS, lay.TILT_QUARTERS


@jit
def sort_in_place(values, n):
    """Sort the first `n` values: an insertion sort, since n is 16 at the most."""
    for i in range(1, n):
        value = values[i]
        j = i - 1
        while j >= 0 and values[j] > value:
            values[j + 1] = values[j]
            j -= 1
        values[j + 1] = value


@jit
def gravity_median(s, first, out):
    """Median of each axis over the 4 s from quarter `first` on; NaN where one of them is missing."""
    values = s.scratch[0]
    for axis in range(3):
        for k in range(TILT_QUARTERS):
            values[k] = s.quarters[(first + k) % QUARTERS, axis]
            if math.isnan(values[k]):
                out[axis] = math.nan
                return
        sort_in_place(values, TILT_QUARTERS)
        middle = TILT_QUARTERS // 2
        out[axis] = 0.5 * (values[middle - 1] + values[middle])


@jit
def angle_deg(a, b):
    """Angle between two vectors in degrees, by the arctangent: exact for small angles; NaN in, NaN out."""
    cx, cy, cz = a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]
    dot = a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
    return math.degrees(math.atan2(math.sqrt(cx * cx + cy * cy + cz * cz), dot))


@jit
def complete_first(s, after):
    """Give the tilt of the event that has waited longest, and let the others move up."""
    row = s.tilts[s.tilts_out]
    s.tilts_out += 1
    row.number = s.pending[0].number
    row.tilt_deg = angle_deg(s.pending[0].before, after)
    s.pending_count -= 1
    for k in range(s.pending_count):
        s.pending[k].number = s.pending[k + 1].number
        s.pending[k].first_quarter = s.pending[k + 1].first_quarter
        s.pending[k].before[:] = s.pending[k + 1].before


@jit
def finish_quarter(s, p):
    """Keep a quarter second's gravity, and complete the events whose 4 s after are now known."""
    n = p.quarter_steps * p.samples_per_step
    slot = s.quarter % QUARTERS
    for axis in range(3):
        s.quarters[slot, axis] = s.quarter_sum[axis] / n if s.quarter_whole == 1 else math.nan
        s.quarter_sum[axis] = 0.0
    s.quarter_whole = 1
    s.quarter += 1
    s.quarter_left = p.quarter_steps
    after = s.scratch[1]
    while s.pending_count > 0 and s.pending[0].first_quarter + TILT_QUARTERS <= s.quarter:
        gravity_median(s, s.pending[0].first_quarter, after)
        complete_first(s, after)
