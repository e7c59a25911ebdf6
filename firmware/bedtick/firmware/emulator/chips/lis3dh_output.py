"""How the emulated LIS3DH turns acceleration into the six bytes of a set, noise and clipping included.

Figures: STMicroelectronics data sheet LIS3DH. Values are left-justified in 16 bits: 12, 10 or 8 bits by the
mode, with one step of 1, 4 or 16 mg at 2 g, twice as much at each wider range and 12 times as much at 16 g.
What passes the FIFO keeps its 10 highest bits. The self-test shift lies in the middle of what the data sheet
allows. Not confirmed: the noise density, 220 micro-g per root hertz; the bandwidth, a ninth of the rate with
12 bits and half of it otherwise; that the self-test's first mode moves every axis upwards.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bedtick.firmware.emulator.chips.words import rounded_counts, white_noise_g

WORD_BITS = 16
FIFO_BITS = 10
NOISE_MICRO_G = (220.0, 220.0, 220.0)
SELF_TEST_SHIFT_G = (17 + 360) / 2 * 0.004
RATES_HZ = (0.0, 1.0, 10.0, 25.0, 50.0, 100.0, 200.0, 400.0)
FASTEST_CODE, FASTEST_HZ, FASTEST_LOW_POWER_HZ = 9, 1344.0, 5376.0
MIDDLE_CODE, MIDDLE_LOW_POWER_HZ = 8, 1620.0
STEPS_AT_RANGE = (1, 2, 4, 12)  # in steps of the narrowest range

LOW_POWER_BIT = 0x08  # CTRL_REG1
HIGH_RESOLUTION_BIT = 0x08  # CTRL_REG4
BIG_ENDIAN_BIT = 0x40


@dataclass(frozen=True)
class Output:
    """The settings that decide what a set looks like: CTRL_REG1, CTRL_REG4, whether it goes by the FIFO."""

    ctrl1: int
    ctrl4: int
    through_fifo: bool
    row_bytes: ClassVar[int] = 6

    @property
    def rate_hz(self) -> float:
        """The output rate that CTRL_REG1 asks for; 0 for power-down and for codes that the mode lacks."""
        code = self.ctrl1 >> 4
        if code < len(RATES_HZ):
            return RATES_HZ[code]
        if code == FASTEST_CODE:
            return FASTEST_LOW_POWER_HZ if self._is_low_power else FASTEST_HZ
        return MIDDLE_LOW_POWER_HZ if code == MIDDLE_CODE and self._is_low_power else 0.0

    @property
    def bits(self) -> int:
        """Bits of a value as converted."""
        if self._is_low_power:
            return 8
        return 12 if self.ctrl4 & HIGH_RESOLUTION_BIT else 10

    def encode(self, acc_g: NDArray[np.float64], rng: np.random.Generator | None) -> bytes:
        """Return sets of six bytes for acceleration (n, 3) in g; no noise is added without `rng`."""
        felt_g = acc_g + self._push_g()
        if rng is not None:
            felt_g += white_noise_g(felt_g.shape, NOISE_MICRO_G, self._bandwidth_hz(), rng)
        words = rounded_counts(felt_g, self._step_g(), self.bits) << (WORD_BITS - self.bits)
        if self.through_fifo:
            words &= -1 << (WORD_BITS - FIFO_BITS)
        words *= self._axes_on()
        return words.astype(">i2" if self.ctrl4 & BIG_ENDIAN_BIT else "<i2").tobytes()

    @property
    def _is_low_power(self) -> bool:
        return bool(self.ctrl1 & LOW_POWER_BIT)

    def _step_g(self) -> float:
        narrowest_mg = {12: 1, 10: 4, 8: 16}[self.bits]
        return narrowest_mg * STEPS_AT_RANGE[self.ctrl4 >> 4 & 3] / 1000.0

    def _bandwidth_hz(self) -> float:
        return self.rate_hz / (9.0 if self.bits == 12 else 2.0)

    def _push_g(self) -> float:
        return {1: SELF_TEST_SHIFT_G, 2: -SELF_TEST_SHIFT_G}.get(self.ctrl4 >> 1 & 3, 0.0)

    def _axes_on(self) -> NDArray[np.int64]:
        return np.array([self.ctrl1 >> axis & 1 for axis in range(3)])
