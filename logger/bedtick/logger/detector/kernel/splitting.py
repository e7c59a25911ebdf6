"""Where a new event begins inside an open one, and where a machine took over from it."""

from __future__ import annotations

import math

from bedtick.logger.detector import layout as lay
from bedtick.logger.detector.kernel.closing import close_event, drop_event
from bedtick.logger.detector.kernel.jit import jit
from bedtick.logger.detector.kernel.measure import level

DEEP = 1.0 / 8.0  # the envelope falls by 9 dB where nothing pushes the bed any more
MOST_BURSTS = 3  # a movement has more
MOST_SPLITS = 2  # three in a row: what goes on is a train, noted as such
RECENT_LOOKS = 50  # of the last 2.5 s
SQUARE, TRACE = lay.SQUARE, lay.TRACE
MASK, HALF_RING = lay.RING_STEPS - 1, lay.RING_STEPS // 2  # the ring's length is a power of two


@jit
def has_fallen(s):
    """Whether the envelope fell deep after the event's first burst."""
    return s.lowest <= max(DEEP * s.crest, s.low)


@jit
def follow_crest(s, envelope):
    """Follow how high the event's first burst rose and how low the envelope fell after it."""
    if envelope > s.crest and not has_fallen(s):
        s.crest = s.lowest = envelope
    s.lowest = min(s.lowest, envelope)


@jit
def is_apart(s, p):
    """Whether nothing pushed the bed any more: else a rise belongs to a movement that goes on.

    A movement has many sub-bursts, and no long and deep fall between them.
    """
    is_twitch = s.sub_bursts <= MOST_BURSTS and s.splits < MOST_SPLITS
    return is_twitch and has_fallen(s) and s.lull_steps >= p.least_lull


@jit
def rises_again(s, p, envelope):
    """Follow the levels up and down; True where the envelope stands 6 dB above what the ring-down leaves.

    The ring-down starts from the last high, which a fall of 3 dB gives away. A bed may ring for longer
    than predicted and noise may sway the envelope: so it must also rise above its lowest since then, and
    above the low threshold.
    """
    follow_crest(s, envelope)
    s.predicted *= p.ring_decay
    s.high = max(s.high, envelope)
    is_first_rise = s.step - s.onset_step < p.refractory_steps and envelope >= s.predicted
    is_new_start = is_first_rise or envelope < 0.5 * s.high
    if is_new_start:
        s.predicted = max(s.predicted, s.high)
        s.high = envelope
    if is_new_start or envelope < s.trough:
        s.trough = envelope
        s.trough_step = s.step
    return envelope > p.split_ratio * max(s.predicted, s.trough, s.low) and is_apart(s, p)


@jit
def range_of_late(s, p):
    """Smallest and largest jerk level of the last looks, the newest being at this step."""
    lowest, highest = math.inf, 0.0
    for k in range(RECENT_LOOKS):
        jerk = level(s, s.step - k * p.look_every, p.jerk_steps)
        lowest, highest = min(lowest, jerk), max(highest, jerk)
    return lowest, highest


@jit
def is_steady(s, p):
    """Whether the event has gone on for seconds, weak and without swaying: a machine that was switched on.

    A person may rock as evenly, but a machine that shakes a mattress that hard is no neighbour's washer.
    """
    if s.step - s.onset_step < p.steady_steps or s.look_left != p.look_every:
        return False
    total, count = 0.0, RECENT_LOOKS * p.look_every
    for k in range(s.step - count + 1, s.step + 1):
        total += s.ring[k & MASK, SQUARE]
    if total > count * p.machine_square:
        return False
    lowest, highest = range_of_late(s, p)
    return highest <= p.steady_ratio * lowest


@jit
def end_at_machine(s, p):
    """End the event where it fell to what a machine has kept up since: no event, if all of it was that."""
    above = 2.0 * range_of_late(s, p)[1]
    last = s.step
    while last > s.onset_step and last > s.step - HALF_RING and s.ring[last & MASK, TRACE] < above:
        last -= 1
    if last == s.onset_step or s.step - last >= HALF_RING:
        drop_event(s)
    else:
        s.last_above_step = last
        close_event(s, p)
        s.closed_step = s.step
