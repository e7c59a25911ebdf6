"""The sub-bursts of an event, and whether they follow each other in a train."""

from __future__ import annotations

import math

from bedtick.logger.detector.kernel.jit import jit

LEAST_OF_TOP = 1.0 / 16.0  # a sub-burst reaches at least this share of the largest envelope: 12 dB below
LEAST_IN_TRAIN = 4  # sub-bursts, as in hypnagogic foot tremor and alternating leg movements
TRAIN_LOW_HZ, TRAIN_HIGH_HZ = 0.3, 4.0
EVENNESS = 0.35  # standard deviation of the intervals over their mean, at the most


@jit
def begin_bursts(s, envelope):
    """Begin with the burst that opened the event."""
    s.sub_bursts = s.in_burst = 1
    s.burst_level = s.burst_top = envelope
    s.burst_step = s.summit_step = s.step
    s.lull_steps = 0
    s.train_sum = s.train_squares = 0.0


@jit
def follow_bursts(s, envelope):
    """Follow the envelope: a sub-burst ends where it falls by 3 dB and begins where it rises by as much."""
    s.burst_top = max(s.burst_top, envelope)
    if s.in_burst == 1:
        if envelope > s.burst_level:
            s.burst_level = envelope
            s.summit_step = s.step
        if envelope < 0.5 * s.burst_level:
            s.in_burst = 0
            s.burst_level = envelope
        return
    s.burst_level = min(s.burst_level, envelope)
    if envelope > max(2.0 * s.burst_level, LEAST_OF_TOP * s.burst_top, s.low):
        interval = s.step - s.burst_step
        s.train_sum += interval
        s.train_squares += interval * interval
        s.burst_step = s.step
        s.lull_steps = s.step - s.summit_step
        s.summit_step = s.step
        s.burst_level = envelope
        s.in_burst = 1
        s.sub_bursts += 1


@jit
def train_hz(s, p):
    """Rate of the sub-bursts where at least four come evenly, 0.3 to 4 a second; else NaN."""
    if s.sub_bursts < LEAST_IN_TRAIN:
        return math.nan
    mean = s.train_sum / (s.sub_bursts - 1)
    spread = math.sqrt(max(s.train_squares / (s.sub_bursts - 1) - mean * mean, 0.0))
    rate = p.step_hz / mean
    is_train = TRAIN_LOW_HZ <= rate <= TRAIN_HIGH_HZ and spread <= EVENNESS * mean
    return rate if is_train else math.nan
