"""The parts that answer where an MPU6050 may be: how WHO_AM_I tells them apart, and in what they differ.

Boards sold as MPU6050 or MPU9250 often carry something else. Parts whose data sheets are known pass
silently; others that people have met on such boards are used with a remark; anything else is refused.
Where a part's FIFO size is not certain, the smallest of the family is assumed: too small a figure costs
room, too large a one would let bytes be lost unseen.

Self-test. Each axis has a factory trim code in the part, from which follows how far the push should
move it. MPU6050: RM-MPU-6000A section 4.1, within 14 % (PS-MPU-6000A section 6.2). MPU6500 and later:
within 50 %, as the maker's published drivers have it. The formulas that turn a code into a movement are
those of published drivers, not confirmed against a data sheet. A part without a code can not be compared;
then any movement that a sound part may show passes.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

SET_BYTES = 6


@dataclass(frozen=True)
class Thermometer:
    """Counts per degree, and the temperature at count 0."""

    counts_per_c: float
    zero_c: float


@dataclass(frozen=True)
class Push:
    """How a part's self-test is run and judged.

    Attributes
    ----------
    range_g
        The range to run it at; all counts are counts of this range.
    codes
        Takes the bytes of SELF_TEST_X to SELF_TEST_A; gives the trim code of each axis, 0 for none.
    trim_counts
        Gives the movement that belongs to a code.
    tolerance
        By what fraction the movement may differ from that.
    without_code_counts
        The lowest and highest movement of a sound part.
    """

    range_g: int
    codes: Callable[[bytes], tuple[int, int, int]]
    trim_counts: Callable[[int], float]
    tolerance: float
    without_code_counts: tuple[float, float]

    def limits_counts(self, code: int) -> tuple[float, float]:
        """Return how far an axis with this trim code may move, lowest and highest."""
        if not code:
            return self.without_code_counts
        trim_counts = self.trim_counts(code)
        return trim_counts * (1 - self.tolerance), trim_counts * (1 + self.tolerance)


@dataclass(frozen=True)
class Part:
    """One kind of chip.

    Attributes
    ----------
    model
        As printed on the part.
    fifo_bytes
        What its FIFO holds.
    has_own_filter
        Whether the accelerometer's low-pass filter is set by ACCEL_CONFIG2 rather than by CONFIG.
    noise_ug_per_root_hz
        Noise density of every axis.
    thermometer
        None where its scale is not known.
    push
        Its self-test.
    remark
        What a person should know about it.
    """

    model: str
    fifo_bytes: int
    has_own_filter: bool
    noise_ug_per_root_hz: float
    thermometer: Thermometer | None
    push: Push
    remark: str = ""

    @property
    def fifo_sets(self) -> int:
        """Whole sets that fit its FIFO."""
        return self.fifo_bytes // SET_BYTES


def packed_codes(registers: bytes) -> tuple[int, int, int]:
    """Return the trim codes of an MPU6050: the upper three bits with the axis, the lower two in SELF_TEST_A.

    The other bits of SELF_TEST_X, Y and Z belong to the gyros.
    """
    x, y, z, low = registers
    return (
        (x >> 3) & 0x1C | (low >> 4) & 0x03,
        (y >> 3) & 0x1C | (low >> 2) & 0x03,
        (z >> 3) & 0x1C | low & 0x03,
    )


def whole_codes(registers: bytes) -> tuple[int, int, int]:
    """Return the trim codes of an MPU6500: one register an axis."""
    x, y, z = registers[:3]
    return x, y, z


def packed_trim_counts(code: int) -> float:
    """Return the movement of an MPU6050 at 8 g: from 0.34 g for code 1 to 0.92 g for code 31."""
    return 4096 * 0.34 * math.pow(0.92 / 0.34, (code - 1) / 30)


def whole_trim_counts(code: int) -> float:
    """Return the movement of an MPU6500 at 2 g: 0.16 g for code 1, 1 % more with each step."""
    return 2620 * math.pow(1.01, code - 1)


PACKED = Push(8, packed_codes, packed_trim_counts, 0.14, (4096 * 0.34 * 0.86, 4096 * 0.92 * 1.14))
WHOLE = Push(2, whole_codes, whole_trim_counts, 0.5, (16384 * 0.225, 16384 * 0.675))

MPU6050 = Part("MPU6050", 1024, False, 400.0, Thermometer(340.0, 36.53), PACKED)  # PS-MPU-6000A section 6


def _later(model: str) -> Part:
    """Return a part of the MPU6500's generation; its noise density is not confirmed."""
    return Part(model, 512, True, 300.0, Thermometer(333.87, 21.0), WHOLE)


def _stand_in(model: str, push: Push) -> Part:
    """Return a part that is met on boards sold as another."""
    remark = f"{model} in place of an MPU6050: used, but its noise and FIFO are not known for certain"
    return Part(model, 512, True, 400.0, None, push, remark)


PARTS = {
    0x68: MPU6050,
    0x70: _later("MPU6500"),
    0x71: _later("MPU9250"),
    0x73: _later("MPU9255"),
    0x74: _later("MPU6515"),
    0x12: _stand_in("ICM-20602", WHOLE),
    0x78: _stand_in("MPU6880", WHOLE),
    0x98: _stand_in("ICM-20689", WHOLE),
    0xAF: _stand_in("ICM-20608", WHOLE),
    0x69: _stand_in("a copy (WHO_AM_I 0x69)", PACKED),
    0x75: _stand_in("a copy (WHO_AM_I 0x75)", PACKED),
}
