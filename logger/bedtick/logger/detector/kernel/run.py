"""What happens to every sample, and at the end of every step: the three entries of the kernel."""

from __future__ import annotations

import math

from bedtick.logger.detector import layout as lay
from bedtick.logger.detector.kernel.closing import close_event
from bedtick.logger.detector.kernel.events import judge_step
from bedtick.logger.detector.kernel.filters import count_clipped, filter_step, gather, reaches, rebase_sums
from bedtick.logger.detector.kernel.gravity import complete_first, finish_quarter
from bedtick.logger.detector.kernel.jit import inlined, jit
from bedtick.logger.detector.kernel.seconds import finish_minute, finish_second

USUAL_COUNT = 4  # samples in a step at 400 Hz
MASK = lay.RING_STEPS - 1  # the ring's length is a power of two


@inlined
def take_step(s, p):
    """Filter a whole step and judge it."""
    filter_step(s, p)
    s.newest = s.step
    s.second_steps += 1
    if s.index - p.samples_per_step >= s.blind_until:
        s.run_steps += 1
    judge_step(s, p)


@jit
def lose_step(s, p):
    """Count a step with missing samples as nothing; the filters start anew after it."""
    row, before = s.ring[s.step & MASK], s.ring[(s.step - 1) & MASK]
    for column in range(6):
        row[column] = before[column]
    row[6:] = 0.0
    s.look_left -= 1
    if s.look_left == 0:
        s.look_left = p.look_every
        s.looks += 1
    s.run_steps = 0
    s.quarter_whole = 0
    s.long_level = 0.0


@inlined
def finish_step(s, p):
    """Close the step, whole or not."""
    if s.step_arrived == p.samples_per_step:
        take_step(s, p)
    else:
        lose_step(s, p)
    for axis in range(3):
        s.plain[axis] = s.rising[axis] = 0
    s.step += 1
    if s.step & MASK == 0:
        rebase_sums(s)
    s.step_left = p.samples_per_step
    s.step_arrived = 0
    s.quarter_left -= 1
    if s.quarter_left == 0:
        finish_quarter(s, p)


@jit
def restart(s, p, block, r):
    """Start the filters on this sample, as if it had always been there; the floor is kept."""
    n = p.samples_per_step
    for axis in range(3):
        s.offset[axis] = block[r, axis]
        s.plain_before[axis] = n * s.offset[axis]
        s.rising_before[axis] = n * (n + 1) // 2 * s.offset[axis]
    s.delays[:] = 0.0
    if s.restarted == 0 or s.missing > p.long_gap_samples:
        s.settled_from = s.index + p.settle_samples
    s.blind_until = s.index + p.blind_samples
    s.restarted = 1
    s.missing = 0


@inlined
def finish_what_is_full(s, p):
    """Close the step and the second that the last sample filled."""
    if s.step_left == 0:
        finish_step(s, p)
    if s.index == s.second_end:
        finish_second(s, p)


def run_kernel(block, state, params):
    """Take the samples of `block`, int32 (n, 3) counts."""
    s, p = state[0], params[0]
    r, is_full = 0, block.size > 0 and reaches(block, p.full_scale)
    while r < block.shape[0]:
        if s.missing > 0 or s.restarted == 0:
            restart(s, p, block, r)
        count = min(block.shape[0] - r, s.step_left, s.second_end - s.index)
        if count == USUAL_COUNT:  # a constant, for which the compiler unrolls the loop
            gather(s, block, r, USUAL_COUNT)
        else:
            gather(s, block, r, count)
        if is_full:
            count_clipped(s, p, block, r, count)
        r += count
        s.index += count
        s.step_left -= count
        s.step_arrived += count
        s.second_arrived += count
        finish_what_is_full(s, p)


def skip_kernel(lost, state, params):
    """Take `lost` missing samples; the first of a gap ends the open event."""
    s, p = state[0], params[0]
    if lost > 0 and s.is_open == 1:
        close_event(s, p)
    for _ in range(lost):
        s.index += 1
        s.missing += 1
        s.second_lost += 1
        s.step_left -= 1
        finish_what_is_full(s, p)


def end_kernel(state, params):
    """End the recording: close what is open; what waits for its tilt gets none."""
    s, p = state[0], params[0]
    if s.is_open == 1:
        close_event(s, p)
    after = s.scratch[1]
    after[0] = math.nan
    while s.pending_count > 0:
        complete_first(s, after)
    if s.second_arrived + s.second_lost > 0:
        finish_second(s, p)
    finish_minute(s)
