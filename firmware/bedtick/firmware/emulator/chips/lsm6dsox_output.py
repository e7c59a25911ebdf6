"""How the emulated LSM6DSOX turns acceleration into the seven bytes of a FIFO word, noise included.

Figures: ST's data sheet LSM6DSO (DS12140). Noise in low-power mode is 1.8 to 3.0 mg by range. In
high-performance mode it is white over half of the rate; its density, 70 to 110 micro-g per root hertz by
range, is not confirmed. The self-test shift lies in the middle of what the data sheet allows.

A word begins with what it holds (2, the accelerometer), a count of two bits and a parity bit that makes the
number of ones even, which is not confirmed.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bedtick.firmware.emulator.chips.words import rounded_counts, white_noise_g

RATES_HZ = (0.0, 12.5, 26.0, 52.0, 104.0, 208.0, 416.0, 833.0, 1667.0, 3333.0, 6667.0, 1.6)
RANGES_G = (2, 16, 4, 8)  # by code
STEPS_G = {2: 61e-6, 4: 122e-6, 8: 244e-6, 16: 488e-6}
DENSITIES_UG = {2: 70.0, 4: 75.0, 8: 80.0, 16: 110.0}
LOW_POWER_NOISE_MG = {2: 1.8, 4: 2.0, 8: 2.4, 16: 3.0}
SELF_TEST_SHIFT_G: NDArray[np.float64] = np.array((0.80, 0.85, 0.90))
SELF_TEST_SIGNS = (0, 1, -1, 0)
LOW_POWER_BIT = 0x10
BITS = 16
TAGS = np.array((0x11, 0x12, 0x14, 0x17), dtype=np.uint8)


@dataclass(frozen=True)
class Output:
    """The settings that decide what a word looks like: CTRL1_XL, CTRL5_C, CTRL6_C and FIFO_CTRL3."""

    ctrl1_xl: int
    ctrl5_c: int = 0
    ctrl6_c: int = 0
    fifo_ctrl3: int = 0x0F
    row_bytes: ClassVar[int] = 7

    @property
    def rate_hz(self) -> float:
        """The rate of the words: what FIFO_CTRL3 asks for, and no more than the accelerometer's own."""
        return min(_rate_hz(self.fifo_ctrl3 & 0x0F), self._own_rate_hz())

    def encode(self, acc_g: NDArray[np.float64], rng: np.random.Generator | None) -> bytes:
        """Return words for acceleration (n, 3) in g; no noise is added without `rng`."""
        felt_g = acc_g + SELF_TEST_SHIFT_G * SELF_TEST_SIGNS[self.ctrl5_c & 0x03]
        if rng is not None:
            felt_g += self._noise_g(felt_g.shape, rng)
        words = np.empty((len(felt_g), self.row_bytes), dtype=np.uint8)
        words[:, 0] = np.resize(TAGS, len(words))
        counts = rounded_counts(felt_g, STEPS_G[self._range_g()], BITS)
        words[:, 1:] = counts.astype("<i2").view(np.uint8)
        return words.tobytes()

    def _noise_g(self, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
        range_g = self._range_g()
        if self.ctrl6_c & LOW_POWER_BIT:
            noise_g: NDArray[np.float64] = rng.standard_normal(shape) * LOW_POWER_NOISE_MG[range_g] * 1e-3
            return noise_g
        density_ug = DENSITIES_UG[range_g]
        return white_noise_g(shape, (density_ug, density_ug, density_ug), self._own_rate_hz() / 2.0, rng)

    def _own_rate_hz(self) -> float:
        return _rate_hz(self.ctrl1_xl >> 4)

    def _range_g(self) -> int:
        return RANGES_G[self.ctrl1_xl >> 2 & 0x03]


def _rate_hz(code: int) -> float:
    return RATES_HZ[code] if code < len(RATES_HZ) else RATES_HZ[-2]
