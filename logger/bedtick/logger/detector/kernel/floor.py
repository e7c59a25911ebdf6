"""The noise floor: levels of calm windows, and low quantiles of them.

A window of 1.5 s is calm when no event is open in it. Its largest levels hold a heartbeat (of 40 a minute
or more), so that heartbeats are part of the floor; jerks are not, however close they follow each other.
An event of over 10 s no longer keeps its time out: else a machine that sets in would never become floor.
"""

from __future__ import annotations

import math

from bedtick.logger.detector import layout as lay
from bedtick.logger.detector.kernel.jit import inlined, jit
from bedtick.logger.detector.kernel.measure import level, level_above

MASK, HALF_RING = lay.RING_STEPS - 1, lay.RING_STEPS // 2  # the ring's length is a power of two
JERK, LONG, ENVELOPE, NOISE = lay.JERK, lay.LONG, lay.ENVELOPE, lay.NOISE
LOUDER_SHARE = 0.75  # quantile of the louder windows
RISE_LOOKS = 20  # levels that a rise is measured from: of the last second, or the last two


@jit
def count_look(s, p, step):
    """Take the levels at a step into the largest of the calm window; jerk and long level take turns."""
    top = s.calm_levels
    top[ENVELOPE] = max(top[ENVELOPE], level_above(s, step, p.envelope_steps, top[ENVELOPE]))
    if s.looks % 2 == 0:
        top[LONG] = max(top[LONG], level_above(s, step, p.long_steps, top[LONG]))
    else:
        top[JERK] = max(top[JERK], level_above(s, step, p.jerk_steps, top[JERK]))


@jit
def lowest_level(s, p, steps, apart):
    """Smallest level of `steps` steps over the last looks, `apart` steps from each other.

    A movement rises out of it, a machine that runs up does not.
    """
    newest, lowest = s.step - (p.look_every - s.look_left), math.inf
    for k in range(RISE_LOOKS):
        lowest = min(lowest, level(s, newest - k * apart, steps))
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
def remember(s, p, column, slot, value):
    """Give a window's value its slot in the history of its column, and keep that sorted."""
    n = p.floor_windows
    if s.history_count < n:
        s.history[slot, column] = math.inf
        s.ordered[column, slot] = math.inf
        n = slot + 1
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
def update_whitening(s):
    """Take the weights of the products of the axes, xx yy zz xy xz yz, anew."""
    x, y, z = s.inverse[0], s.inverse[1], s.inverse[2]
    w = s.whitening
    w[0], w[1], w[2], w[4], w[5], w[6] = x * x, y * y, z * z, x * y, x * z, y * z


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
    update_whitening(s)


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
    slot = s.history_count % p.floor_windows
    for k in range(3):
        remember(s, p, k, slot, s.calm_levels[k])
        remember(s, p, NOISE + k, slot, s.calm_products[k] / s.calm_steps)
        s.calm_levels[k] = s.calm_products[k] = 0.0
    s.history_step[slot] = s.step
    s.history_count += 1
    s.calm_steps = 0
    update_floor(s, p)


@jit
def whiten_first_window(s, p):
    """Take each axis's noise from all steps so far, and their levels anew: they were not whitened yet."""
    # Clipping may have put it off for longer than the ring is.
    s.calm_steps = min(s.step + 1 - s.run_from, HALF_RING)
    first = s.step - s.calm_steps + 1
    for axis in range(3):
        total = s.ring[s.step & MASK, axis] - s.ring[(first - 1) & MASK, axis]
        s.calm_products[axis] = total
        s.inverse[axis] = 1.0 / math.sqrt(max(total / s.calm_steps, p.least_noise))
    update_whitening(s)
    s.calm_levels[:] = 0.0
    s.looks = first // p.look_every
    for k in range(first, s.step + 1):
        if (k + 1) % p.look_every == 0:
            s.looks += 1
            count_look(s, p, k)


@inlined
def is_calm(s, p):
    """Whether no event is open, was just now, or will be in half a second: the floor looks as far back."""
    if s.is_open == 1:
        return s.step - s.opened_step > p.large_steps
    return s.step - s.closed_step > p.calm_delay + p.quiet_steps


@inlined
def follow_calm(s, p):
    """Count the steps up to half a second ago to the calm window where all around them is calm."""
    run_steps = s.step + 1 - s.run_from
    if s.second_clipped > 0 or run_steps <= p.long_steps + 2 * p.look_every or not is_calm(s, p):
        return
    if s.history_count == 0:
        whiten_first_window(s, p)
        remember_window(s, p)
        return
    then = s.step - p.calm_delay
    row, before = s.ring[then & MASK], s.ring[(then - p.look_every) & MASK]
    for axis in range(3):
        s.calm_products[axis] += row[axis] - before[axis]
    count_look(s, p, then)
    s.calm_steps += p.look_every
    if s.calm_steps >= p.calm_window:
        remember_window(s, p)
