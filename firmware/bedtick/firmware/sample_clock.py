"""The sample clock: when each sample was taken, and how fast the chip's own oscillator really runs.

The chip counts samples by its own oscillator, which may be off by several percent and drifts with
temperature. The host reads, now and then, how many samples there have been. Each such pair (time on the
boot clock, count) is evidence for the phase, which grows by 1 with every sample: sample `i` is complete when
the phase reaches `i + 1`. A count of `c` says that the phase lies between `c` and `c + 1`, so `c + 0.5` is
what enters the fit.

The fit is a parabola of phase over time: phase, rate and drift of the rate at the newest pair. A straight
line will not do: while the rate drifts by 3 % in an hour, a line through a minute lies 12 samples beside
the newest pair. It is a least-squares fit whose evidence fades with a time constant of `MEMORY_S`, kept as
these three numbers and their covariance (recursive least squares: Young 2011, "Recursive Estimation and
Time-Series Analysis"), so that nothing grows over weeks. The nominal rate takes part as if measured with a
standard deviation of `NOMINAL_SPREAD`, and no drift with one of `DRIFT_SPREAD`: the first pair already
gives usable times, and after some seconds neither matters. Time without evidence fades little, so a pause
does not make the fit forget its rate; and drift is followed for `HORIZON_S` beyond the evidence only.

Not every pair is as good as the other:

* Nobody knows when within a read the count was taken. A read that took longer than the quick ones was
  interrupted, always before or always after. Its weight falls with the fourth power of the excess, once
  that is longer than a sample interval. The very first pair is taken whatever it is worth, so that every
  sample has a time; where it took long, the fit starts again at each one until one did not.
* A count further from the fit than `GATE_SIGMAS` standard deviations of its prediction (quantisation,
  recent residuals, and what is still unknown about the fit) is an outlier: a late time stamp, or samples
  lost that the caller has not yet counted.
* Once the rate has settled within `RATE_BAND` of nominal, a pair that would pull it out again is refused,
  also after a new start. A chip that never was within the band is followed wherever it is.

If everything has been refused for `RESTART_S`, the world has changed: the fit starts again at the newest
pair, with the rate it had.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

MEMORY_S = 60.0
MOST_FADE_S = 1.0  # one pair fades the older ones by no more than this much time
NOMINAL_SPREAD = 0.05  # relative
DRIFT_SPREAD = 3e-7  # relative, per second
MOST_DRIFT = 5e-5  # relative, per second: six times a drift of 3 % in an hour
HORIZON_S = 100.0
COUNT_VARIANCE = 1.0 / 12.0  # of a phase known only as "between c and c + 1", in samples squared
GATE_SIGMAS = 5.0
GATE_SLACK_SAMPLES = 1.0
RATE_BAND = 0.15  # relative
SETTLED_S = 10.0
RESTART_S = 10.0
QUICK_RISE = 1.003  # the time of a quick read: one read in fifty is quicker, since ...
QUICK_FALL = QUICK_RISE**49  # ... it falls with each of these by as much as it rises with all others
LEAST_WEIGHT = 1e-3  # of a read that is no evidence at all
GOOD_WEIGHT = 0.9  # of a first read that a fit can stand on: it took less than two sample intervals
NEWTON_STEPS = 3  # of the inverse: the parabola is nearly straight


@dataclass(frozen=True)
class Reading:
    """A count of samples, the middle of the read that told it on the boot clock, and how long that took."""

    sample_count: int
    boot_ns: int
    read_ns: int


class _Fit(NamedTuple):  # made anew many times a second: quicker than a dataclass
    """The parabola at one time: phase, rate and drift in samples and seconds, and their covariance."""

    phase: float
    rate: float
    drift: float
    c00: float
    c01: float
    c02: float
    c11: float
    c12: float
    c22: float

    def phase_at(self, after_s: float) -> float:
        within_s = _within_horizon(after_s)
        return self.phase + self.rate * after_s + self.used_drift * within_s * (after_s - within_s / 2)

    def rate_at(self, after_s: float) -> float:
        return self.rate + self.used_drift * _within_horizon(after_s)

    @property
    def used_drift(self) -> float:
        most = MOST_DRIFT * self.rate
        return min(max(self.drift, -most), most)

    def later(self, after_s: float, fade: float) -> "_Fit":
        """Return the same parabola seen from another time, with its evidence faded."""
        h = _within_horizon(after_s)
        g = h * (after_s - h / 2)
        s, c22 = after_s, self.c22
        c12 = self.c12 + h * c22
        c02 = self.c02 + s * self.c12 + g * c22
        c11 = self.c11 + h * (self.c12 + c12)
        c01 = self.c01 + s * self.c11 + g * self.c12 + h * c02
        c00 = self.c00 + s * (2 * self.c01 + s * self.c11) + g * (2 * (self.c02 + s * self.c12) + g * c22)
        more = 1.0 / fade
        return _Fit(
            self.phase_at(s), self.rate_at(s), self.drift,
            c00 * more, c01 * more, c02 * more, c11 * more, c12 * more, c22 * more,
        )  # fmt: skip

    def updated(self, residual: float, variance: float) -> "_Fit":
        """Return the fit after evidence that lies `residual` samples above it."""
        share = 1.0 / (self.c00 + variance)
        k0, k1, k2 = self.c00 * share, self.c01 * share, self.c02 * share
        return _Fit(
            self.phase + k0 * residual, self.rate + k1 * residual, self.drift + k2 * residual,
            self.c00 - k0 * self.c00, self.c01 - k0 * self.c01, self.c02 - k0 * self.c02,
            self.c11 - k1 * self.c01, self.c12 - k1 * self.c02, self.c22 - k2 * self.c02,
        )  # fmt: skip


class SampleClock:
    """Times for samples, from pairs of (sample count, boot time).

    Parameters
    ----------
    nominal_hz
        The rate that the chip was asked for; any positive number.

    Attributes
    ----------
    rejected
        How many pairs were no evidence.
    """

    def __init__(self, nominal_hz: float) -> None:
        if not (math.isfinite(nominal_hz) and nominal_hz > 0):
            raise ValueError(f"nominal rate {nominal_hz} Hz: must be a positive number")
        self.rejected = 0
        self._nominal_hz = nominal_hz
        self._fit: _Fit | None = None
        self._fit_ns = 0  # the time that the fit stands at
        self._began_ns = 0
        self._is_rough = True  # the fit stands on nothing, or on a read that took long
        self._weight = 0.0
        self._squares = 0.0
        self._settled = False
        self._quick_read_ns: float | None = None
        self._refused_since_ns: int | None = None

    def observe(self, sample_count: int, boot_ns: int, read_ns: int) -> None:
        """Learn that at `boot_ns` the chip had produced `sample_count` samples since its start.

        Parameters
        ----------
        sample_count
            Samples produced, lost ones included.
        boot_ns
            The middle of the read that told the count.
        read_ns
            How long that read took.
        """
        self._learn_read_time(read_ns)
        weight = self._weight_of(read_ns)
        if self._fit is None or (self._is_rough and weight >= LEAST_WEIGHT):
            self._restart(boot_ns, sample_count + 0.5)
            self._is_rough = weight < GOOD_WEIGHT
        elif weight < LEAST_WEIGHT:
            self.rejected += 1
        else:
            self._weigh(self._fit, sample_count + 0.5, boot_ns, weight)

    def time_ns(self, sample_index: int) -> int:
        """Return the boot time at which a sample, counted from 0, was complete.

        Raises ValueError before the first pair.
        """
        fit = self._known_fit()
        phase = sample_index + 1.0
        after_s = (phase - fit.phase) / fit.rate
        for _ in range(NEWTON_STEPS):
            after_s -= (fit.phase_at(after_s) - phase) / fit.rate_at(after_s)
        return self._fit_ns + round(after_s * 1e9)

    def index_at(self, boot_ns: int) -> float:
        """Return the sample index that was complete at a boot time: the inverse of `time_ns`.

        Raises ValueError before the first pair.
        """
        return self._known_fit().phase_at((boot_ns - self._fit_ns) * 1e-9) - 1.0

    def shortfall(self, readings: Sequence[Reading]) -> float:
        """Return by how many samples these counts fall short of the fit: what was lost before them.

        Parameters
        ----------
        readings
            At least one; counts that all lack the same samples, in no way part of the fit. A single one tells
            within half a sample, several at various fractions of a sample interval much better.
        """
        weights = [max(self._weight_of(one.read_ns), LEAST_WEIGHT) for one in readings]
        short = [self.index_at(one.boot_ns) + 0.5 - one.sample_count for one in readings]
        return math.fsum(w * s for w, s in zip(weights, short, strict=True)) / math.fsum(weights)

    @property
    def rate_hz(self) -> float:
        """The measured rate; the nominal one before there is any evidence."""
        return self._nominal_hz if self._fit is None else self._fit.rate

    @property
    def residual_ns(self) -> float:
        """Root mean square of what recent evidence differed from its prediction; NaN before any."""
        return math.nan if self._fit is None else math.sqrt(self._mean_square()) / self.rate_hz * 1e9

    def _known_fit(self) -> _Fit:
        if self._fit is None:
            raise ValueError("no sample count has been observed yet")
        return self._fit

    def _weigh(self, fit: _Fit, phase: float, boot_ns: int, weight: float) -> None:
        """Take one pair in, or refuse it."""
        after_s = (boot_ns - self._fit_ns) * 1e-9
        fade = math.exp(-min(max(after_s, 0.0), MOST_FADE_S) / MEMORY_S)
        predicted = fit.later(after_s, fade)
        residual = phase - predicted.phase
        updated = predicted.updated(residual, COUNT_VARIANCE / weight)
        in_band = abs(updated.rate / self._nominal_hz - 1.0) <= RATE_BAND
        if abs(residual) > self._gate(predicted, weight) or (self._settled and not in_band):
            self._refuse(boot_ns, phase)
            return
        self._fit, self._fit_ns = updated, boot_ns
        self._weight = self._weight * fade + weight
        self._squares = self._squares * fade + weight * residual * residual
        self._refused_since_ns = None
        self._settled = self._settled or (boot_ns - self._began_ns > SETTLED_S * 1e9 and in_band)

    def _gate(self, predicted: _Fit, weight: float) -> float:
        variance = max(COUNT_VARIANCE, self._mean_square())
        unknown = 1.0 / weight + predicted.c00 / COUNT_VARIANCE
        return GATE_SLACK_SAMPLES + GATE_SIGMAS * math.sqrt(variance * unknown)

    def _mean_square(self) -> float:
        return self._squares / self._weight

    def _refuse(self, boot_ns: int, phase: float) -> None:
        self.rejected += 1
        if self._refused_since_ns is None:
            self._refused_since_ns = boot_ns
        elif boot_ns - self._refused_since_ns >= RESTART_S * 1e9:
            self._restart(boot_ns, phase)

    def _restart(self, boot_ns: int, phase: float) -> None:
        rate = self.rate_hz
        spread, drift_spread = NOMINAL_SPREAD * rate, DRIFT_SPREAD * rate
        self._fit = _Fit(phase, rate, 0.0, COUNT_VARIANCE, 0.0, 0.0, spread**2, 0.0, drift_spread**2)
        self._fit_ns = self._began_ns = boot_ns
        self._is_rough = False
        self._weight, self._squares = 1.0, 0.0
        self._refused_since_ns = None

    def _learn_read_time(self, read_ns: int) -> None:
        quick_ns = self._quick_read_ns or max(float(read_ns), 1.0)
        self._quick_read_ns = max(quick_ns * QUICK_RISE if read_ns > quick_ns else quick_ns / QUICK_FALL, 1.0)

    def _weight_of(self, read_ns: int) -> float:
        excess = max(read_ns - (self._quick_read_ns or read_ns), 0.0) * self.rate_hz * 1e-9
        return 1.0 / (1.0 + excess * excess) ** 2


def _within_horizon(after_s: float) -> float:
    return min(max(after_s, -HORIZON_S), HORIZON_S)
