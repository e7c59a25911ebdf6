"""How an event opens, goes on, splits and closes."""

from __future__ import annotations

import math

from numba import njit

from bedtick.logger.detector import layout as lay
from bedtick.logger.detector.kernel.gravity import complete_first, gravity_median
from bedtick.logger.detector.kernel.measure import dominant_hz, level, onset_step, step_energy
from bedtick.logger.detector.kernel.seconds import floor_square

MASK = lay.RING_STEPS - 1  # the ring's length is a power of two
TILT_QUARTERS, MOST_PENDING = lay.TILT_QUARTERS, lay.MOST_PENDING
SUM_SQUARES, PEAK_SQUARE, ENVELOPE = lay.SUM_SQUARES, lay.PEAK_SQUARE, lay.ENVELOPE


@njit(nogil=True)
def count_up_to(s, ring, last):
    """Add the steps up to `last` to the open event's peak and energy."""
    for k in range(s.counted_step, last + 1):
        row = ring[k & MASK]
        s.peak_square = max(s.peak_square, row[PEAK_SQUARE])
        s.sum_squares += row[SUM_SQUARES]
        s.top = max(s.top, row[ENVELOPE])
    s.counted_step = last + 1


@njit(nogil=True)
def open_event(s, ring, inverse, first):
    """Open an event at this step; its onset, not before step `first`, is sought when more of it is seen."""
    s.is_open = 1
    s.number += 1
    s.floor_square = floor_square(inverse)
    s.opened_step = s.onset_step = s.last_above_step = s.step
    s.search_from_step = first
    s.onset_known = 0
    s.peak_square = s.sum_squares = s.top = 0.0
    s.dominant_hz = math.nan
    s.predicted = s.high = s.trough = ring[s.step & MASK, ENVELOPE]
    s.trough_step = s.step


@njit(nogil=True)
def settle_onset(s, p, ring, inverse, quarters, scratch, last, after):
    """Find the onset, now that what follows it, up to step `last`, stands clear of heartbeats and noise."""
    s.onset_known = 1
    # Heartbeats are part of what was there before, so the second before the search says what that was.
    first = max(s.search_from_step - p.before_steps, s.closed_step + 1, last - s.run_steps + 1)
    before = 0.0
    for k in range(first, s.search_from_step):
        before += step_energy(ring, k, inverse)
    before = max(before / p.before_steps, 3.0 * p.samples_per_step)
    s.onset_step = onset_step(ring, s.search_from_step, last, inverse, before)
    s.counted_step = s.last_above_step = s.onset_step
    for k in range(s.onset_step, last + 1):
        if ring[k & MASK, ENVELOPE] >= s.low:
            s.last_above_step = k
    s.onset = max(s.onset_step * p.samples_per_step - p.lag_samples, 0)
    quarter = s.onset // (p.quarter_steps * p.samples_per_step)
    if quarter < TILT_QUARTERS:
        after[0] = math.nan
    else:
        gravity_median(quarters, quarter - TILT_QUARTERS, scratch, after)
    s.before_x, s.before_y, s.before_z = after[0], after[1], after[2]


@njit(nogil=True)
def close_event(s, p, ring, inverse, quarters, pending, tilts, events, scratch, after):
    """Close the open event at its last step above the low threshold: its row, and its wait for the tilt."""
    if s.onset_known == 0:
        # Only a gap or the recording's end comes so soon: the step that is under way is not in the ring yet.
        settle_onset(s, p, ring, inverse, quarters, scratch, s.step - 1, after)
    last = s.last_above_step
    count_up_to(s, ring, last)
    if math.isnan(s.dominant_hz):
        latest = min(last, s.onset_step + p.spectrum_steps)
        s.dominant_hz = dominant_hz(ring, s.onset_step, latest, p.step_hz)
    row = events[s.events_out]
    s.events_out += 1
    row.number = s.number
    row.onset = s.onset
    end = (last + 1) * p.samples_per_step - p.envelope_lag_samples
    row.end = max(end, row.onset + p.samples_per_step)
    row.peak_square = s.peak_square
    row.mean_square = s.sum_squares / ((last + 1 - s.onset_step) * p.samples_per_step)
    row.floor_square, row.dominant_hz = s.floor_square, s.dominant_hz
    row.top_to_low = max(s.top / s.low, 1.0)
    s.is_open, s.closed_step = 0, last
    if s.pending_count == MOST_PENDING:
        after[0] = math.nan
        complete_first(s, pending, tilts, after)
    waiting = pending[s.pending_count]
    s.pending_count += 1
    waiting.number = s.number
    waiting.first_quarter = -(-row.end // (p.quarter_steps * p.samples_per_step))
    waiting.before_x, waiting.before_y, waiting.before_z = s.before_x, s.before_y, s.before_z


@njit(nogil=True)
def rises_again(s, p, envelope, jerk):
    """Follow the levels up and down; True where the envelope stands 6 dB above what the ring-down leaves.

    The ring-down starts from the last high, which a fall of 3 dB gives away. A bed may ring for longer
    than predicted and noise may sway the envelope: so it must also rise above the lowest level of the
    jerk window since then, and above the low threshold.
    """
    s.predicted *= p.ring_decay
    s.high = max(s.high, envelope)
    is_first_rise = s.step - s.onset_step < p.refractory_steps and envelope >= s.predicted
    if is_first_rise or envelope < 0.5 * s.high:
        s.predicted = max(s.predicted, s.high)
        s.high = envelope
        s.trough = jerk
        s.trough_step = s.step
    elif jerk < s.trough:
        s.trough = jerk
        s.trough_step = s.step
    return envelope > p.split_ratio * max(s.predicted, s.trough, s.low)


@njit(nogil=True)
def follow_event(s, p, ring, envelope, jerk, is_jerk):
    """Take one more step into the open event; True where a new jerk rises out of its ring-down."""
    if envelope >= s.low:
        s.last_above_step = s.step
    if s.onset_known == 1 and s.step - s.counted_step >= ring.shape[0] // 2:
        count_up_to(s, ring, s.step - ring.shape[0] // 4)
    if math.isnan(s.dominant_hz) and s.step - s.onset_step >= p.spectrum_steps:
        s.dominant_hz = dominant_hz(ring, s.onset_step, s.onset_step + p.spectrum_steps, p.step_hz)
    return rises_again(s, p, envelope, jerk) and is_jerk and s.step - s.onset_step >= p.refractory_steps


@njit(nogil=True)
def judge_step(s, p, ring, inverse, quarters, pending, events, tilts, scratch, after):
    """Decide at the end of a whole step: levels, opening, splitting, closing."""
    row = ring[s.step & MASK]
    envelope = level(ring, s.step, p.envelope_steps, inverse) if s.run_steps >= p.envelope_steps else 0.0
    jerk = level(ring, s.step, p.jerk_steps, inverse) if s.run_steps >= p.jerk_steps else 0.0
    if s.step % p.long_every == 0:
        s.long_level = level(ring, s.step, p.long_steps, inverse) if s.run_steps >= p.long_steps else 0.0
    row[ENVELOPE] = envelope
    s.second_jerk = max(s.second_jerk, jerk)
    s.second_long = max(s.second_long, s.long_level)
    s.second_envelope = max(s.second_envelope, envelope)
    # The floor may rise under an event, as where a hum sets in: the event must still end.
    s.low = p.low_ratio * s.floor_envelope
    is_jerk = s.history_count > 0 and jerk >= p.high_ratio * s.caution * s.floor_jerk
    if s.is_open == 1:
        if follow_event(s, p, ring, envelope, jerk, is_jerk):
            s.last_above_step = min(s.last_above_step, s.trough_step)
            close_event(s, p, ring, inverse, quarters, pending, tilts, events, scratch, after)
            open_event(s, ring, inverse, s.trough_step + 1)
        elif s.onset_known == 0 and s.step - s.opened_step >= p.onset_steps:
            settle_onset(s, p, ring, inverse, quarters, scratch, s.step, after)
        elif s.step - s.last_above_step >= p.quiet_steps:
            close_event(s, p, ring, inverse, quarters, pending, tilts, events, scratch, after)
    elif s.history_count > 0 and s.index >= s.settled_from:
        # The long window forgets the event before it slowly: until it has, it can not open another.
        is_clear = s.step - s.closed_step > p.long_steps
        is_long = is_clear and s.long_level >= p.long_ratio * s.caution * s.floor_long
        if is_jerk or is_long:
            window = p.jerk_steps if is_jerk else p.long_steps
            reach = min(window + p.search_steps, s.run_steps - 1)
            first = max(s.step - reach, s.closed_step + 1)
            open_event(s, ring, inverse, first)
