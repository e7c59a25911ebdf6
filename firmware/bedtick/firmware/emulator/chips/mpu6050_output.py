"""How the emulated MPU6050 and MPU6500 turn acceleration and temperature into bytes.

Typed from InvenSense PS-MPU-6000A and RM-MPU-6000A: 16384 counts per g at 2 g, halved with each range;
noise 400 micro-g per root hertz, over the bandwidth of the low-pass filter. The filter acts on the
noise alone: what the source feels goes through as it is. Not confirmed: the noise (300) and bandwidths of the
MPU6500, and the formulas that lead from a factory trim code to the movement of a self-test. The push
moves the output exactly as far as the code says.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bedtick.firmware.emulator.chips.words import rounded_counts, white_noise_g

FILTERED_BASE_HZ, OPEN_BASE_HZ = 1000.0, 8000.0
FINEST_PER_G = 16384
BITS = 16
EARLY_BANDWIDTHS_HZ = (260, 184, 94, 44, 21, 10, 5, 260)
LATE_BANDWIDTHS_HZ = (460, 184, 92, 41, 20, 10, 5, 460)
EARLY_NOISE_UG, LATE_NOISE_UG = 400.0, 300.0

TRIM_CODES = (18, 9, 25)  # of an early part, 5 bits each
TRIM_REGISTERS = bytes((0b100_01101, 0b010_10011, 0b110_00110, 0b00_10_01_01))  # with gyro codes between
EARLY_PUSH_G = tuple(0.34 * (0.92 / 0.34) ** ((code - 1) / 30.0) for code in TRIM_CODES)
LATE_TRIM_CODES = bytes((95, 120, 108))
LATE_PUSH_G = tuple(2620.0 / FINEST_PER_G * 1.01 ** (code - 1) for code in LATE_TRIM_CODES)

AXIS_PUSH_BITS = (0x80, 0x40, 0x20)
RANGE_SHIFT, RANGE_BITS = 3, 0x03
FILTER_BITS, BYPASS_BIT = 0x07, 0x08


@dataclass(frozen=True)
class Output:
    """The settings that decide what a set looks like, and whether the part is a late one, as an MPU6500."""

    divider: int
    config: int
    accel_config: int
    accel_config2: int
    is_late: bool
    row_bytes: ClassVar[int] = 6

    @property
    def rate_hz(self) -> float:
        """The base rate, divided; without the gyros' filter the base is 8 kHz."""
        base_hz = OPEN_BASE_HZ if self.config & FILTER_BITS in {0, 7} else FILTERED_BASE_HZ
        return base_hz / (1 + self.divider)

    def encode(self, acc_g: NDArray[np.float64], rng: np.random.Generator | None) -> bytes:
        """Return sets of six bytes for acceleration (n, 3) in g; no noise is added without `rng`."""
        felt_g = acc_g + self._push_g()
        if rng is not None:
            noise_ug = LATE_NOISE_UG if self.is_late else EARLY_NOISE_UG
            felt_g += white_noise_g(felt_g.shape, (noise_ug,) * 3, self._bandwidth_hz(), rng)
        step_g = (1 << (self.accel_config >> RANGE_SHIFT & RANGE_BITS)) / FINEST_PER_G
        return rounded_counts(felt_g, step_g, BITS).astype(">i2").tobytes()

    def _push_g(self) -> NDArray[np.float64]:
        push_g = np.array(LATE_PUSH_G if self.is_late else EARLY_PUSH_G)
        return push_g * [bool(self.accel_config & bit) for bit in AXIS_PUSH_BITS]

    def _bandwidth_hz(self) -> float:
        if not self.is_late:
            return EARLY_BANDWIDTHS_HZ[self.config & FILTER_BITS]
        if self.accel_config2 & BYPASS_BIT:
            return LATE_BANDWIDTHS_HZ[0]
        return LATE_BANDWIDTHS_HZ[self.accel_config2 & FILTER_BITS]


def temperature_word(temperature_c: float, *, is_late: bool) -> bytes:
    """Return the two bytes that the thermometer shows."""
    counts = (temperature_c - 21.0) * 333.87 if is_late else (temperature_c - 36.53) * 340.0
    return round(counts).to_bytes(2, "big", signed=True)
