"""Designs the biquads of the detector: Butterworth second-order sections by the bilinear transform."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MOTION_LOW_HZ = 0.7  # below lie gravity, drift and breathing
MOTION_HIGH_HZ = 25.0  # above lies nothing that a mattress passes on
NYQUIST_SHARE = 0.8  # a corner above this share of half the rate would make a useless filter
_Q_BUTTERWORTH = np.sqrt(0.5)


def biquad(kind: str, corner_hz: float, rate_hz: float) -> NDArray[np.float64]:
    """Return one Butterworth section of second order as ``b0, b1, b2, a1, a2``.

    Bilinear transform with the corner pre-warped (Oppenheim and Schafer, Discrete-Time Signal
    Processing, section 7.1).

    Parameters
    ----------
    kind
        ``"high"`` or ``"low"``: what passes.
    corner_hz
        The -3 dB corner, in hertz.
    rate_hz
        The sampling rate, in hertz.
    """
    k = np.tan(np.pi * corner_hz / rate_hz)
    norm = 1 + k / _Q_BUTTERWORTH + k * k
    a1, a2 = 2 * (k * k - 1) / norm, (1 - k / _Q_BUTTERWORTH + k * k) / norm
    b = np.array([1, -2, 1]) / norm if kind == "high" else np.array([1, 2, 1]) * k * k / norm
    return np.concatenate([b, [a1, a2]])


def triangle_gain(frequency_hz: float, rate_hz: float, per_step: int) -> float:
    """Return what a triangle over two steps of `per_step` samples leaves of a sine's amplitude."""
    x = np.pi * frequency_hz / rate_hz
    return float((np.sin(x) / (per_step * np.sin(x / per_step))) ** 2) if per_step > 1 else 1.0


def low_pass(corner_hz: float, rate_hz: float, per_step: int) -> NDArray[np.float64]:
    """Return a low-pass that has its -3 dB at `corner_hz` together with the triangle before it.

    Where the triangle alone takes more than that, the widest that the rate of steps allows.
    """
    highest_hz = NYQUIST_SHARE * rate_hz / 2
    wanted = np.sqrt(0.5) / triangle_gain(corner_hz, rate_hz, per_step)
    if wanted >= 1.0:
        return biquad("low", highest_hz, rate_hz)
    warped = np.tan(np.pi * min(corner_hz, highest_hz) / rate_hz)
    # |H|^2 = 1 / (1 + (w / wc)^4) in the warped frequency, solved for wc.
    own = np.arctan(warped / (wanted**-2 - 1.0) ** 0.25) * rate_hz / np.pi
    return biquad("low", min(float(own), highest_hz), rate_hz)


def design(band_low_hz: float, band_high_hz: float, rate_hz: float, per_step: int) -> NDArray[np.float64]:
    """Return the four sections of the chain, (4, 5): motion high and low, then band high and low.

    `rate_hz` is the rate at which they run, that of steps; each is a triangle over `per_step` samples.
    """
    highest_hz = NYQUIST_SHARE * rate_hz / 2
    return np.array(
        [
            biquad("high", MOTION_LOW_HZ, rate_hz),
            low_pass(MOTION_HIGH_HZ, rate_hz, per_step),
            biquad("high", band_low_hz, rate_hz),
            biquad("low", min(band_high_hz, highest_hz), rate_hz),
        ]
    )


def response(sections: NDArray[np.float64], frequency_hz: float, rate_hz: float) -> complex:
    """Return the complex gain of a chain of sections at one frequency."""
    z = np.exp(-2j * np.pi * frequency_hz / rate_hz * np.arange(3))
    gain = 1 + 0j
    for b0, b1, b2, a1, a2 in sections:
        gain *= (b0 * z[0] + b1 * z[1] + b2 * z[2]) / (z[0] + a1 * z[1] + a2 * z[2])
    return complex(gain)


def group_delay_s(sections: NDArray[np.float64], frequency_hz: float, rate_hz: float) -> float:
    """Return how long an envelope at `frequency_hz` is held up by the chain, in seconds."""
    step_hz = 1e-3
    ahead, behind = (response(sections, frequency_hz + s * step_hz, rate_hz) for s in (1, -1))
    return float(-np.angle(ahead / behind) / (2 * np.pi * 2 * step_hz))
