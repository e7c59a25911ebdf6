"""Where an event began: first the likeliest change of energy before it was noticed, later its place in time.

The first look decides, with little seen, whether this is an event. Where it is written down waits for more:
chips that hear the same bed with other noise, at other rates, must place the same onset. So only energy along
the lines in which the event moves counts; what the best chip sees of a first stirring, and no other, does
not; and no point in time is the nearest step. Two moments are taken between steps: the likeliest change of
energy, early but apt to leap from one swing of the bed to the next where noise hides the first, and the
rise of a window's energy through a share of its first top, late but hardly moved by noise. The onset is a
mean of both, less what the filters and they themselves hold it up.
"""

from __future__ import annotations

import math

from bedtick.logger.detector import layout as lay
from bedtick.logger.detector.kernel.gravity import gravity_median
from bedtick.logger.detector.kernel.jit import inlined, jit
from bedtick.logger.detector.kernel.lanes import total
from bedtick.logger.detector.kernel.measure import energy, level, likelihood, onset_step, sums_between

MASK = lay.RING_STEPS - 1  # the ring's length is a power of two
TILT_QUARTERS, TRACE = lay.TILT_QUARTERS, lay.TRACE


@jit
def steps_before(s, p):
    """Return the first step of the second before the search, which shows what there was before."""
    return max(s.search_from_step - p.before_steps, s.closed_step + 1, s.run_from)


@jit
def settle_onset(s, p, last):
    """Find the step of the onset, now that what follows it, up to step `last`, stands clear of noise."""
    s.onset_known = 1
    # Heartbeats are part of what was there before, so the second before the search says what that was.
    first = steps_before(s, p)
    before = energy(s, first, s.search_from_step - 1) if first < s.search_from_step else 0.0
    before = max(before / p.before_steps, 3.0)
    seen = energy(s, s.search_from_step, last) / (last + 1 - s.search_from_step)
    s.onset_step = onset_step(s, s.search_from_step, last, max(before, seen / p.onset_ratio))
    s.emergence = energy(s, s.onset_step, last) / (last + 1 - s.onset_step) / before
    s.counted_step = s.last_above_step = s.onset_step
    for k in range(s.onset_step, last + 1):
        envelope = level(s, k, p.envelope_steps)
        s.ring[k & MASK, TRACE] = envelope
        if envelope >= s.low:
            s.last_above_step = k


@inlined
def lines_of(s, first, last):
    """Return the lines in which the steps move, as lanes: weights of xx yy zz and, both ways, of xy xz yz."""
    squares, products = sums_between(s, first, last)
    return squares, 2.0 * products


@inlined
def energy_along(s, lines, first, last):
    """Energy of the steps first..last along some lines."""
    squares, products = sums_between(s, first, last)
    return total(squares * lines[0]) + total(products * lines[1])


@jit
def noise_along(s, p, lines):
    """Energy of a step along some lines, in the second before the search; 0 where nothing is known of it."""
    first = steps_before(s, p)
    count = s.search_from_step - first
    return energy_along(s, lines, first, first + count - 1) / count if count > 0 else 0.0


@jit
def change_point(s, lines, first, last, before):
    """Return where, between steps, the energy likeliest changed: the top of a parabola through three."""
    best, at = 0.0, last
    for k in range(last, first - 1, -1):
        here = likelihood(energy_along(s, lines, k, last), last - k + 1, before)
        if here > best:
            best, at = here, k
    if not first < at < last:
        return float(at)
    left = likelihood(energy_along(s, lines, at - 1, last), last - at + 2, before)
    right = likelihood(energy_along(s, lines, at + 1, last), last - at, before)
    return at + 0.5 * (left - right) / (left - 2.0 * best + right)


@jit
def rise_point(s, p, lines, first, last):
    """Return where, between steps, the energy of the envelope's window last rose to a share of its top."""
    count, at, top = p.envelope_steps, first, 0.0
    for k in range(first, last + 1):
        here = energy_along(s, lines, k - count + 1, k)
        if here > top:
            top, at = here, k
    bar = max(p.rise_share * top, p.rise_over_noise * noise_along(s, p, lines) * count)
    above = top
    for k in range(at - 1, first - 1, -1):
        here = energy_along(s, lines, k - count + 1, k)
        if here <= bar:
            return k + (bar - here) / (above - here) if above > bar else float(k)
        above = here
    return float(first)


@jit
def place_onset(s, p):
    """Find the sample of the onset, now that the event's first top has been seen, and gravity before it."""
    last = min(s.onset_step + p.top_steps, s.newest)
    first = max(s.search_from_step, s.onset_step - p.back_steps)
    lines = lines_of(s, s.onset_step, last)
    seen = energy_along(s, lines, s.onset_step, last) / (last + 1 - s.onset_step)
    before = max(noise_along(s, p, lines), seen / p.place_ratio)
    change = change_point(s, lines, first, last, before)
    whole = max(first, s.run_from + p.envelope_steps - 1)
    rise = rise_point(s, p, lines, min(whole, last), last)
    step = p.change_weight * change + (1.0 - p.change_weight) * rise
    s.onset = max(math.floor(step * p.samples_per_step + 0.5) - p.onset_lag_samples, 0)
    keep_gravity(s, p)


@jit
def keep_gravity(s, p):
    """Keep where gravity pointed in the 4 s before the onset."""
    quarter = s.onset // (p.quarter_steps * p.samples_per_step)
    if quarter < TILT_QUARTERS:
        s.before[0] = math.nan
    else:
        gravity_median(s, quarter - TILT_QUARTERS, s.before)
