"""Where an event began: the likeliest change of energy before it was noticed."""

from __future__ import annotations

import math

from bedtick.logger.detector import layout as lay
from bedtick.logger.detector.kernel.gravity import gravity_median
from bedtick.logger.detector.kernel.jit import jit
from bedtick.logger.detector.kernel.measure import energy, level, onset_step

MASK = lay.RING_STEPS - 1  # the ring's length is a power of two
TILT_QUARTERS, TRACE = lay.TILT_QUARTERS, lay.TRACE


@jit
def settle_onset(s, p, last):
    """Find the onset, now that what follows it, up to step `last`, stands clear of heartbeats and noise."""
    s.onset_known = 1
    # Heartbeats are part of what was there before, so the second before the search says what that was.
    first = max(s.search_from_step - p.before_steps, s.closed_step + 1, s.run_from)
    before = energy(s, first, s.search_from_step - 1) if first < s.search_from_step else 0.0
    before = max(before / p.before_steps, 3.0)
    # A quiet sensor shows a strong jerk's first stirring, a noisy one does not: their onsets shall agree.
    seen = energy(s, s.search_from_step, last) / (last + 1 - s.search_from_step)
    s.onset_step = onset_step(s, s.search_from_step, last, max(before, seen / p.onset_ratio))
    s.emergence = energy(s, s.onset_step, last) / (last + 1 - s.onset_step) / before
    s.counted_step = s.last_above_step = s.onset_step
    for k in range(s.onset_step, last + 1):
        envelope = level(s, k, p.envelope_steps)
        s.ring[k & MASK, TRACE] = envelope
        if envelope >= s.low:
            s.last_above_step = k
    s.onset = max(s.onset_step * p.samples_per_step - p.lag_samples, 0)
    quarter = s.onset // (p.quarter_steps * p.samples_per_step)
    if quarter < TILT_QUARTERS:
        s.before[0] = math.nan
    else:
        gravity_median(s, quarter - TILT_QUARTERS, s.before)
