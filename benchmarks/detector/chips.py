"""How well each chip hears: noise, step and range, and the turning of what is felt into counts.

Noise is white up to the chip's bandwidth. Densities: ADXL345 data sheet Rev. G (as the emulated chip
has it: the same at every rate), MPU-6000/6050 product specification 3.4, ADXL355 data sheet. Those of
LIS3DH and LSM6DSOX, and the bandwidth of LIS3DH, are estimates that no data sheet at hand confirmed.
The FIFO of the LIS3DH keeps ten bits, hence its step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal


@dataclass(frozen=True)
class Chip:
    """A chip, and what the bench asks of it.

    Attributes
    ----------
    name
        The chip's name.
    noise_ug
        Noise density of x, y and z, in micro-g per root hertz.
    scale_g
        Size of a count, in g.
    full_scale_counts
        Largest count.
    bandwidth_share
        Bandwidth over output rate, at most 0.5.
    least_mg
        The smallest events that are made for it.
    bound_mg
        From here on events count.
    """

    name: str
    noise_ug: tuple[float, float, float]
    scale_g: float
    full_scale_counts: int
    bandwidth_share: float
    least_mg: float
    bound_mg: float


CHIPS = {
    chip.name: chip
    for chip in (
        Chip("ADXL345", (290.0, 290.0, 430.0), 1 / 256, 1023, 0.5, 4.0, 8.0),
        Chip("MPU6050", (400.0, 400.0, 400.0), 1 / 8192, 32767, 0.235, 4.0, 8.0),
        Chip("LIS3DH", (220.0, 220.0, 220.0), 0.004, 511, 1 / 9, 4.0, 8.0),
        Chip("LSM6DSOX", (70.0, 70.0, 70.0), 0.000122, 32767, 0.5, 2.0, 3.0),
        Chip("ADXL355", (25.0, 25.0, 25.0), 1 / 256000, 524287, 0.25, 2.0, 2.0),
    )
}


def to_counts(acc_mg: NDArray[np.float32], chip: Chip, rate_hz: float, seed: int) -> NDArray[np.int32]:
    """Return what the chip would give, (n, 3) int32, for acceleration in mg at its output rate."""
    rng = np.random.default_rng([seed, 345])
    sigma_mg = np.array(chip.noise_ug, np.float32) * 1e-3 * math.sqrt(rate_hz / 2)
    noise = rng.standard_normal(acc_mg.shape, np.float32) * sigma_mg
    if chip.bandwidth_share < 0.5:
        low = signal.butter(2, chip.bandwidth_share * rate_hz, fs=rate_hz, output="sos").astype(np.float32)
        noise = signal.sosfilt(low, noise, axis=0)
    noise += acc_mg
    noise *= 1e-3 / chip.scale_g
    full = chip.full_scale_counts
    return np.clip(np.rint(noise), -full - 1, full).astype(np.int32)
