"""Turns settings in seconds, hertz and mg into what the kernel counts in: steps, samples and counts."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bedtick.logger.detector import layout as lay
from bedtick.logger.detector.filters import design, group_delay_s
from bedtick.logger.settings import DetectorSettings, effective_ring_down_s

STEP_HZ = 100.0  # steps of about 10 ms: short against any answer of a mattress
QUARTER_S = 0.25  # of gravity, a mean
NEVER_FULL = 2**40  # counts: where no full scale is known

# Windows in which levels are taken.
JERK_WINDOW_S = 0.35  # as long as a ringing bed: shorter loses energy, longer adds noise
ENVELOPE_WINDOW_S = 0.12
LONG_WINDOW_S = 1.5
LOOK_EVERY_S = 0.05

# The floor.
CALM_WINDOW_S = 1.5  # holds a heartbeat of 40 a minute or more
CALM_DELAY_S = 0.5  # a jerk rises for less before it opens an event
SHORT_S = 6.0  # the floor of late, which follows a truck or a washer
SHORT_SHARE = 0.7  # of it: the smallest of few windows may be a loud one
USUAL_SWAY = 1.35  # louder windows over the floor: about what noise has
MOST_SWAY = 1.5  # more than this no heartbeat needs

# Opening.
RISE_RATIO = 4.0  # a jerk level over the smallest of the second before: a washer runs up more slowly
LONG_RISE = 2.3  # a long level over the smallest of the two seconds before
EMERGE_RATIO = 2.0  # energy of an event over that of the second before its onset
ONSET_RATIO = 60.0  # energy of an event over what is taken to be before its onset, at most
SEARCH_S = 0.1  # an onset lies at most this long before the window that showed it
BEFORE_S = 1.0  # about a heartbeat
ONSET_S = 0.15  # seen of an event before its onset is sought: its energy must outweigh the noise before it

# Placing an onset between steps.
TOP_S = 0.25  # of an event, from its step on: in it lies the first top
BACK_S = 0.15  # before its step an onset may be placed
PLACE_RATIO = 150.0  # energy in that time over what is taken to be before the onset, at most
CHANGE_WEIGHT = 0.4  # in the onset, the rest being the rise's: more would leap, less would come late
RISE_SHARE = 0.12  # of the energy of the first top: less is lost in noise
RISE_OVER_NOISE = 2.0
RISE_LAG_S = 0.025  # by which the mean of both comes late, over the beds of bench and mattress

# Going on, splitting, ending.
QUIET_S = 0.5  # an event ends after this much quiet
REFRACTORY_S = 0.6  # no event is split sooner after its onset
LULL_S = 0.4  # from the top of a burst to the rise of the next: less is a movement that goes on
SPLIT_RATIO = 10 ** (6 / 10)  # 6 dB, of an energy
SPECTRUM_S = 2.0  # of an event, for its dominant frequency

# What is no event.
SWAY_MARGIN = 1.35  # on the smallest peak, for what sways like a truck or hums
HUM_HZ = 16.0  # above, no bed rings by itself
STEADY_RATIO = 2.5  # largest over smallest jerk level of 2.5 s: a machine stays below
STEADY_S = 3.0
MACHINE_MG = 10.0  # what shakes harder is taken for a person

# After a start or a gap.
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
    """
    per_step = samples_per_step(nominal_hz)
    step_hz = nominal_hz / per_step
    sections = design(settings.band_low_hz, settings.band_high_hz, step_hz, per_step)
    values = {
        "poles": sections[:, 3:],
        "gains": (sections[0, 0] * sections[1, 0] / per_step**2, sections[2, 0] * sections[3, 0]),
        "rate_hz": nominal_hz,
        "step_hz": step_hz,
        "samples_per_step": per_step,
        "full_scale": NEVER_FULL if full_scale_counts is None else full_scale_counts,
        "least_noise": _rounding_noise(settings, nominal_hz),
    }
    values |= _in_steps(settings, step_hz)
    values |= _in_samples(nominal_hz, group_delay_s(sections, TYPICAL_JERK_HZ, step_hz))
    values |= _ratios(settings, step_hz) | _in_counts(settings, scale_g)
    params = np.zeros(1, lay.PARAMETERS)
    for name, value in values.items():
        params[name] = value
    return params


def _in_steps(settings: DetectorSettings, step_hz: float) -> dict[str, int]:
    lengths_s = {
        "jerk_steps": JERK_WINDOW_S,
        "envelope_steps": ENVELOPE_WINDOW_S,
        "long_steps": LONG_WINDOW_S,
        "look_every": LOOK_EVERY_S,
        "quarter_steps": QUARTER_S,
        "calm_window": CALM_WINDOW_S,
        "calm_delay": CALM_DELAY_S,
        "short_steps": SHORT_S,
        "large_steps": settings.large_s,
        "quiet_steps": QUIET_S,
        "refractory_steps": REFRACTORY_S,
        "least_lull": LULL_S,
        "spectrum_steps": SPECTRUM_S,
        "search_steps": SEARCH_S,
        "before_steps": BEFORE_S,
        "onset_steps": ONSET_S,
        "back_steps": BACK_S,
        "top_steps": TOP_S,
        "steady_steps": STEADY_S,
    }
    counts = {name: max(1, round(seconds * step_hz)) for name, seconds in lengths_s.items()}
    return counts | {"floor_windows": max(2, round(settings.floor_window_s / CALM_WINDOW_S))}


def _in_samples(nominal_hz: float, lag_s: float) -> dict[str, int]:
    return {
        "onset_lag_samples": round((lag_s + RISE_LAG_S) * nominal_hz),
        "envelope_lag_samples": round((lag_s + ENVELOPE_WINDOW_S / 2) * nominal_hz),
        "settle_samples": math.floor(SETTLE_S * nominal_hz),
        "blind_samples": math.floor(BLIND_S * nominal_hz),
        "long_gap_samples": math.floor(LONG_GAP_S * nominal_hz),
    }


def _ratios(settings: DetectorSettings, step_hz: float) -> dict[str, float]:
    return {
        "high_ratio": settings.high_ratio,
        "long_ratio": settings.long_ratio,
        "low_ratio": settings.low_ratio,
        "floor_quantile": settings.floor_quantile,
        "usual_sway": USUAL_SWAY,
        "most_sway": MOST_SWAY,
        "rise_ratio": RISE_RATIO,
        "long_rise": LONG_RISE,
        "short_share": SHORT_SHARE,
        "emerge_ratio": EMERGE_RATIO,
        "onset_ratio": ONSET_RATIO,
        "place_ratio": PLACE_RATIO,
        "change_weight": CHANGE_WEIGHT,
        "rise_share": RISE_SHARE,
        "rise_over_noise": RISE_OVER_NOISE,
        "split_ratio": SPLIT_RATIO,
        "ring_decay": math.exp(-2.0 / (effective_ring_down_s(settings) * step_hz)),
        "sway_margin": SWAY_MARGIN,
        "hum_hz": HUM_HZ,
        "steady_ratio": STEADY_RATIO,
        "peak_to_level": PEAK_TO_LEVEL,
    }


def _in_counts(settings: DetectorSettings, scale_g: float) -> dict[str, float]:
    mg = 1e3 * scale_g
    return {
        "least_peak": settings.least_peak_mg / mg,
        "weakest_limit": settings.weakest_limit_mg / mg,
        "machine_square": (MACHINE_MG / mg) ** 2 / 2,  # of a sine of that amplitude
    }


def samples_per_step(nominal_hz: float) -> int:
    """Return how many samples make a step of about 10 ms."""
    return max(1, round(nominal_hz / STEP_HZ))


def samples_per_quarter(nominal_hz: float) -> int:
    """Return how many samples one mean of gravity is taken over: whole steps, about a quarter second."""
    per_step = samples_per_step(nominal_hz)
    return max(1, round(QUARTER_S * nominal_hz / per_step)) * per_step


def _rounding_noise(settings: DetectorSettings, nominal_hz: float) -> float:
    """Mean square that rounding to whole counts leaves in the band: 1/12, spread evenly to half the rate."""
    return (settings.band_high_hz - settings.band_low_hz) / (nominal_hz / 2) / 12
