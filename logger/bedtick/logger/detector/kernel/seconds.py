"""The noise floor, and what each second was good for."""

from __future__ import annotations

import math

from numba import njit

from bedtick.logger.detector import layout as lay
from bedtick.logger.detector.kernel.gravity import sort_in_place
from bedtick.logger.detector.kernel.measure import level

OK, GAP, SATURATED, SETTLING, FLOOR = lay.OK, lay.GAP, lay.SATURATED, lay.SETTLING, lay.FLOOR
MASK = lay.RING_STEPS - 1  # the ring's length is a power of two
ENVELOPE = lay.ENVELOPE


@njit(nogil=True)
def update_floor(s, p, history, inverse, scratch):
    """Take the floors and each axis's noise anew from the history of seconds."""
    n = min(s.history_count, history.shape[0])
    if n == 0:
        return
    # A history that is still short is read nearer its median: its lowest fifth would be luck.
    quantile = 0.5 + (p.floor_quantile - 0.5) * n / history.shape[0]
    s.sight = 0.0
    position = quantile * (n - 1)
    index = int(position)
    part = position - index
    for column in range(6):
        for k in range(n):
            scratch[k] = history[k, column]
        sort_in_place(scratch, n)
        value = scratch[index]
        if part > 0.0:
            value += part * (scratch[index + 1] - value)
        # Whitened noise has a level of 1 a sample; less is a stuck sensor: nothing may pass for a jerk.
        if column == 0:
            s.floor_jerk = max(value, p.samples_per_step)
        elif column == 1:
            s.floor_long = max(value, p.samples_per_step)
        elif column == 2:
            s.floor_envelope = max(value, p.samples_per_step)
        else:
            inverse[column - 3] = 1.0 / math.sqrt(max(value, p.least_noise))
            s.sight += inverse[column - 3] ** 2 / 3.0 if value > 0.0 else 0.0
    s.caution = 1.0 + 1.5 / n


@njit(nogil=True)
def floor_square(inverse):
    """Mean square of the noise in the band, summed over the axes, counts^2."""
    return 1.0 / inverse[0] ** 2 + 1.0 / inverse[1] ** 2 + 1.0 / inverse[2] ** 2


@njit(nogil=True)
def weakest_counts(s, p):
    """Smallest peak, in counts, to reach the high threshold, averaged over directions; infinite if blind."""
    if s.sight == 0.0:
        return math.inf
    return math.sqrt(p.high_ratio * s.caution * s.floor_jerk / (p.peak_to_level * s.sight))


@njit(nogil=True)
def reason_of_second(s, p, weakest):
    """Why this second is not valid, the first that fits, or OK."""
    if s.second_lost > 0:
        return GAP
    if s.second_clipped > 0:
        return SATURATED
    if s.second_start < s.settled_from or s.history_count == 0:
        return SETTLING
    if weakest > p.weakest_limit:
        return FLOOR
    return OK


@njit(nogil=True)
def whiten_first_second(s, p, ring, inverse):
    """Take each axis's noise from the first second, and all levels anew: they were not whitened yet."""
    inverse[0] = 1.0 / math.sqrt(max(s.second_xx / s.second_arrived, p.least_noise))
    inverse[1] = 1.0 / math.sqrt(max(s.second_yy / s.second_arrived, p.least_noise))
    inverse[2] = 1.0 / math.sqrt(max(s.second_zz / s.second_arrived, p.least_noise))
    s.second_jerk = s.second_long = s.second_envelope = 0.0
    first_of_second = s.second_start // p.samples_per_step
    for k in range(s.step - min(s.run_steps, ring.shape[0] // 2), s.step):
        run = s.run_steps - (s.step - 1 - k)
        envelope = level(ring, k, p.envelope_steps, inverse) if run >= p.envelope_steps else 0.0
        ring[k & MASK, ENVELOPE] = envelope
        s.long_level = level(ring, k, p.long_steps, inverse) if run >= p.long_steps else 0.0
        if k >= first_of_second:
            s.second_envelope = max(s.second_envelope, envelope)
            s.second_long = max(s.second_long, s.long_level)
            if run >= p.jerk_steps:
                s.second_jerk = max(s.second_jerk, level(ring, k, p.jerk_steps, inverse))


@njit(nogil=True)
def remember_second(s, p, ring, history, inverse, scratch):
    """Give a second's levels a place in the history, and take the floor for the next second."""
    if s.history_count == 0:
        whiten_first_second(s, p, ring, inverse)
    slot = s.history_count % history.shape[0]
    history[slot, 0] = s.second_jerk
    history[slot, 1] = s.second_long
    history[slot, 2] = s.second_envelope
    history[slot, 3] = s.second_xx / s.second_arrived
    history[slot, 4] = s.second_yy / s.second_arrived
    history[slot, 5] = s.second_zz / s.second_arrived
    s.history_count += 1
    update_floor(s, p, history, inverse, scratch)


@njit(nogil=True)
def start_second(s, p):
    """Begin the next second; seconds are cut at whole multiples of the rate, rounded up."""
    s.second += 1
    s.second_start = s.second_end
    s.second_end = int(math.ceil((s.second + 1) * p.rate_hz))
    s.second_arrived = s.second_lost = s.second_clipped = 0
    s.second_sum_squares = s.second_jerk = s.second_long = s.second_envelope = 0.0
    s.second_xx = s.second_yy = s.second_zz = 0.0


@njit(nogil=True)
def finish_second(s, p, ring, history, inverse, scratch, seconds):
    """Close a second: its row, its place in the history, and the floor for the next."""
    row = seconds[s.seconds_out]
    s.seconds_out += 1
    row.weakest = row.floor_square = math.nan
    if s.history_count > 0:
        row.weakest = weakest_counts(s, p)
        row.floor_square = floor_square(inverse)
    row.second, row.start, row.end = s.second, s.second_start, s.index
    row.arrived, row.sum_squares = s.second_arrived, s.second_sum_squares
    row.reason = reason_of_second(s, p, row.weakest)
    # Soon after a gap the long window has no level yet, and a 0 would pull the floor down.
    has_levels = s.run_steps > p.long_steps + p.long_every
    if s.second_lost == 0 and s.second_clipped == 0 and has_levels:
        remember_second(s, p, ring, history, inverse, scratch)
    start_second(s, p)
