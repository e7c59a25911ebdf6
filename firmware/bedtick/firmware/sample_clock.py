"""The sample clock: when each sample was taken, and how fast the chip's own oscillator really runs.

The chip counts samples by its own oscillator, which may be off by several percent and drifts with
temperature. The host reads, now and then, how many samples there have been. Each such pair (time on the
boot clock, count) is evidence for a line phase = offset + rate * time, where sample `i` is complete when
the phase reaches `i + 1`. A count of `c` says that the phase lies between `c` and `c + 1`, so `c + 0.5` is
what enters the fit.

The line is a least-squares fit whose evidence fades with a time constant of `MEMORY_S`. It is kept as
weighted means and central moments (West 1979, "Updating mean and variance estimates"), so that nothing
grows over weeks. The nominal rate takes part as if measured once with a standard deviation of
`NOMINAL_SPREAD`: the first pair already gives usable times, and after some seconds the nominal rate no
longer matters. Time without evidence fades little, so a pause does not make the fit forget its rate.

Not every pair is evidence:

* A read that took clearly longer than usual was interrupted; nobody knows when within it the count was
  taken.
* A count further from the line than `GATE_SIGMAS` standard deviations of its prediction (quantisation,
  recent residuals, and what is still unknown about the line) is an outlier: a late time stamp, or samples
  lost that the caller has not yet counted.
* Once the rate has settled within `RATE_BAND` of nominal, a pair that would pull it out again is refused,
  also after a new start. A chip that never was within the band is followed wherever it is.

If everything has been refused for `RESTART_S`, the world has changed: the fit starts again at the newest
pair, with the rate it had.
"""

import math
from dataclasses import dataclass

MEMORY_S = 60.0
MOST_FADE_S = 1.0  # one pair fades the older ones by no more than this much time
NOMINAL_SPREAD = 0.05  # relative
COUNT_SD = 1.0 / math.sqrt(12.0)  # of a phase known only as "between c and c + 1", in samples
GATE_SIGMAS = 5.0
GATE_SLACK_SAMPLES = 1.0
RATE_BAND = 0.15  # relative
SETTLED_S = 10.0
RESTART_S = 10.0
SLOW_FACTOR = 2.0
SLOW_SLACK_NS = 100_000  # 0.1 ms is small against any sample interval
TYPICAL_STEP = 1.02  # the typical read time follows the median by this factor a read


@dataclass(frozen=True)
class _Fit:
    """Weighted means and central moments of phase (samples) on time (seconds since the fit's origin)."""

    weight: float
    mean_s: float
    mean_phase: float
    moment_ss: float = 0.0
    moment_sp: float = 0.0

    def updated(self, fade: float, time_s: float, phase: float) -> "_Fit":
        weight = self.weight * fade + 1.0
        from_mean_s, from_mean_phase = time_s - self.mean_s, phase - self.mean_phase
        mean_s = self.mean_s + from_mean_s / weight
        mean_phase = self.mean_phase + from_mean_phase / weight
        return _Fit(
            weight,
            mean_s,
            mean_phase,
            self.moment_ss * fade + from_mean_s * (time_s - mean_s),
            self.moment_sp * fade + from_mean_s * (phase - mean_phase),
        )


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
        self._expected_hz = nominal_hz
        self._fit: _Fit | None = None
        self._origin_ns = 0
        self._latest_s = 0.0
        self._squares = 0.0
        self._settled = False
        self._typical_read_ns: float | None = None
        self._refused_since_s: float | None = None

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
        if self._is_slow(read_ns):
            self.rejected += 1
            return
        phase = sample_count + 0.5
        if self._fit is None:
            self._restart(boot_ns, phase)
            return
        time_s = (boot_ns - self._origin_ns) * 1e-9
        residual = phase - self._phase(self._fit, time_s)
        fade = math.exp(-min(max(time_s - self._latest_s, 0.0), MOST_FADE_S) / MEMORY_S)
        fit = self._fit.updated(fade, time_s, phase)
        if abs(residual) > self._gate(self._fit, time_s) or (self._settled and not self._in_band(fit)):
            self._refuse(boot_ns, time_s, phase)
            return
        self._fit = fit
        self._latest_s = time_s
        self._squares = self._squares * fade + residual * residual
        self._refused_since_s = None
        self._settled = self._settled or (time_s > SETTLED_S and self._in_band(fit))

    def time_ns(self, sample_index: int) -> int:
        """Return the boot time at which a sample, counted from 0, was complete.

        Raises ValueError before the first accepted pair.
        """
        fit = self._known_fit()
        time_s = fit.mean_s + (sample_index + 1 - fit.mean_phase) / self._rate(fit)
        return self._origin_ns + round(time_s * 1e9)

    def index_at(self, boot_ns: int) -> float:
        """Return the sample index that was complete at a boot time: the inverse of `time_ns`.

        Raises ValueError before the first accepted pair.
        """
        return self._phase(self._known_fit(), (boot_ns - self._origin_ns) * 1e-9) - 1.0

    @property
    def rate_hz(self) -> float:
        """The measured rate; the nominal one before there is any evidence."""
        return self._expected_hz if self._fit is None else self._rate(self._fit)

    @property
    def residual_ns(self) -> float:
        """Root mean square of what recent evidence differed from its prediction; NaN before any."""
        return math.nan if self._fit is None else self._residual_samples(self._fit) / self.rate_hz * 1e9

    def _known_fit(self) -> _Fit:
        if self._fit is None:
            raise ValueError("no sample count has been observed yet")
        return self._fit

    @property
    def _prior(self) -> float:
        """The nominal rate's weight as evidence, in the units of `moment_ss`."""
        return (COUNT_SD / (NOMINAL_SPREAD * self._expected_hz)) ** 2

    def _rate(self, fit: _Fit) -> float:
        return (fit.moment_sp + self._prior * self._expected_hz) / (fit.moment_ss + self._prior)

    def _phase(self, fit: _Fit, time_s: float) -> float:
        return fit.mean_phase + self._rate(fit) * (time_s - fit.mean_s)

    def _residual_samples(self, fit: _Fit) -> float:
        return math.sqrt(self._squares / fit.weight)

    def _gate(self, fit: _Fit, time_s: float) -> float:
        spread = max(COUNT_SD, self._residual_samples(fit))
        leverage = 1.0 + 1.0 / fit.weight + (time_s - fit.mean_s) ** 2 / (fit.moment_ss + self._prior)
        return GATE_SLACK_SAMPLES + GATE_SIGMAS * spread * math.sqrt(leverage)

    def _in_band(self, fit: _Fit) -> bool:
        return abs(self._rate(fit) / self._nominal_hz - 1.0) <= RATE_BAND

    def _refuse(self, boot_ns: int, time_s: float, phase: float) -> None:
        self.rejected += 1
        if self._refused_since_s is None:
            self._refused_since_s = time_s
        elif time_s - self._refused_since_s >= RESTART_S:
            self._restart(boot_ns, phase)

    def _restart(self, boot_ns: int, phase: float) -> None:
        self._expected_hz = self.rate_hz
        self._origin_ns = boot_ns
        self._fit = _Fit(weight=1.0, mean_s=0.0, mean_phase=phase)
        self._latest_s = 0.0
        self._squares = 0.0
        self._refused_since_s = None

    def _is_slow(self, read_ns: int) -> bool:
        if self._typical_read_ns is None:
            self._typical_read_ns = max(float(read_ns), 1.0)
        is_slow = read_ns > SLOW_FACTOR * self._typical_read_ns + SLOW_SLACK_NS
        step = TYPICAL_STEP if read_ns > self._typical_read_ns else 1.0 / TYPICAL_STEP
        self._typical_read_ns = max(self._typical_read_ns * step, 1.0)
        return is_slow
