"""The arrays that the detector's kernel works on: their shapes, fields and units.

All levels are energies: squares of counts, whitened where the kernel says so. All positions named
`*_step` count steps (about 10 ms) and all others samples, both from the recording's start. The
fields are read by name, compiled or not, since their dtype is `numpy.record`.
"""

from __future__ import annotations

import numpy as np

RING_STEPS = 1024  # steps kept: about 10 s at 400 Hz
RING_QUARTERS = 64  # gravity means kept: 16 s
TILT_QUARTERS = 16  # of a quarter second each: the 4 s before and after an event
MOST_PENDING = 32  # events that wait for their tilt: one each 0.5 s for over 4 s
MOST_EVENTS = 512  # rows of events (and of tilts) that one call can give
MOST_SECONDS = 128  # rows of seconds that one call can give

# Columns of the ring of steps.
PRODUCTS = 0  # xx yy zz xy xz yz of the band, summed over the step, counts^2
MOTION = 6  # mean of motion, 3 axes, counts
SUM_SQUARES = 9  # squared norm of motion, summed over the step, counts^2
PEAK_SQUARE = 10  # largest squared norm of motion, counts^2
ENVELOPE = 11  # level of the envelope window at the step's end, whitened
STEP_COLUMNS = 12

# Columns of the history of seconds: three levels (jerk, long, envelope), then each axis's mean square.
HISTORY_COLUMNS = 6

# Why a second is not valid, the first that fits; the names are in `REASONS`.
OK, GAP, SATURATED, SETTLING, FLOOR = range(5)
REASONS = ("valid", "gap", "saturated", "settling", "floor")

_F, _I = np.float64, np.int64


def _record(**fields: type) -> np.dtype[np.void]:
    return np.dtype((np.record, list(fields.items())))


PARAMETERS = _record(
    rate_hz=_F,
    step_hz=_F,
    samples_per_step=_I,
    jerk_steps=_I,
    envelope_steps=_I,
    long_steps=_I,
    long_every=_I,
    quarter_steps=_I,
    quiet_steps=_I,
    refractory_steps=_I,
    spectrum_steps=_I,
    search_steps=_I,
    before_steps=_I,  # before the search: what the energy was
    onset_steps=_I,  # seen of an event before its onset is sought
    lag_samples=_I,  # by how much the band-pass holds an onset up
    envelope_lag_samples=_I,  # the same for an end: and half the envelope's window
    settle_samples=_I,
    blind_samples=_I,
    long_gap_samples=_I,
    high_ratio=_F,
    long_ratio=_F,
    low_ratio=_F,
    split_ratio=_F,
    ring_decay=_F,  # of the energy of a ring-down, per step
    floor_quantile=_F,
    least_noise=_F,  # counts^2: what rounding alone leaves in the band
    full_scale=_F,
    peak_to_level=_F,
    weakest_limit=_F,  # counts
)

STATE = _record(
    index=_I,  # samples seen, missing ones included
    missing=_I,  # missing samples just before this one
    restarted=_I,  # 0 until the first sample has come
    offset_x=_F,  # first value after a start or a gap, counts
    offset_y=_F,
    offset_z=_F,
    settled_from=_I,  # no event and no valid second before this sample
    blind_until=_I,  # no window reaches to before this sample
    step=_I,
    step_left=_I,  # samples until this step is full
    step_arrived=_I,
    run_steps=_I,  # whole steps since the last gap, once the filters have settled
    long_level=_F,
    quarter=_I,
    quarter_left=_I,
    quarter_whole=_I,
    quarter_x=_F,
    quarter_y=_F,
    quarter_z=_F,
    second=_I,
    second_start=_I,
    second_end=_I,
    second_arrived=_I,
    second_lost=_I,
    second_clipped=_I,
    second_sum_squares=_F,
    second_jerk=_F,
    second_long=_F,
    second_envelope=_F,
    second_xx=_F,
    second_yy=_F,
    second_zz=_F,
    history_count=_I,
    caution=_F,  # factor on the thresholds while the floor is known from few seconds
    floor_jerk=_F,
    floor_long=_F,
    floor_envelope=_F,
    sight=_F,  # mean over the axes of 1 / noise, a dead axis adding nothing; 1 / counts^2
    is_open=_I,
    opened_step=_I,
    search_from_step=_I,  # its onset is not before this
    onset_known=_I,
    number=_I,  # events opened so far
    onset_step=_I,
    onset=_I,  # the sample, less the delay of the filters
    last_above_step=_I,
    closed_step=_I,  # last step of the event before this one
    low=_F,  # low threshold now
    top=_F,  # its largest envelope
    floor_square=_F,  # noise floor when it opened, counts^2
    predicted=_F,  # ring-down that its last peak left behind
    high=_F,  # its largest envelope since it last fell by 3 dB
    trough=_F,  # the jerk window's smallest level since then
    trough_step=_I,
    counted_step=_I,  # up to here its peak and energy are summed up
    peak_square=_F,
    sum_squares=_F,
    dominant_hz=_F,
    before_x=_F,
    before_y=_F,
    before_z=_F,
    pending_count=_I,
    events_out=_I,
    tilts_out=_I,
    seconds_out=_I,
)

EVENT_ROW = _record(
    number=_I,
    onset=_I,
    end=_I,
    peak_square=_F,
    mean_square=_F,
    floor_square=_F,
    dominant_hz=_F,
    top_to_low=_F,
)

TILT_ROW = _record(number=_I, tilt_deg=_F)

PENDING_ROW = _record(number=_I, first_quarter=_I, before_x=_F, before_y=_F, before_z=_F)

SECOND_ROW = _record(
    second=_I, start=_I, end=_I, arrived=_I, reason=_I, sum_squares=_F, weakest=_F, floor_square=_F
)
