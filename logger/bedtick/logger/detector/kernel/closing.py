"""How an event ends: its row, its wait for the tilt, or nothing where it was none."""

from __future__ import annotations

import math

from bedtick.logger.detector import layout as lay
from bedtick.logger.detector.kernel.bursts import train_hz
from bedtick.logger.detector.kernel.eigenvalue import largest_eigenvalue
from bedtick.logger.detector.kernel.gravity import complete_first
from bedtick.logger.detector.kernel.jit import jit
from bedtick.logger.detector.kernel.lanes import load, total
from bedtick.logger.detector.kernel.measure import dominant, peak_square
from bedtick.logger.detector.kernel.onset import place_onset, settle_onset

MASK = lay.RING_STEPS - 1  # the ring's length is a power of two
SQUARES, PRODUCTS, SQUARE = lay.SQUARES, lay.PRODUCTS, lay.SQUARE
MOST_PENDING, TRACE = lay.MOST_PENDING, lay.TRACE
SWAYING_BURSTS = 4  # sub-bursts from which on an event sways


@jit
def count_up_to(s, last):
    """Add the steps up to `last` to the open event's peak and energies."""
    if last < s.counted_step:
        return
    for k in range(s.counted_step, last + 1):
        s.peak_square = max(s.peak_square, peak_square(s, k))
        s.sum_squares += s.ring[k & MASK, SQUARE]
        s.top = max(s.top, s.ring[k & MASK, TRACE])
    late, early = s.ring[last & MASK], s.ring[(s.counted_step - 1) & MASK]
    for column in range(TRACE):
        s.products[column] += late[column] - early[column]
    s.counted_step = last + 1


@jit
def write_event(s, p, row):
    """Fill the row of the event that is being closed."""
    last = s.last_above_step
    row.number, row.onset = s.number, s.onset
    end = (last + 1) * p.samples_per_step - p.envelope_lag_samples
    row.end = max(end, row.onset + p.samples_per_step)
    row.peak_square = s.peak_square
    row.mean_square = s.sum_squares / (last + 1 - s.onset_step)
    row.floor_square, row.dominant_hz = s.floor_square, s.dominant_hz
    row.top_to_low = max(s.top / s.low, 1.0)
    row.sub_bursts, row.train_hz = s.sub_bursts, train_hz(s, p)
    squares, products = load(s.products, SQUARES), load(s.products, PRODUCTS)
    row.direction_ratio = math.nan
    if total(squares) > 0.0:
        row.direction_ratio = largest_eigenvalue(squares, products) / total(squares)


@jit
def await_tilt(s, p, end):
    """Let the event that ended at sample `end` wait for the gravity of the 4 s after it."""
    if s.pending_count == MOST_PENDING:
        s.scratch[1, 0] = math.nan
        complete_first(s, s.scratch[1])
    waiting = s.pending[s.pending_count]
    s.pending_count += 1
    waiting.number = s.number
    waiting.first_quarter = -(-end // (p.quarter_steps * p.samples_per_step))
    waiting.before[:] = s.before


@jit
def is_too_weak(s, p):
    """Whether the event is no stronger than footsteps and heartbeats, than a truck, or than a hum."""
    least = p.least_peak + math.sqrt(s.floor_square)
    # A truck sways, and no bed rings as fast as a hum: those must stand higher.
    if s.sub_bursts >= SWAYING_BURSTS or s.dominant_hz > p.hum_hz:
        least *= p.sway_margin
    return s.peak_square < least * least


@jit
def drop_event(s):
    """Forget the open event: it was none."""
    s.is_open, s.closed_step = 0, s.step


@jit
def close_event(s, p):
    """Close the open event at its last step above the low threshold: its row, and its wait for the tilt."""
    if s.onset_known == 0:
        # Only a gap or the recording's end comes so soon.
        settle_onset(s, p, s.newest)
    last = s.last_above_step
    count_up_to(s, last)
    if math.isnan(s.dominant_hz):
        s.dominant_hz = dominant(s, p, s.onset_step, min(last, s.onset_step + p.spectrum_steps))[0]
        place_onset(s, p)
    s.is_open, s.closed_step = 0, last
    if is_too_weak(s, p):
        return
    row = s.events[s.events_out]
    s.events_out += 1
    s.number += 1
    write_event(s, p, row)
    await_tilt(s, p, row.end)
