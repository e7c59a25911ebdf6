"""How the emulated ADXL355 turns acceleration into the three words of a set, noise and clipping included.

Figures: Analog Devices data sheet ADXL354/ADXL355. A word is 20 bits, left-justified in 3 bytes, highest
byte first; bit 0 marks the x axis. Noise density is 22.5 micro-g per root hertz at 2 g and 25 at 8 g; 4 g is
not told and has 25 here. The low-pass filter shows in the noise alone, which is that of a third of the output
rate: the filter of table 10, 1.83 dB down at a quarter of the rate, passes as much. The high-pass filter is
not modelled. The self-test shift is the typical one; what acts from outside stays, while the real chip is
said to leave it out.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bedtick.firmware.emulator.chips.words import rounded_counts, white_noise_g

FASTEST_HZ = 4000.0
SLOWEST_CODE = 10
FINEST_STEP_G = 1 / 256_000
BITS = 20
SPARE_BITS = 4
X_MARK = 0x01
PUSH_G = np.array((0.3, 0.3, 1.5))
PUSHED = 0x03  # both bits of SELF_TEST
RATE_BITS = 0x0F
RANGE_BITS = 0x03
OFFSET_COUNTS = 16  # one step of an offset register


@dataclass(frozen=True)
class Output:
    """The settings that decide what a set looks like: FILTER, RANGE, SELF_TEST and six offset registers."""

    filter: int
    range: int
    self_test: int
    offsets: bytes
    row_bytes: ClassVar[int] = 9

    @property
    def rate_hz(self) -> float:
        """The output rate that FILTER asks for: 4000 Hz for code 0, halved with each step up."""
        return FASTEST_HZ / 2.0 ** min(self.filter & RATE_BITS, SLOWEST_CODE)

    def encode(self, acc_g: NDArray[np.float64], rng: np.random.Generator | None) -> bytes:
        """Return sets of nine bytes for acceleration (n, 3) in g; no noise is added without `rng`."""
        felt_g = acc_g + np.frombuffer(self.offsets, dtype=">i2") * (OFFSET_COUNTS * self._step_g())
        if self.self_test & PUSHED == PUSHED:
            felt_g += PUSH_G
        if rng is not None:
            density = 22.5 if self._doublings() == 0 else 25.0
            felt_g += white_noise_g(felt_g.shape, (density,) * 3, self.rate_hz / 3.0, rng)
        words = rounded_counts(felt_g, self._step_g(), BITS) << SPARE_BITS
        words[:, 0] |= X_MARK
        return words.astype(">i4").view(np.uint8).reshape(-1, 4)[:, 1:].tobytes()

    def _doublings(self) -> int:
        """Return how often the step doubles from that of 2 g; code 0 is no range and acts as 2 g."""
        return max((self.range & RANGE_BITS) - 1, 0)

    def _step_g(self) -> float:
        return FINEST_STEP_G * (1 << self._doublings())
