"""What happens to every sample, and at the end of every step: the two entries of the kernel."""

from __future__ import annotations

import math

from numba import njit

from bedtick.logger.detector import layout as lay
from bedtick.logger.detector.kernel.events import close_event, judge_step
from bedtick.logger.detector.kernel.gravity import complete_first, finish_quarter
from bedtick.logger.detector.kernel.seconds import finish_second

MASK = lay.RING_STEPS - 1  # the ring's length is a power of two
MOTION, SUM_SQUARES, PEAK_SQUARE = lay.MOTION, lay.SUM_SQUARES, lay.PEAK_SQUARE


@njit(nogil=True)
def finish_step(s, p, ring, sums, inverse, quarters, pending, events, tilts, scratch, after):
    """Move a full step into the ring and judge it; a step with missing samples counts as nothing."""
    row = ring[s.step & MASK]
    n = p.samples_per_step
    if s.step_arrived == n:
        for k in range(6):
            row[k] = sums[k]
        for axis in range(3):
            row[MOTION + axis] = sums[6 + axis] / n
        row[SUM_SQUARES], row[PEAK_SQUARE] = sums[9], sums[10]
        s.quarter_x += sums[11]
        s.quarter_y += sums[12]
        s.quarter_z += sums[13]
        s.second_xx += sums[0]
        s.second_yy += sums[1]
        s.second_zz += sums[2]
        s.second_sum_squares += sums[9]
        if s.index - n >= s.blind_until:
            s.run_steps += 1
        judge_step(s, p, ring, inverse, quarters, pending, events, tilts, scratch, after)
    else:
        row[:] = 0.0
        s.run_steps = 0
        s.quarter_whole = 0
        s.long_level = 0.0
    sums[:] = 0.0
    s.step += 1
    s.step_left = n
    s.step_arrived = 0
    s.quarter_left -= 1
    if s.quarter_left == 0:
        finish_quarter(s, p, quarters, pending, tilts, scratch, after)


@njit(nogil=True)
def miss_sample(s, p, ring, inverse, quarters, pending, tilts, events, scratch, after):
    """Count a missing sample; the first of a gap ends the open event."""
    if s.is_open == 1:
        close_event(s, p, ring, inverse, quarters, pending, tilts, events, scratch, after)
    s.missing += 1
    s.second_lost += 1


@njit(nogil=True)
def restart(s, p, filters, x, y, z):
    """Start the filters on this value, as if it had always been there; the floor is kept."""
    s.offset_x, s.offset_y, s.offset_z = x, y, z
    filters[:] = 0.0
    if s.restarted == 0 or s.missing > p.long_gap_samples:
        s.settled_from = s.index - 1 + p.settle_samples
    s.blind_until = s.index - 1 + p.blind_samples
    s.restarted = 1
    s.missing = 0


@njit(nogil=True)
def filter_sample(sections, filters, sums, x, y, z):
    """Pass one sample through the chain and add it to the step (direct form II transposed)."""
    band = (x, y, z)
    square = 0.0
    bx = by = bz = 0.0
    for axis in range(3):
        value = band[axis]
        for k in range(4):
            out = sections[k, 0] * value + filters[k, axis, 0]
            filters[k, axis, 0] = sections[k, 1] * value - sections[k, 3] * out + filters[k, axis, 1]
            filters[k, axis, 1] = sections[k, 2] * value - sections[k, 4] * out
            value = out
            if k == 1:
                sums[6 + axis] += value
                square += value * value
        if axis == 0:
            bx = value
        elif axis == 1:
            by = value
        else:
            bz = value
    sums[0] += bx * bx
    sums[1] += by * by
    sums[2] += bz * bz
    sums[3] += bx * by
    sums[4] += bx * bz
    sums[5] += by * bz
    sums[9] += square
    sums[10] = max(sums[10], square)


def run_kernel(
    block,
    state,
    params,
    sections,
    filters,
    sums,
    ring,
    history,
    inverse,
    quarters,
    pending,
    events,
    tilts,
    seconds,
    scratch,
):
    """Take the samples of `block` (float64 (n, 3), counts; a row with a NaN is missing) into the state."""
    s, p = state[0], params[0]
    after = scratch[1]
    sort_space = scratch[0]
    for r in range(block.shape[0]):
        x, y, z = block[r, 0], block[r, 1], block[r, 2]
        s.index += 1
        if math.isnan(x + y + z):
            miss_sample(s, p, ring, inverse, quarters, pending, tilts, events, sort_space, after)
        else:
            if s.missing > 0 or s.restarted == 0:
                restart(s, p, filters, x, y, z)
            if max(abs(x), abs(y), abs(z)) >= p.full_scale:
                s.second_clipped += 1
            filter_sample(sections, filters, sums, x - s.offset_x, y - s.offset_y, z - s.offset_z)
            sums[11] += x
            sums[12] += y
            sums[13] += z
            s.step_arrived += 1
            s.second_arrived += 1
        s.step_left -= 1
        if s.step_left == 0:
            finish_step(s, p, ring, sums, inverse, quarters, pending, events, tilts, sort_space, after)
        if s.index == s.second_end:
            finish_second(s, p, ring, history, inverse, sort_space, seconds)


def end_kernel(state, params, ring, history, inverse, quarters, pending, events, tilts, seconds, scratch):
    """End the recording: close what is open; what waits for its tilt gets none."""
    s, p = state[0], params[0]
    after = scratch[1]
    if s.is_open == 1:
        close_event(s, p, ring, inverse, quarters, pending, tilts, events, scratch[0], after)
    after[0] = math.nan
    while s.pending_count > 0:
        complete_first(s, pending, tilts, after)
    if s.second_arrived + s.second_lost > 0:
        finish_second(s, p, ring, history, inverse, scratch[0], seconds)
