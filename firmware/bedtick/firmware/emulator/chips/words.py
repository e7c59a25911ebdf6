"""Acceleration to a converter's counts: noise, rounding, clipping."""

import math

import numpy as np
from numpy.typing import NDArray


def white_noise_g(
    shape: tuple[int, ...],
    micro_g_per_root_hz: tuple[float, float, float],
    bandwidth_hz: float,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return white noise of a density per axis over a bandwidth; float64, shape (n, 3), g."""
    rms_g = np.array(micro_g_per_root_hz) * 1e-6 * math.sqrt(bandwidth_hz)
    noise_g: NDArray[np.float64] = rng.standard_normal(shape) * rms_g
    return noise_g


def rounded_counts(felt_g: NDArray[np.float64], step_g: float, bits: int) -> NDArray[np.int64]:
    """Return what a converter of so many bits makes of it, clipped at its ends; int64, as `felt_g`, by rows.

    Divided by the step, as an import divides by the scale: so both round the same value at each half.
    """
    half = 1 << (bits - 1)
    counts = np.rint(felt_g / step_g).astype(np.int64, order="C")
    return np.clip(counts, -half, half - 1, out=counts)
