"""The driver of the LIS3DH and the LIS2DH12, which cannot be told apart: FIFO in stream mode, 10 bits.

A drain takes two reads. The first is of two bytes, a constant and the level:

    0x2E           0x2F
    FIFO_CTRL_REG  FIFO_SRC_REG
    constant       full? empty? sets waiting

The constant differs where the chip has lost power or another program uses it, so the check costs nothing
but a byte. The second read is of all the waiting sets: from 0x28 on with bit 7 of the register address
set, the chip moves on by itself and goes back from 0x2D to 0x28, and each round is the next set. A set must
not be read in part.

The level stops at 31; with the 32nd set OVRN_FIFO comes, and the next one after that overwrites the
oldest. So a full FIFO may have lost nothing yet: it counts as an overrun all the same, because the chip
does not tell, and the sample clock knows how many are missing. What is lost between the two reads shows
nowhere in the chip, so where more time passed in between than the free places last, that is an
overrun too.

The FIFO keeps 10 bits of a value even in the mode with 12, which is why the mode with 10 is used.
One user reports that the FIFO is unreliable above 200 Hz (not confirmed; others run it at 1344 Hz).

Figures are from the STMicroelectronics data sheet LIS3DH and ST's own driver for it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bedtick.firmware.bus import I2CBus
from bedtick.firmware.chips import lis3dh_registers as reg
from bedtick.firmware.chips.access import RegisterAccess, check_offered
from bedtick.firmware.chips.contract import Block, Identity, SelfTest
from bedtick.firmware.chips.self_test import Pace, judge, settled_mean
from bedtick.firmware.chips.timing import median_read_s
from bedtick.firmware.clock import Clock
from bedtick.firmware.errors import ChipError

IDENTITY = 0x33  # also of LIS2DH, LSM303AGR and the 8-bit LIS3DE
AUTO_INCREMENT = 0x80
RATE_CODES = {50: 4, 100: 5, 200: 6, 400: 7}
RANGE_CODES = {2: 0, 4: 1, 8: 2, 16: 3}
STEP_MG = {2: 4, 4: 8, 8: 16, 16: 48}  # normal mode; 16 g is not twice 8 g: "Mechanical characteristics"
UNUSED_BITS = 6  # of the 16, below the 10 that the FIFO keeps
STREAM = 2
DEPTH = 32
SET_BYTES = len(reg.OUT)
ALL_AXES = 0b111
BOOT_NS = 10_000_000  # 5 ms by the data sheet
WATERMARKS_PER_S = 25  # at 400 Hz that is half of the FIFO

NOISE_UG_PER_ROOT_HZ = 220.0  # not confirmed, as is the bandwidth of half the rate
COUNTS_PER_C = 4
ZERO_COUNTS_C = 25.0
THERMOMETER_RATE_HZ = 100
THERMOMETER_NS = 30_000_000  # the thermometer is read out at the output rate

# Self-test as in ST's driver: 2 g, normal mode, 50 Hz, 90 ms and one sample to settle, five to average.
SELF_TEST_RATE_HZ = 50
SELF_TEST_RANGE_G = 2
SELF_TEST_PACE = Pace(settle_ns=115_000_000, average_ns=105_000_000)
SELF_TEST_LIMITS = ((17.0, 360.0),) * 3

TIMED_SETS = 16


@dataclass(frozen=True)
class _Settings:
    """What is written to the chip; the self-test runs with settings that are not offered."""

    rate_hz: int
    range_g: int

    @property
    def measure(self) -> int:
        return reg.CTRL_REG1.encode(ODR=RATE_CODES[self.rate_hz], AXES=ALL_AXES)

    @property
    def fifo_control(self) -> int:
        return reg.FIFO_CTRL_REG.encode(FM=STREAM, FTH=self.rate_hz // WATERMARKS_PER_S)

    def control4(self, *, pushed: bool = False) -> int:
        return reg.CTRL_REG4.encode(BDU=1, FS=RANGE_CODES[self.range_g], ST=int(pushed))


SELF_TEST_SETTINGS = _Settings(SELF_TEST_RATE_HZ, SELF_TEST_RANGE_G)


class Lis3dh:
    """A LIS3DH or LIS2DH12 at one address of a bus."""

    name: ClassVar[str] = "lis3dh"
    addresses: ClassVar[tuple[int, ...]] = (0x18, 0x19)
    rates_hz: ClassVar[tuple[int, ...]] = (100, 200, 400)
    usual_rates_hz: ClassVar[tuple[int, int, int]] = (400, 200, 100)
    ranges_g: ClassVar[tuple[int, ...]] = tuple(RANGE_CODES)
    usual_range_g: ClassVar[int] = 2
    fifo_depth: ClassVar[int] = DEPTH
    interrupt_pin: ClassVar[str | None] = "INT1"
    full_scale_counts: ClassVar[Mapping[int, int]] = MappingProxyType(dict.fromkeys(RANGE_CODES, 511))
    scale_g: ClassVar[Mapping[int, float]] = MappingProxyType(
        {range_g: step_mg / 1000 for range_g, step_mg in STEP_MG.items()}
    )

    def __init__(self, bus: I2CBus, address: int, clock: Clock) -> None:
        self._chip = RegisterAccess(bus, address, auto_increment=AUTO_INCREMENT)
        self._clock = clock
        self._settings = SELF_TEST_SETTINGS

    def identify(self) -> Identity:
        """Return the part that answers; raise `ChipError` for another chip, `BusError` for none.

        The LIS2DH12 answers as the LIS3DH does, and so do the LIS2DH, the LSM303AGR and the LIS3DE; the
        last has 8 bits only.
        """
        identity = self._chip.read_identity(
            reg.WHO_AM_I, "a LIS3DH or LIS2DH12 is at 0x18, or at 0x19 where its SDO pin is high"
        )
        if identity != IDENTITY:
            raise ChipError(
                f"address 0x{self._chip.address:02X}: not a LIS3DH: WHO_AM_I reads 0x{identity:02X}, "
                "expected 0x33 (another chip, or SDA and SCL badly connected)"
            )
        return Identity("LIS3DH or LIS2DH12")

    def configure(self, rate_hz: int, range_g: int) -> None:
        """Load the trimming values anew, write every setting and read it back; leaves the chip in standby.

        Takes 10 ms and the transfers. Loading the trimming values is all the chip has of a reset: settings
        survive it.

        Raises
        ------
        SettingsError
            For a rate or range that the chip lacks.
        ChipError
            Where a register does not hold what was written.
        BusError
            Where a transfer fails.
        """
        check_offered("LIS3DH", "rate", rate_hz, self.rates_hz, "Hz")
        check_offered("LIS3DH", "range", range_g, self.ranges_g, "g")
        self._apply(_Settings(rate_hz, range_g))

    def start(self) -> None:
        """Empty the FIFO and begin to measure."""
        self.stop()
        self._chip.write(reg.FIFO_CTRL_REG, 0)
        self._chip.write(reg.FIFO_CTRL_REG, self._settings.fifo_control)
        self._chip.write(reg.CTRL_REG1, self._settings.measure)

    def stop(self) -> None:
        """End measuring; the settings stay."""
        self._chip.write(reg.CTRL_REG1, reg.CTRL_REG1.encode(AXES=ALL_AXES))

    def drain(self) -> Block:
        """Read the sets that wait in the FIFO, at most 32.

        Raises
        ------
        ConfigurationLostError
            Where FIFO_CTRL_REG differs from what was written.
        BusError
            Where a transfer fails; sets may be lost.
        """
        before_ns = self._clock.boot_ns()
        fifo_control, source = self._chip.read_run(reg.FIFO_CTRL_REG, 2)
        after_ns = self._clock.boot_ns()
        self._chip.check(reg.FIFO_CTRL_REG, self._settings.fifo_control, fifo_control)
        level = _level(source)
        overrun = level > 0 and self._may_have_run_over(level, before_ns)
        return Block(
            counts=self._read_sets(level),
            overrun=overrun,
            produced=level,
            boot_ns=(before_ns + after_ns) // 2,
            read_ns=after_ns - before_ns,
        )

    def self_test(self) -> SelfTest:
        """Push the proof mass and see how far it moves, as ST's own driver does.

        Takes about 0.5 s. Leaves the chip in standby, configured as before. The data sheet limits the size
        of the shift and not its direction, so sizes are returned. Movement of the bed can make it fail.
        """
        settings = self._settings
        self._apply(SELF_TEST_SETTINGS)
        self.start()
        at_rest = settled_mean(self.drain, self._clock, SELF_TEST_PACE)
        self._chip.write(reg.CTRL_REG4, SELF_TEST_SETTINGS.control4(pushed=True))
        pushed = settled_mean(self.drain, self._clock, SELF_TEST_PACE)
        self._apply(settings)
        return judge(np.abs(pushed - at_rest), SELF_TEST_LIMITS)

    def measure_set_s(self) -> float:
        """Return the seconds it takes to read one set: the median of a few long reads.

        Call it before `start`: it reads, and so discards, what the FIFO holds.
        """
        return median_read_s(lambda: self._read_sets(TIMED_SETS), self._clock) / TIMED_SETS

    def noise_mg(self, rate_hz: int, range_g: int) -> tuple[float, float, float]:
        """Return the rms noise per axis over half of the rate; density and bandwidth are not confirmed."""
        white_mg = NOISE_UG_PER_ROOT_HZ * 1e-3 * math.sqrt(rate_hz / 2)
        noise_mg = math.hypot(white_mg, STEP_MG[range_g] / math.sqrt(12))
        return noise_mg, noise_mg, noise_mg

    def temperature_c(self) -> float:
        """Return what the thermometer shows; wakes a chip in standby for 30 ms.

        The data sheet promises the change only, one degree in four counts. That zero means 25 C is what ST's
        own driver takes; a part may be off by many degrees.
        """
        in_standby = not reg.CTRL_REG1.decode(self._chip.read(reg.CTRL_REG1))["ODR"]
        if in_standby:
            self._chip.write(reg.CTRL_REG1, _Settings(THERMOMETER_RATE_HZ, SELF_TEST_RANGE_G).measure)
            self._clock.sleep_until(self._clock.boot_ns() + THERMOMETER_NS)
        raw = int.from_bytes(self._chip.read_run(reg.OUT_ADC3_L, 2), "little", signed=True)
        if in_standby:
            self.stop()
        return (raw >> UNUSED_BITS) / COUNTS_PER_C + ZERO_COUNTS_C

    def _apply(self, settings: _Settings) -> None:
        self.stop()
        self._chip.command(reg.CTRL_REG5, reg.CTRL_REG5.encode(BOOT=1))
        self._clock.sleep_until(self._clock.boot_ns() + BOOT_NS)
        for register in reg.UNUSED:
            self._chip.write(register, 0)
        self._chip.write(reg.CTRL_REG3, reg.CTRL_REG3.encode(I1_WTM=1))
        self._chip.write(reg.CTRL_REG4, settings.control4())
        self._chip.write(reg.CTRL_REG5, reg.CTRL_REG5.encode(FIFO_EN=1))
        self._chip.write(reg.CTRL_REG6, 0)
        self._chip.write(reg.TEMP_CFG_REG, reg.TEMP_CFG_REG.encode(ADC_EN=1, TEMP_EN=1))
        self._chip.write(reg.FIFO_CTRL_REG, settings.fifo_control)
        self._settings = settings

    def _may_have_run_over(self, level: int, since_ns: int) -> bool:
        """Return whether there may be no free place any more; there is none at level 32."""
        passed_s = (self._clock.boot_ns() - since_ns) * 1e-9
        return passed_s * self._settings.rate_hz >= DEPTH - level

    def _read_sets(self, count: int) -> NDArray[np.int32]:
        raw = self._chip.read_run(reg.OUT[0], SET_BYTES * count) if count else b""
        counts = np.frombuffer(raw, dtype="<i2").reshape(-1, 3) >> UNUSED_BITS
        return counts.astype(np.int32)


def _level(source: int) -> int:
    """Return how many sets wait by FIFO_SRC_REG."""
    fields = reg.FIFO_SRC_REG.decode(source)
    if fields["EMPTY"]:
        return 0
    return DEPTH if fields["OVRN_FIFO"] else fields["FSS"]
