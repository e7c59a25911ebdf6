"""What happens to samples on their way to steps, and at the end of every step: the kernel's three entries."""

from __future__ import annotations

import math

from bedtick.logger.detector import layout as lay
from bedtick.logger.detector.kernel.closing import close_event
from bedtick.logger.detector.kernel.events import judge_steps
from bedtick.logger.detector.kernel.filters import count_clipped, filter_steps, reaches, rebase_sums
from bedtick.logger.detector.kernel.gravity import complete_first, finish_quarter
from bedtick.logger.detector.kernel.jit import jit
from bedtick.logger.detector.kernel.seconds import finish_minute, finish_second

TRACE = lay.TRACE
MASK = lay.RING_STEPS - 1  # the ring's length is a power of two
REBASE_EVERY = 8 * lay.RING_STEPS  # steps, about 80 s: growing sums cost digits, starting anew costs time
MOST_AHEAD = 64  # steps filtered before they are judged: the ring has more room than judging looks back


@jit
def take_steps(s, p, block, row, count):
    """Filter and judge `count` whole steps of `block`."""
    filter_steps(s, p, block, row, count)
    s.second_steps += count
    if s.step * p.samples_per_step < s.blind_until:
        s.run_from = s.step + count
    judge_steps(s, p, count)
    end_steps(s, p, count)


@jit
def lose_step(s, p):
    """Count a step with missing samples as nothing; the filters start anew after it."""
    row, before = s.ring[s.step & MASK], s.ring[(s.step - 1) & MASK]
    for column in range(TRACE):
        row[column] = before[column]
    row[TRACE:] = 0.0
    s.step += 1
    s.look_left -= 1
    if s.look_left == 0:
        s.look_left = p.look_every
        s.looks += 1
    s.run_from = s.step
    s.quarter_whole = 0
    end_steps(s, p, 1)


@jit
def end_steps(s, p, count):
    """See to what comes to its end with the last of `count` steps."""
    if s.step % REBASE_EVERY == 0:
        rebase_sums(s)
    s.quarter_left -= count
    if s.quarter_left == 0:
        finish_quarter(s, p)


@jit
def finish_part(s, p):
    """Close the step whose samples came in parts, whole or not."""
    if s.part_arrived == p.samples_per_step:
        take_steps(s, p, s.part, 0, 1)
    else:
        lose_step(s, p)
    s.part_left = p.samples_per_step
    s.part_arrived = 0


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


@jit
def finish_what_is_full(s, p):
    """Close the step and the second that the last sample filled."""
    if s.part_left == 0:
        finish_part(s, p)
    if s.index == s.second_end:
        finish_second(s, p)


@jit
def steps_ahead(s, p, samples):
    """How many whole steps `samples` hold before anything but steps comes to its end."""
    if s.part_left < p.samples_per_step:
        return 0
    steps = min(samples, s.second_end - s.index) // p.samples_per_step
    if s.index < s.blind_until:
        return min(steps, 1)
    return min(steps, s.quarter_left, lay.RING_STEPS - (s.step & MASK), MOST_AHEAD)


@jit
def take_part(s, block, row, count):
    """Let samples wait until their step is whole."""
    for k in range(count):
        for axis in range(3):
            s.part[s.part_arrived + k, axis] = block[row + k, axis]
    s.part_arrived += count
    s.part_left -= count


@jit
def take_samples(s, p, block, row):
    """Take as many samples as can be taken at once, at least one; return how many."""
    steps = steps_ahead(s, p, block.shape[0] - row)
    count = steps * p.samples_per_step
    # What is clipped must be known of when its step is judged, and no earlier.
    if steps > 0 and not reaches(block, row, count, p.full_scale):
        take_steps(s, p, block, row, steps)
    else:
        count = min(block.shape[0] - row, s.part_left, s.second_end - s.index)
        take_part(s, block, row, count)
        count_clipped(s, p, block, row, count)
    s.index += count
    s.second_arrived += count
    finish_what_is_full(s, p)
    return count


def run_kernel(block, state, params):
    """Take the samples of `block`, int32 (n, 3) counts."""
    s, p = state[0], params[0]
    row = 0
    while row < block.shape[0]:
        if s.missing > 0 or s.restarted == 0:
            restart(s, p, block, row)
        row += take_samples(s, p, block, row)


def skip_kernel(lost, state, params):
    """Take `lost` missing samples; the first of a gap ends the open event."""
    s, p = state[0], params[0]
    if lost > 0 and s.is_open == 1:
        close_event(s, p)
    for _ in range(lost):
        s.index += 1
        s.missing += 1
        s.second_lost += 1
        s.part_left -= 1
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
