"""How an event opens and goes on: what is decided at the end of each step."""

from __future__ import annotations

import math

from bedtick.logger.detector import layout as lay
from bedtick.logger.detector.kernel.bursts import begin_bursts, follow_bursts
from bedtick.logger.detector.kernel.closing import close_event, count_up_to, drop_event
from bedtick.logger.detector.kernel.floor import follow_calm, lowest_level, short_floor
from bedtick.logger.detector.kernel.jit import inlined, jit
from bedtick.logger.detector.kernel.measure import dominant, energy, level, level_above
from bedtick.logger.detector.kernel.onset import place_onset, settle_onset
from bedtick.logger.detector.kernel.seconds import floor_square
from bedtick.logger.detector.kernel.splitting import end_at_machine, is_steady, rises_again

MASK, HALF_RING = lay.RING_STEPS - 1, lay.RING_STEPS // 2  # the ring's length is a power of two
TRACE, JERK, LONG, ENVELOPE = lay.TRACE, lay.JERK, lay.LONG, lay.ENVELOPE


@jit
def open_event(s, first, envelope):
    """Open an event at this step; its onset, not before step `first`, is sought when more of it is seen."""
    s.is_open = 1
    s.floor_square = floor_square(s)
    s.opened_step = s.onset_step = s.last_above_step = s.step
    s.search_from_step = first
    s.onset_known = 0
    s.peak_square = s.sum_squares = s.top = 0.0
    s.products[:] = 0.0
    s.dominant_hz = math.nan
    s.predicted = s.high = s.trough = envelope
    s.trough_step = s.step
    s.crest = s.lowest = envelope
    begin_bursts(s, envelope)


@jit
def follow_event(s, p, envelope, is_jerk):
    """Take one more step into the open event; True where a new jerk rises out of its ring-down."""
    s.ring[s.step & MASK, TRACE] = envelope
    if envelope >= s.low:
        s.last_above_step = s.step
    follow_bursts(s, envelope)
    # A machine may end the event up to half a ring ago: what lies after that is not counted yet.
    if s.onset_known == 1 and s.step - s.counted_step >= HALF_RING + HALF_RING // 2:
        count_up_to(s, s.step - HALF_RING)
    if math.isnan(s.dominant_hz) and s.step - s.onset_step >= p.spectrum_steps:
        s.dominant_hz = dominant(s, p, s.onset_step, s.onset_step + p.spectrum_steps)[0]
        place_onset(s, p)
    return rises_again(s, p, envelope) and is_jerk and s.step - s.onset_step >= p.refractory_steps


@jit
def go_on(s, p):
    """Take a step into the open event: it goes on, splits or ends."""
    envelope = level(s, s.step, p.envelope_steps)
    # The floor may rise under an event, as where a hum sets in: the event must still end.
    s.low = p.low_ratio * s.floors[ENVELOPE]
    is_jerk = level_above(s, s.step, p.jerk_steps, s.bar) > 0.0
    if follow_event(s, p, envelope, is_jerk):
        s.last_above_step = min(s.last_above_step, s.trough_step)
        close_event(s, p)
        open_event(s, s.trough_step + 1, envelope)
        s.splits += 1
    elif s.onset_known == 0 and s.step - s.opened_step >= p.onset_steps:
        settle_onset(s, p, s.step)
        if s.emergence < p.emerge_ratio:
            drop_event(s)
    elif is_steady(s, p):
        end_at_machine(s, p)
    elif s.step - s.last_above_step >= p.quiet_steps:
        close_event(s, p)


@inlined
def rises_at_once(s, p):
    """Whether the jerk window calls for an event: above the floor, that of late, and out of a lull."""
    if energy(s, s.step - p.jerk_steps + 1, s.step) < s.bar * p.jerk_steps:
        return False
    jerk = level_above(s, s.step, p.jerk_steps, s.bar)
    return (
        jerk >= s.bar
        and jerk >= p.high_ratio * short_floor(s, p, JERK)
        and jerk >= p.rise_ratio * lowest_level(s, p, p.jerk_steps, p.look_every)
    )


@inlined
def rises_slowly(s, p):
    """Whether the long window calls for an event; it must have forgotten the one before."""
    if s.step - s.closed_step <= p.long_steps:
        return False
    slow = level_above(s, s.step, p.long_steps, s.long_bar)
    return (
        slow >= s.long_bar
        and slow >= p.long_ratio * short_floor(s, p, LONG)
        and slow >= p.long_rise * lowest_level(s, p, p.long_steps, 2 * p.look_every)
    )


@inlined
def watch(s, p, is_look):
    """Open an event where this step calls for one; the long window is looked at every other time."""
    is_jerk = rises_at_once(s, p)
    if is_jerk or (is_look and s.looks % 2 == 0 and rises_slowly(s, p)):
        window = p.jerk_steps if is_jerk else p.long_steps
        reach = min(window + p.search_steps, s.step - s.run_from)
        s.low = p.low_ratio * s.floors[ENVELOPE]
        s.splits = 0
        open_event(s, max(s.step - reach, s.closed_step + 1), level(s, s.step, p.envelope_steps))


@jit
def is_settled(s, p):
    """Whether an event may open at this step."""
    return s.history_count > 0 and (s.step + 1) * p.samples_per_step >= s.settled_from


@jit
def judge_step(s, p):
    """Decide at the end of a whole step: levels, opening, splitting, closing, and the floor."""
    s.newest = s.step
    s.look_left -= 1
    is_look = s.look_left == 0
    if is_look:
        s.look_left = p.look_every
        s.looks += 1
    if s.is_open == 1:
        go_on(s, p)
    elif is_settled(s, p):
        watch(s, p, is_look)
    if is_look:
        follow_calm(s, p)


@jit
def uneventful(s, p, most):
    """How many steps pass, up to the next look and at most `most`, before one may open an event."""
    if s.is_open == 1 or not is_settled(s, p):
        return 0
    most = min(most, s.look_left - 1)
    enough, first = s.bar * p.jerk_steps, s.step - p.jerk_steps + 1
    # The trace is never below the largest eigenvalue, and quick to have: of all windows together first.
    if energy(s, first, s.step + most - 1) >= enough:
        for k in range(most):
            if energy(s, first + k, s.step + k) >= enough:
                return k
    return most


@jit
def judge_steps(s, p, count):
    """Decide at the end of each of `count` steps, whose rows are in the ring."""
    end = s.step + count
    while s.step < end:
        passed = uneventful(s, p, end - s.step)
        s.step += passed
        s.look_left -= passed
        s.newest = s.step - 1
        if s.step < end:
            judge_step(s, p)
            s.step += 1
