"""The noise floor: levels of calm windows, and low quantiles of them.

A window of 1.5 s is calm when no event is open in it. Its largest levels hold a heartbeat (of 40 a minute
or more), so that heartbeats are part of the floor; jerks are not, however close they follow each other.
An event of over 10 s no longer keeps its time out: else a machine that sets in would never become floor.
"""

from __future__ import annotations

import math

from bedtick.logger.detector import layout as lay
from bedtick.logger.detector.kernel.jit import inlined, jit
from bedtick.logger.detector.kernel.measure import energy, level

MASK, HALF_RING = lay.RING_STEPS - 1, lay.RING_STEPS // 2  # the ring's length is a power of two
JERK, LONG, ENVELOPE, NOISE = lay.JERK, lay.LONG, lay.ENVELOPE, lay.NOISE
LOUDER_SHARE = 0.75  # quantile of the louder windows
RECENT_LOOKS, RISE_LOOKS = lay.RECENT_LOOKS, lay.RISE_LOOKS


@jit
def count_look(s, p, look, step):
    """Take the levels of a look, made at `step`, into the largest of the calm window."""
    s.calm_levels[JERK] = max(s.calm_levels[JERK], s.recent[look % RECENT_LOOKS])
    s.calm_levels[LONG] = max(s.calm_levels[LONG], s.long_level)
    # The trace is never below the largest eigenvalue, and quick to have.
    if energy(s, step - p.envelope_steps + 1, step) > s.calm_levels[ENVELOPE] * p.envelope_steps:
        s.calm_levels[ENVELOPE] = max(s.calm_levels[ENVELOPE], level(s, step, p.envelope_steps))


@jit
def look_long(s, p, step):
    """Take the long level anew, and among those of late."""
    s.long_level = level(s, step, p.long_steps)
    s.recent_long[(s.looks // 2) % RISE_LOOKS] = s.long_level


@jit
def look(s, p, step):
    """Take the levels at a step among those of late."""
    slot = s.looks % RECENT_LOOKS
    s.recent[slot] = level(s, step, p.jerk_steps)
    s.looks += 1
    if s.looks % 2 == 0:
        look_long(s, p, step)


@jit
def lowest_jerk(s):
    """Smallest jerk level of the last second: a movement rises out of it, a machine that runs up does not."""
    lowest = math.inf
    for k in range(s.looks - RISE_LOOKS, s.looks):
        lowest = min(lowest, s.recent[k % RECENT_LOOKS])
    return lowest


@jit
def lowest_long(s):
    """Smallest long level of the last two seconds."""
    lowest = math.inf
    for k in range(RISE_LOOKS):
        lowest = min(lowest, s.recent_long[k])
    return lowest


@jit
def replace_ordered(ordered, n, old, new):
    """Put `new` into the place that it has among `n` sorted values, of which the one equal to `old` goes."""
    k = 0
    while ordered[k] != old and k < n - 1:
        k += 1
    while k > 0 and ordered[k - 1] > new:
        ordered[k] = ordered[k - 1]
        k -= 1
    while k < n - 1 and ordered[k + 1] < new:
        ordered[k] = ordered[k + 1]
        k += 1
    ordered[k] = new


@jit
def remember(s, p, column, value):
    """Give a window's value a place in the history of its column, and keep that sorted."""
    slot = s.history_count % p.floor_windows
    if s.history_count < p.floor_windows:
        s.history[slot, column] = math.inf
        s.ordered[column, slot] = math.inf
    n = min(s.history_count + 1, p.floor_windows)
    replace_ordered(s.ordered[column], n, s.history[slot, column], value)
    s.history[slot, column] = value


@jit
def quantile_of(values, share, n):
    """Return a quantile of `n` sorted values, by linear interpolation."""
    position = share * (n - 1)
    index = int(position)
    part = position - index
    value = values[index]
    return value + part * (values[index + 1] - value) if part > 0.0 else value


@jit
def bar_above(s, p, k, ratio):
    """Level at which an event opens: a ratio above the floor, with more caution while few windows are known.

    Noise hardly sways, heartbeats do with every breath: where the louder windows stand far above the floor,
    so does the bar.
    """
    n = min(s.history_count, p.floor_windows)
    sway = quantile_of(s.ordered[k], LOUDER_SHARE, n) / s.floors[k]
    return ratio * s.floors[k] * min(max(sway / p.usual_sway, 1.0), p.most_sway) * (1.0 + 1.0 / n)


@jit
def update_floor(s, p):
    """Take the floors and each axis's noise anew from the history of windows."""
    n = min(s.history_count, p.floor_windows)
    # A history that is still short is read nearer its median: its lowest fifth would be luck.
    share = 0.5 + (p.floor_quantile - 0.5) * n / p.floor_windows
    for k in range(3):
        # Whitened noise has a level of 1; less is a stuck sensor: nothing may pass for a jerk.
        s.floors[k] = max(quantile_of(s.ordered[k], share, n), 1.0)
    s.bar = bar_above(s, p, JERK, p.high_ratio)
    s.long_bar = bar_above(s, p, LONG, p.long_ratio)
    s.sight = 0.0
    for axis in range(3):
        noise = quantile_of(s.ordered[NOISE + axis], share, n)
        s.inverse[axis] = 1.0 / math.sqrt(max(noise, p.least_noise))
        s.sight += s.inverse[axis] ** 2 / 3.0 if noise > 0.0 else 0.0


@jit
def short_floor(s, p, k):
    """Smallest level of the windows of the last seconds, less a margin; 0 where there are not two of them."""
    least, count = math.inf, 0
    newest = s.history_count - 1
    while newest >= 0 and count < p.floor_windows:
        slot = newest % p.floor_windows
        if s.history_step[slot] < s.step - p.short_steps:
            break
        least = min(least, s.history[slot, k])
        count += 1
        newest -= 1
    return p.short_share * least if count >= 2 else 0.0


@jit
def remember_window(s, p):
    """Give the calm window a place in the history, take the floor from it, and begin the next."""
    for k in range(3):
        remember(s, p, k, s.calm_levels[k])
        remember(s, p, NOISE + k, s.calm_products[k] / s.calm_steps)
        s.calm_levels[k] = s.calm_products[k] = 0.0
    s.history_step[s.history_count % p.floor_windows] = s.step
    s.history_count += 1
    s.calm_steps = 0
    update_floor(s, p)


@jit
def whiten_first_window(s, p):
    """Take each axis's noise from all steps so far, and their levels anew: they were not whitened yet."""
    s.calm_steps = min(s.run_steps, HALF_RING)  # clipping may have put it off for longer than the ring is
    first = s.step - s.calm_steps + 1
    s.long_level = 0.0  # not whitened either
    for axis in range(3):
        total = s.ring[s.step & MASK, axis] - s.ring[(first - 1) & MASK, axis]
        s.calm_products[axis] = total
        s.inverse[axis] = 1.0 / math.sqrt(max(total / s.calm_steps, p.least_noise))
    s.calm_levels[:] = 0.0
    s.looks = first // p.look_every
    for k in range(first, s.step + 1):
        if (k + 1) % p.look_every == 0:
            look(s, p, k)
            count_look(s, p, s.looks - 1, k)


@inlined
def is_calm(s, p):
    """Whether no event is open, was just now, or will be in half a second: the floor looks as far back."""
    if s.is_open == 1:
        return s.step - s.opened_step > p.large_steps
    return s.step - s.closed_step > p.calm_delay + p.quiet_steps


@inlined
def follow_calm(s, p):
    """Count the step of half a second ago to the calm window where all around it is calm."""
    if s.second_clipped > 0 or s.run_steps <= p.long_steps + 2 * p.look_every or not is_calm(s, p):
        return
    if s.history_count == 0:
        whiten_first_window(s, p)
        remember_window(s, p)
        return
    then = s.step - p.calm_delay
    row, before = s.ring[then & MASK], s.ring[(then - 1) & MASK]
    for axis in range(3):
        s.calm_products[axis] += row[axis] - before[axis]
    if s.look_left == p.look_every:
        count_look(s, p, s.looks - 1 - p.calm_delay // p.look_every, then)
    s.calm_steps += 1
    if s.calm_steps >= p.calm_window:
        remember_window(s, p)
