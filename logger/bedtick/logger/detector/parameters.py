"""Turns settings in seconds, hertz and mg into what the kernel counts in: steps, samples and counts."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bedtick.logger.detector import layout as lay
from bedtick.logger.detector.filters import group_delay_s
from bedtick.logger.settings import DetectorSettings

STEP_HZ = 100.0  # steps of about 10 ms: short against any answer of a mattress
JERK_WINDOW_S = 0.35  # as long as a ringing bed: shorter loses energy, longer adds noise
ENVELOPE_WINDOW_S = 0.12
LONG_WINDOW_S = 1.5
LONG_EVERY_S = 0.1
QUARTER_S = 0.25
QUIET_S = 0.5  # an event ends after this much quiet
REFRACTORY_S = 0.6  # no event is split sooner after its onset
SPLIT_RATIO = 10 ** (6 / 10)  # 6 dB, of an energy
SPECTRUM_S = 2.0  # of an event, for its dominant frequency
SEARCH_S = 0.1  # an onset lies at most this long before the window that showed it
BEFORE_S = 1.0  # about a heartbeat
ONSET_S = 0.15  # seen of an event before its onset is sought: its energy must outweigh the noise before it
SETTLE_S = 2.0
BLIND_S = 0.3  # after any gap no window reaches: the filters started on a value with noise
LONG_GAP_S = 0.1  # after a longer gap, the next seconds are settling
TYPICAL_JERK_HZ = 7.0  # where the delay of the filters is taken
# Mean square in the jerk window over squared peak, of the answers that a twitch leaves on beds of 4 to
# 12 Hz and damping 0.1 to 0.25, at the amplitude that is found nine times in ten.
PEAK_TO_LEVEL = 0.13


def kernel_parameters(
    settings: DetectorSettings,
    scale_g: float,
    nominal_hz: float,
    full_scale_counts: int | None,
    sections: NDArray[np.float64],
) -> NDArray[np.void]:
    """Return the kernel's parameter record, (1,) of `layout.PARAMETERS`.

    Parameters
    ----------
    settings
        The detector's settings.
    scale_g
        Size of a count, in g.
    nominal_hz
        The recording's nominal rate, in hertz: what detection takes for the rate, however fast the
        chip's oscillator really runs.
    full_scale_counts
        A sample at or above this, on any axis, is saturated; None where nothing is known.
    sections
        The filter chain from `filters.design`, (4, 5).
    """
    per_step = max(1, round(nominal_hz / STEP_HZ))
    step_hz = nominal_hz / per_step

    def steps(seconds: float) -> int:
        return max(1, round(seconds * step_hz))

    lag_s = group_delay_s(sections, TYPICAL_JERK_HZ, nominal_hz)
    values = {
        "rate_hz": nominal_hz,
        "step_hz": step_hz,
        "samples_per_step": per_step,
        "jerk_steps": steps(JERK_WINDOW_S),
        "envelope_steps": steps(ENVELOPE_WINDOW_S),
        "long_steps": steps(LONG_WINDOW_S),
        "long_every": steps(LONG_EVERY_S),
        "quarter_steps": steps(QUARTER_S),
        "quiet_steps": steps(QUIET_S),
        "refractory_steps": steps(REFRACTORY_S),
        "spectrum_steps": steps(SPECTRUM_S),
        "search_steps": steps(SEARCH_S),
        "before_steps": steps(BEFORE_S),
        "onset_steps": steps(ONSET_S),
        "lag_samples": round(lag_s * nominal_hz),
        "envelope_lag_samples": round((lag_s + ENVELOPE_WINDOW_S / 2) * nominal_hz),
        "settle_samples": math.floor(SETTLE_S * nominal_hz),
        "blind_samples": math.floor(BLIND_S * nominal_hz),
        "long_gap_samples": math.floor(LONG_GAP_S * nominal_hz),
        "high_ratio": settings.high_ratio,
        "long_ratio": settings.long_ratio,
        "low_ratio": settings.low_ratio,
        "split_ratio": SPLIT_RATIO,
        "ring_decay": math.exp(-2.0 / (settings.ring_down_s * step_hz)),
        "floor_quantile": settings.floor_quantile,
        "least_noise": _rounding_noise(settings, nominal_hz),
        "full_scale": math.inf if full_scale_counts is None else full_scale_counts,
        "peak_to_level": PEAK_TO_LEVEL * per_step,
        "weakest_limit": settings.weakest_limit_mg / (1e3 * scale_g),
    }
    params = np.zeros(1, lay.PARAMETERS)
    for name, value in values.items():
        params[name] = value
    return params


def samples_per_quarter(nominal_hz: float) -> int:
    """Return how many samples one mean of gravity is taken over: whole steps, about a quarter second."""
    per_step = max(1, round(nominal_hz / STEP_HZ))
    return max(1, round(QUARTER_S * nominal_hz / per_step)) * per_step


def _rounding_noise(settings: DetectorSettings, nominal_hz: float) -> float:
    """Mean square that rounding to whole counts leaves in the band: 1/12, spread evenly to half the rate."""
    return (settings.band_high_hz - settings.band_low_hz) / (nominal_hz / 2) / 12
