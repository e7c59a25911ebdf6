"""Where gravity points: means over quarter seconds, medians over 4 s, and the tilt between two of them."""

from __future__ import annotations

import math

from numba import njit

from bedtick.logger.detector import layout as lay

QUARTERS, TILT_QUARTERS = lay.RING_QUARTERS, lay.TILT_QUARTERS


@njit(nogil=True)
def sort_in_place(values, n):
    """Sort the first `n` values: an insertion sort, since n is 40 at the most and often in order."""
    for i in range(1, n):
        value = values[i]
        j = i - 1
        while j >= 0 and values[j] > value:
            values[j + 1] = values[j]
            j -= 1
        values[j + 1] = value


@njit(nogil=True)
def gravity_median(quarters, first, scratch, out):
    """Median of each axis over 4 s of quarter-second means; NaN where one of them is missing."""
    for axis in range(3):
        for k in range(TILT_QUARTERS):
            scratch[k] = quarters[(first + k) % QUARTERS, axis]
            if math.isnan(scratch[k]):
                out[axis] = math.nan
                return
        sort_in_place(scratch, TILT_QUARTERS)
        middle = TILT_QUARTERS // 2
        out[axis] = 0.5 * (scratch[middle - 1] + scratch[middle])


@njit(nogil=True)
def angle_deg(a, b):
    """Angle between two vectors in degrees, by the arctangent: exact for small angles; NaN in, NaN out."""
    cx, cy, cz = a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]
    dot = a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
    return math.degrees(math.atan2(math.sqrt(cx * cx + cy * cy + cz * cz), dot))


@njit(nogil=True)
def complete_first(s, pending, tilts, after):
    """Give the tilt of the event that has waited longest, and let the others move up."""
    first = pending[0]
    row = tilts[s.tilts_out]
    s.tilts_out += 1
    row.number = first.number
    row.tilt_deg = angle_deg((first.before_x, first.before_y, first.before_z), after)
    s.pending_count -= 1
    for k in range(s.pending_count):
        pending[k] = pending[k + 1]


@njit(nogil=True)
def finish_quarter(s, p, quarters, pending, tilts, scratch, after):
    """Keep a quarter second's gravity, and complete the events whose 4 s after are now known."""
    whole, n = s.quarter_whole == 1, p.quarter_steps * p.samples_per_step
    slot = s.quarter % QUARTERS
    quarters[slot, 0] = s.quarter_x / n if whole else math.nan
    quarters[slot, 1] = s.quarter_y / n if whole else math.nan
    quarters[slot, 2] = s.quarter_z / n if whole else math.nan
    s.quarter_x = s.quarter_y = s.quarter_z = 0.0
    s.quarter_whole = 1
    s.quarter += 1
    s.quarter_left = p.quarter_steps
    while s.pending_count > 0 and pending[0].first_quarter + TILT_QUARTERS <= s.quarter:
        gravity_median(quarters, pending[0].first_quarter, scratch, after)
        complete_first(s, pending, tilts, after)
