"""The two records that the detector's kernel works on: their fields, shapes and units.

`PARAMETERS` is what was set, `STATE` all that is remembered, arrays included: a detector is one record,
which the kernel reads by name, compiled or not, since its dtype is `numpy.record`. Levels and energies
are squares of counts, divided by each axis's noise where a name says so. Positions named `*_step` count
steps (about 10 ms), all others samples, both from the recording's start.
"""

from __future__ import annotations

import numpy as np

RING_STEPS = 1024  # steps kept, a power of two: about 10 s
MOST_PER_STEP = 128  # samples in a step: those of 12.8 kHz
RING_QUARTERS = 64  # gravity means kept: 16 s
TILT_QUARTERS = 16  # of a quarter second each: the 4 s before and after an event
MOST_HISTORY = 80  # windows from which a floor is taken, at the most
MOST_PENDING = 32  # events that wait for their tilt: one each 0.5 s for over 4 s
MOST_EVENTS = 512  # rows of events (and of tilts) that one call can give
MOST_MINUTES = 64  # rows of minutes that one call can give

# Columns of the ring of steps: lanes of four, so that the kernel writes three axes at once.
SQUARES, PRODUCTS = 0, 4  # xx yy zz, and xy xz yz, of the band, summed from the start to this step, counts^2
TRACE = 7  # level of the envelope window, whitened; kept while an event is open
MOTION = 8  # motion, 3 axes, counts
SQUARE = 11  # squared norm of motion, counts^2
STEP_COLUMNS = 12

# Columns of the history of calm windows: their largest levels, then each axis's mean square.
JERK, LONG, ENVELOPE, NOISE = 0, 1, 2, 3
HISTORY_COLUMNS = 6


# Why a second is not valid, the first that fits; the names are in `REASONS`.
OK, GAP, SATURATED, SETTLING, HUM, FLOOR = range(6)
REASONS = ("valid", "gap", "saturated", "settling", "hum", "floor")

_F, _I = np.float64, np.int64


def _record(**fields: object) -> np.dtype[np.void]:
    """Return a record dtype; a field is a type, or a type and a shape."""
    parts = [(name, *(kind if isinstance(kind, tuple) else (kind,))) for name, kind in fields.items()]
    return np.dtype((np.record, parts))


PARAMETERS = _record(
    poles=(_F, (4, 2)),  # a1 a2 of the biquads, at the rate of steps
    gains=(_F, 2),  # of the two sections of motion, the triangle's included, and of the two of the band
    rate_hz=_F,
    step_hz=_F,
    samples_per_step=_I,
    jerk_steps=_I,
    envelope_steps=_I,
    long_steps=_I,
    look_every=_I,  # how often levels are looked at while no event is open; jerk and long take turns in calm
    quarter_steps=_I,
    quiet_steps=_I,
    refractory_steps=_I,
    least_lull=_I,  # no event is split where the bed rang for less
    spectrum_steps=_I,
    search_steps=_I,
    before_steps=_I,  # before the search: what the energy was
    onset_steps=_I,  # seen of an event before its onset is sought
    back_steps=_I,  # how far before its step an onset may be placed
    top_steps=_I,  # of an event, in which its first top lies
    onset_lag_samples=_I,  # by how much the band-pass holds an onset up, and how late it is placed itself
    envelope_lag_samples=_I,  # of an end: the band-pass, and half the envelope's window
    settle_samples=_I,
    blind_samples=_I,
    long_gap_samples=_I,
    high_ratio=_F,
    long_ratio=_F,
    usual_sway=_F,  # louder windows over the floor, in noise
    most_sway=_F,  # by which a floor that sways more may lift the thresholds
    rise_ratio=_F,
    long_rise=_F,
    short_share=_F,
    least_peak=_F,  # counts above the noise: nothing weaker is an event
    sway_margin=_F,  # by which an event that sways, or hums, must be stronger
    hum_hz=_F,
    steady_ratio=_F,
    emerge_ratio=_F,
    onset_ratio=_F,
    place_ratio=_F,
    change_weight=_F,  # of the likeliest change in the onset; the rest is the rise's
    rise_share=_F,  # of the energy of the first top: where an event has risen
    rise_over_noise=_F,  # where it has risen at the earliest
    steady_steps=_I,
    machine_square=_F,  # counts^2: what shakes harder is taken for a person
    low_ratio=_F,
    split_ratio=_F,
    ring_decay=_F,  # of the energy of a ring-down, per step
    calm_window=_I,  # steps
    calm_delay=_I,  # by which the calm window lags: an event that begins now is not in it
    floor_windows=_I,
    short_steps=_I,  # how far back the short floor looks
    large_steps=_I,  # what goes on for longer may be a machine: the floor learns it
    floor_quantile=_F,
    least_noise=_F,  # counts^2: what rounding alone leaves in the band
    full_scale=_I,
    peak_to_level=_F,
    weakest_limit=_F,  # counts
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
    sub_bursts=_I,
    direction_ratio=_F,
    train_hz=_F,
)

TILT_ROW = _record(number=_I, tilt_deg=_F)

PENDING_ROW = _record(number=_I, first_quarter=_I, before=(_F, 3))

MINUTE_ROW = _record(
    minute=_I,
    seconds=(_I, len(REASONS)),  # samples by what their second was good for
    steps=_I,
    sum_squares=_F,  # of motion, over the steps
    known=_I,  # seconds with a floor
    sum_floor=_F,  # rms noise of the band, counts, summed over those
    sum_weakest=_F,  # smallest peak to be found, counts, the same
)

STATE = _record(
    ring=(_F, (RING_STEPS, STEP_COLUMNS)),  # first: there its lanes lie as the processor likes them
    index=_I,  # samples seen, missing ones included
    missing=_I,  # missing samples just before this one
    restarted=_I,  # 0 until the first sample has come
    offset=(_F, 4),  # first value after a start or a gap, counts
    settled_from=_I,  # no event and no valid second before this sample
    blind_until=_I,  # no window reaches to before this sample
    step=_I,
    newest=_I,  # the last step that was whole
    part=(np.int32, (MOST_PER_STEP, 3)),  # samples of a step that is not whole yet
    part_arrived=_I,
    part_left=_I,  # samples until it is full
    plain_before=(_F, 4),  # sum of the samples of the step before
    rising_before=(_F, 4),  # sum of their running sums: its share in a triangle that rises
    delays=(_F, (8, 4)),  # what the biquads remember, two of each section: of each axis
    run_from=_I,  # no window reaches to before this step: a gap, or filters that have not settled
    quarter=_I,
    quarter_left=_I,
    quarter_whole=_I,
    quarter_sum=(_F, 4),
    quarters=(_F, (RING_QUARTERS, 3)),
    second=_I,
    second_start=_I,
    second_end=_I,
    second_arrived=_I,
    second_lost=_I,
    second_clipped=_I,
    second_steps=_I,
    second_sum_squares=_F,
    looks=_I,
    look_left=_I,  # steps until the next
    calm_steps=_I,  # steps of the calm window under way
    calm_levels=(_F, 3),  # its largest jerk, long and envelope level
    calm_products=(_F, 3),  # xx yy zz of the band
    history=(_F, (MOST_HISTORY, HISTORY_COLUMNS)),
    ordered=(_F, (HISTORY_COLUMNS, MOST_HISTORY)),  # the same, each column sorted
    history_step=(_I, MOST_HISTORY),  # where each window ended
    history_count=_I,
    bar=_F,  # high threshold: the jerk level that opens an event
    long_bar=_F,  # the same for the long level
    floors=(_F, 3),  # of the jerk, long and envelope level
    inverse=(_F, 3),  # 1 / noise of each axis, 1 / counts
    whitening=(_F, 8),  # products of those, as lanes: xx yy zz, and xy xz yz
    sight=_F,  # mean over the axes of 1 / noise, a dead axis adding nothing; 1 / counts^2
    minute=MINUTE_ROW,
    is_open=_I,
    opened_step=_I,
    search_from_step=_I,  # its onset is not before this
    onset_known=_I,
    emergence=_F,  # its energy over that of the second before
    number=_I,  # events so far
    onset_step=_I,
    onset=_I,  # the sample, less the delays; known when the dominant frequency is
    last_above_step=_I,
    closed_step=_I,  # last step of the event before this one
    low=_F,  # low threshold now
    top=_F,  # its largest envelope so far
    floor_square=_F,  # noise floor when it opened, counts^2
    predicted=_F,  # ring-down that its last peak left behind
    high=_F,  # its largest envelope since it last fell by 3 dB
    trough=_F,  # its smallest envelope since then
    trough_step=_I,
    crest=_F,  # largest envelope of its first burst
    lowest=_F,  # smallest envelope after that
    splits=_I,  # of events that followed each other without quiet
    counted_step=_I,  # up to here its peak and energy are summed up
    peak_square=_F,
    sum_squares=_F,
    products=(_F, 8),  # of the band, over the event, as lanes: xx yy zz, and xy xz yz
    dominant_hz=_F,
    sub_bursts=_I,
    in_burst=_I,
    burst_level=_F,  # largest envelope of this sub-burst, or smallest since the last
    summit_step=_I,  # where the last sub-burst was largest
    lull_steps=_I,  # from there to where this one rose
    burst_top=_F,  # largest envelope since the event opened
    burst_step=_I,  # where the last sub-burst rose
    train_sum=_F,  # of the intervals between sub-bursts, steps
    train_squares=_F,
    before=(_F, 3),  # gravity before it
    pending=(PENDING_ROW, (MOST_PENDING,)),
    pending_count=_I,
    scratch=(_F, (2, TILT_QUARTERS)),
    events=(EVENT_ROW, (MOST_EVENTS,)),
    tilts=(TILT_ROW, (MOST_EVENTS,)),
    minutes=(MINUTE_ROW, (MOST_MINUTES,)),
    events_out=_I,
    tilts_out=_I,
    minutes_out=_I,
)
