"""How the emulated ADXL345 turns acceleration into the six bytes of a set, noise and clipping included.

Figures: Analog Devices data sheet ADXL345. Noise density 290 (x, y) and 430 (z) micro-g per root hertz
over half the output rate; in low power 1.8 and 2.6 counts at any rate. The self-test shift lies in the
middle of what the data sheet allows at 3.3 V. At 1600 and 3200 Hz the lowest bit of the finest step is
always 0.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

FINEST_PER_G = 256
NOISE_G_PER_ROOT_HZ = np.array((290e-6, 290e-6, 430e-6))
LOW_POWER_NOISE_G = np.array((1.8, 1.8, 2.6)) / FINEST_PER_G
SELF_TEST_SHIFT_G: NDArray[np.float64] = np.array((450.0, -450.0, 700.0)) / FINEST_PER_G
OFFSET_G = 0.0156  # one step of OFSX, OFSY, OFSZ
NARROWEST_BITS = 10
WORD_BITS = 16
COARSE_FROM_CODE = 0xE  # 1600 Hz

SELF_TEST_BIT = 0x80
FULL_RES_BIT = 0x08
JUSTIFY_BIT = 0x04
RANGE_BITS = 0x03
LOW_POWER_BIT = 0x10
RATE_BITS = 0x0F


@dataclass(frozen=True)
class Output:
    """The settings that decide what a set looks like: BW_RATE, DATA_FORMAT and the three offset registers."""

    bw_rate: int
    data_format: int
    offsets: bytes
    row_bytes: ClassVar[int] = 6

    @property
    def rate_hz(self) -> float:
        """The output rate that BW_RATE asks for: 3200 Hz for code 15, halved with each step down."""
        return 3200.0 / 2.0 ** (15 - (self.bw_rate & RATE_BITS))

    def encode(self, acc_g: NDArray[np.float64], rng: np.random.Generator | None) -> bytes:
        """Return sets of six bytes for acceleration (n, 3) in g; no noise is added without `rng`."""
        felt_g = acc_g + self._shift_g()
        if rng is not None:
            felt_g += rng.standard_normal(felt_g.shape) * self._noise_g()
        counts = np.rint(felt_g * self._counts_per_g()).astype(np.int64)
        half = 1 << (self._bits() - 1)
        np.clip(counts, -half, half - 1, out=counts)
        if self._has_finest_step() and self.bw_rate & RATE_BITS >= COARSE_FROM_CODE:
            counts &= ~1
        if self.data_format & JUSTIFY_BIT:
            counts <<= WORD_BITS - self._bits()
        return counts.astype("<i2").tobytes()

    def _shift_g(self) -> NDArray[np.float64]:
        shift_g = np.frombuffer(self.offsets, dtype=np.int8).astype(np.float64) * OFFSET_G
        return shift_g + SELF_TEST_SHIFT_G if self.data_format & SELF_TEST_BIT else shift_g

    def _noise_g(self) -> NDArray[np.float64]:
        if self.bw_rate & LOW_POWER_BIT:
            return LOW_POWER_NOISE_G
        noise_g: NDArray[np.float64] = NOISE_G_PER_ROOT_HZ * math.sqrt(self.rate_hz / 2.0)
        return noise_g

    def _range_code(self) -> int:
        return self.data_format & RANGE_BITS

    def _bits(self) -> int:
        return NARROWEST_BITS + (self._range_code() if self.data_format & FULL_RES_BIT else 0)

    def _counts_per_g(self) -> float:
        return FINEST_PER_G if self.data_format & FULL_RES_BIT else FINEST_PER_G / (1 << self._range_code())

    def _has_finest_step(self) -> bool:
        return bool(self.data_format & FULL_RES_BIT) or self._range_code() == 0
