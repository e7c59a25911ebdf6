"""What each second was good for, and the minutes that seconds add up to."""

from __future__ import annotations

import math

from bedtick.logger.detector import layout as lay
from bedtick.logger.detector.kernel.jit import jit
from bedtick.logger.detector.kernel.measure import tone_share

OK, GAP, SATURATED, SETTLING, HUM, FLOOR = lay.OK, lay.GAP, lay.SATURATED, lay.SETTLING, lay.HUM, lay.FLOOR
REASON_COUNT = len(lay.REASONS)


@jit
def floor_square(s):
    """Mean square of the noise in the band, summed over the axes, counts^2."""
    return 1.0 / s.inverse[0] ** 2 + 1.0 / s.inverse[1] ** 2 + 1.0 / s.inverse[2] ** 2


@jit
def weakest_counts(s, p):
    """Smallest peak, in counts, that makes an event, averaged over directions; infinite if blind."""
    if s.sight == 0.0:
        return math.inf
    return max(math.sqrt(s.bar / (p.peak_to_level * s.sight)), p.least_peak + math.sqrt(floor_square(s)))


@jit
def reason_of_second(s, p, weakest):
    """Why this second is not valid, the first that fits, or OK."""
    if s.second_lost > 0:
        return GAP
    if s.second_clipped > 0:
        return SATURATED
    if s.second_start < s.settled_from or s.history_count == 0:
        return SETTLING
    if weakest <= p.weakest_limit:
        return OK
    seen = max(min(s.newest + 1 - s.run_from, p.spectrum_steps), 0)
    return HUM if tone_share(s, p, s.newest - seen + 1, s.newest) >= 0.5 else FLOOR


@jit
def start_second(s, p):
    """Begin the next second; seconds are cut at whole multiples of the rate, rounded up."""
    s.second += 1
    s.second_start = s.second_end
    s.second_end = int(math.ceil((s.second + 1) * p.rate_hz))
    s.second_arrived = s.second_lost = s.second_clipped = s.second_steps = 0
    s.second_sum_squares = 0.0


@jit
def finish_minute(s):
    """Give the minute's row, unless it is empty, and begin the next."""
    covered = 0
    for k in range(REASON_COUNT):
        covered += s.minute.seconds[k]
    if covered == 0:
        return
    row, minute = s.minutes[s.minutes_out], s.minute
    s.minutes_out += 1
    row.minute = minute.minute
    row.steps, row.sum_squares = minute.steps, minute.sum_squares
    row.known, row.sum_floor, row.sum_weakest = minute.known, minute.sum_floor, minute.sum_weakest
    for k in range(REASON_COUNT):
        row.seconds[k] = minute.seconds[k]
        minute.seconds[k] = 0
    minute.minute += 1
    minute.steps = minute.known = 0
    minute.sum_squares = minute.sum_floor = minute.sum_weakest = 0.0


@jit
def finish_second(s, p):
    """Close a second: its part of the minute; the last of a minute closes that too."""
    weakest = math.inf
    if s.history_count > 0:
        weakest = weakest_counts(s, p)
    minute = s.minute
    if weakest < math.inf:  # not before a floor is known, nor where all axes are dead
        minute.known += 1
        minute.sum_floor += math.sqrt(floor_square(s))
        minute.sum_weakest += weakest
    minute.seconds[reason_of_second(s, p, weakest)] += s.index - s.second_start
    minute.steps += s.second_steps
    minute.sum_squares += s.second_sum_squares
    start_second(s, p)
    if s.second % 60 == 0:
        finish_minute(s)
