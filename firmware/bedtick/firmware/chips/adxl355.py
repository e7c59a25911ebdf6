"""The driver of the ADXL355: a FIFO of 96 words, one an axis, emptied by one long read.

A drain takes two reads. The first tells overruns and how many words wait, the second is those words:

    0x04    0x05          0x11, which the register pointer does not leave
    STATUS  FIFO_ENTRIES  X X X  Y Y Y  Z Z Z  X X X ...

A set is written word by word, so a level may be caught within one: the driver leaves what is no whole set.
Words are marked (see `adxl355_words`). Where the oldest one is not x, as after a torn transfer, the driver
throws away what is left of that set, reads on to the end of a set and says that samples were lost.

Lost settings cost nothing to notice: a chip that lost its power is in standby with an empty FIFO, so the
settings are read back only where a drain finds nothing.

How a reset can fail, and what is done about it, is told in `adxl355_reset`.

The data sheet allows no more than 800 Hz on a bus of 400 kHz, and asks for a bus without other chips: this
one answers to its own address byte even within another chip's data.

Figures are from the Analog Devices data sheet ADXL354/ADXL355, revision D.
"""

import math
from collections.abc import Mapping
from statistics import median
from types import MappingProxyType
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bedtick.firmware.bus import I2CBus
from bedtick.firmware.chips import adxl355_registers as reg
from bedtick.firmware.chips.access import RegisterAccess, check_offered
from bedtick.firmware.chips.adxl355_reset import WATERMARK_ON_INT1, Adxl355Reset
from bedtick.firmware.chips.adxl355_words import (
    SET_WORDS,
    WORD_BYTES,
    counts_of,
    in_order,
    words_before_x,
)
from bedtick.firmware.chips.contract import Block, Identity, SelfTest
from bedtick.firmware.chips.self_test import Pace, judge, settled_mean
from bedtick.firmware.chips.timing import median_read_s
from bedtick.firmware.clock import Clock
from bedtick.firmware.errors import ChipError, ConfigurationLostError
from bedtick.firmware.registers import Register

IDENTITY = bytes((0xAD, 0x1D, 0xED))
ADXL359_PART = 0xE9
ADXL345_IDENTITY = 0xE5
RATE_CODES = {125: 5, 250: 4, 500: 3, 1000: 2}
RANGE_CODES = {2: 1, 4: 2, 8: 3}
COUNTS_PER_G = {2: 256_000, 4: 128_000, 8: 64_000}
LARGEST_COUNT = (1 << 19) - 1
# Table 2 gives 22.5 at 2 g and 25 at 8 g; nothing is said of 4 g, for which the larger one is taken.
NOISE_UG_PER_ROOT_HZ = {2: 22.5, 4: 25.0, 8: 25.0}
# By table 10 a quarter of the rate is damped by 1.83 dB. So does a filter that averages twice over one
# sample interval, which lets white noise through as an ideal low-pass at a third of the rate would.
NOISE_BANDWIDTH = 1 / 3

MOST_WORDS = 96
OVERRUN_MASK = 0x04  # STATUS
WATERMARK_SETS = 16
WATERMARK_S = 0.04

STANDBY = reg.POWER_CTL.encode(STANDBY=1)
MEASURE = 0

# Table 2: the change of the output when ST2 is set while ST1 is; it is the same at every range.
SELF_TEST_RATE_HZ = 125
SELF_TEST_RANGE_G = 8
SELF_TEST_PACE = Pace(settle_ns=100_000_000, average_ns=200_000_000)
SELF_TEST_LIMITS_G = ((0.1, 0.6), (0.1, 0.6), (0.5, 3.0))

TEMPERATURE_NS = 20_000_000  # from standby on; table 2 gives 10 ms for the acceleration, nothing for this
TEMPERATURE_READS = 3


class Adxl355:
    """An ADXL355 at one address of a bus."""

    name: ClassVar[str] = "adxl355"
    addresses: ClassVar[tuple[int, ...]] = (0x1D, 0x53)
    rates_hz: ClassVar[tuple[int, ...]] = tuple(RATE_CODES)
    usual_rates_hz: ClassVar[tuple[int, int, int]] = (500, 250, 125)
    ranges_g: ClassVar[tuple[int, ...]] = tuple(RANGE_CODES)
    usual_range_g: ClassVar[int] = 4
    fifo_depth: ClassVar[int] = MOST_WORDS // SET_WORDS
    interrupt_pin: ClassVar[str | None] = "INT1"
    full_scale_counts: ClassVar[Mapping[int, int]] = MappingProxyType(
        dict.fromkeys(RANGE_CODES, LARGEST_COUNT)
    )
    scale_g: ClassVar[Mapping[int, float]] = MappingProxyType(
        {range_g: 1 / counts for range_g, counts in COUNTS_PER_G.items()}
    )

    def __init__(self, bus: I2CBus, address: int, clock: Clock) -> None:
        self._chip = RegisterAccess(bus, address)
        self._clock = clock
        self._resets = Adxl355Reset(self._chip, clock)
        self._held: dict[Register, int] = {}
        self._configured: tuple[int, int] | None = None

    def identify(self) -> Identity:
        """Return the part that answers; raise `ChipError` for another chip, `BusError` for none."""
        first = self._chip.read_identity(
            reg.DEVID_AD, "an ADXL355 is at 0x1D, or at 0x53 where its ASEL pin is high"
        )
        identity = bytes((first,))
        if first == IDENTITY[0]:  # a stranger is asked no more
            identity += self._chip.read_run(reg.DEVID_MST, len(IDENTITY) - 1)
        if identity != IDENTITY:
            raise ChipError(
                f"address 0x{self._chip.address:02X}: not an ADXL355: DEVID_AD and what follows reads "
                f"{_hex(identity)}, expected {_hex(IDENTITY)} ({_likely(identity)})"
            )
        return Identity("ADXL355")

    def configure(self, rate_hz: int, range_g: int) -> None:
        """Reset the chip, write every setting, read each back and compare; leaves the chip in standby.

        Raises
        ------
        SettingsError
            For a rate or range that the chip lacks.
        ChipError
            Where a register does not hold what was written, or no reset loads the factory settings.
        BusError
            Where a transfer fails.
        """
        check_offered("ADXL355", "rate", rate_hz, self.rates_hz, "Hz")
        check_offered("ADXL355", "range", range_g, self.ranges_g, "g")
        self._resets.reset()
        watermark_sets = min(WATERMARK_SETS, round(WATERMARK_S * rate_hz))
        self._set(reg.POWER_CTL, STANDBY)
        self._set(reg.SELF_TEST, 0)
        self._set(reg.SYNC, 0)
        self._set(reg.FILTER, reg.FILTER.encode(ODR_LPF=RATE_CODES[rate_hz]))
        self._set(reg.FIFO_SAMPLES, SET_WORDS * watermark_sets)
        # I2C_HS stays as after the reset.
        self._set(reg.RANGE, reg.RANGE.encode(I2C_HS=1, INT_POL=1, RANGE=RANGE_CODES[range_g]))
        self._set(reg.INT_MAP, WATERMARK_ON_INT1)
        self._configured = (rate_hz, range_g)

    def start(self) -> None:
        """Empty the FIFO, clear its overrun flag and begin to measure."""
        self._set(reg.POWER_CTL, STANDBY)
        self._chip.read_run(reg.FIFO_DATA, MOST_WORDS * WORD_BYTES)
        self._chip.read(reg.STATUS)
        self._set(reg.POWER_CTL, MEASURE)

    def stop(self) -> None:
        """End measuring; the settings stay."""
        self._set(reg.POWER_CTL, STANDBY)

    def drain(self) -> Block:
        """Read the whole sets that wait in the FIFO, at most 32.

        Raises
        ------
        ConfigurationLostError
            Where nothing waits and a setting differs from what was written, the level is impossible, or
            the marks of the words are out of step.
        BusError
            Where a transfer fails; sets may be lost.
        """
        before_ns = self._clock.boot_ns()
        status, words = self._chip.read_run(reg.STATUS, 2)
        after_ns = self._clock.boot_ns()
        level = self._checked_level(words)
        counts, torn = self._read_sets(level)
        return Block(
            counts=counts,
            overrun=torn or bool(status & OVERRUN_MASK),
            produced=level,
            boot_ns=(before_ns + after_ns) // 2,
            read_ns=after_ns - before_ns,
        )

    def self_test(self) -> SelfTest:
        """Push the proof mass and see how far it moves ("Self test" in the data sheet).

        Takes about 0.7 s. Leaves the chip in standby, configured as before. While it runs, the chip is
        said to leave out what acts on it from outside.
        """
        configured = self._configured
        self.configure(SELF_TEST_RATE_HZ, SELF_TEST_RANGE_G)
        self.start()
        self._set(reg.SELF_TEST, reg.SELF_TEST.encode(ST1=1))
        at_rest = settled_mean(self.drain, self._clock, SELF_TEST_PACE)
        self._set(reg.SELF_TEST, reg.SELF_TEST.encode(ST1=1, ST2=1))
        pushed = settled_mean(self.drain, self._clock, SELF_TEST_PACE)
        self.configure(*(configured or (SELF_TEST_RATE_HZ, SELF_TEST_RANGE_G)))
        per_g = COUNTS_PER_G[SELF_TEST_RANGE_G]
        x, y, z = ((low * per_g, high * per_g) for low, high in SELF_TEST_LIMITS_G)
        return judge(pushed - at_rest, (x, y, z))

    def measure_set_s(self) -> float:
        """Return the seconds it takes to read one set: the median of a few drains of 16 sets.

        Call it before `start`: it reads, and so discards, what the FIFO holds.
        """

        def read() -> None:
            self._chip.read_run(reg.STATUS, 2)
            self._chip.read_run(reg.FIFO_DATA, WATERMARK_SETS * SET_WORDS * WORD_BYTES)

        return median_read_s(read, self._clock) / WATERMARK_SETS

    def noise_mg(self, rate_hz: int, range_g: int) -> tuple[float, float, float]:
        """Return the rms noise per axis by table 2 of the data sheet, over a third of the rate."""
        white_mg = NOISE_UG_PER_ROOT_HZ[range_g] * 1e-3 * math.sqrt(rate_hz * NOISE_BANDWIDTH)
        noise_mg = math.hypot(white_mg, 1e3 / COUNTS_PER_G[range_g] / math.sqrt(12))
        return noise_mg, noise_mg, noise_mg

    def temperature_c(self) -> float:
        """Return the temperature of the chip; in standby it measures for 20 ms to know.

        By table 2: 1885 counts at 25 degrees, 9.05 fewer for each degree more. The two bytes may belong to
        two values, so of three readings the middle one is taken.
        """
        was_standby = self._held.get(reg.POWER_CTL) != MEASURE
        if was_standby:
            self._set(reg.POWER_CTL, MEASURE)
            self._clock.sleep_until(self._clock.boot_ns() + TEMPERATURE_NS)
        readings = [self._chip.read_run(reg.TEMP2, 2) for _ in range(TEMPERATURE_READS)]
        if was_standby:
            self._set(reg.POWER_CTL, STANDBY)
        raw = median(int.from_bytes(reading) & 0x0FFF for reading in readings)
        return 25.0 - (raw - 1885) / 9.05

    def _set(self, register: Register, value: int) -> None:
        self._chip.write(register, value)
        self._held[register] = value

    def _checked_level(self, words: int) -> int:
        """Return how many whole sets wait."""
        if words > MOST_WORDS:
            raise self._chip.garbled(reg.FIFO_ENTRIES, math.ceil(words / SET_WORDS), self.fifo_depth)
        level = words // SET_WORDS
        if not level:
            settings = self._chip.read_run(reg.SETTINGS[0], len(reg.SETTINGS))
            for register, got in zip(reg.SETTINGS, settings, strict=True):
                self._chip.check(register, self._held[register], got)
        return level

    def _read_sets(self, level: int) -> tuple[NDArray[np.int32], bool]:
        """Return whole sets, and whether the rest of a torn one was thrown away in front of them."""
        words = self._read_words(level * SET_WORDS)
        torn_words = words_before_x(words)
        if torn_words:
            words = np.concatenate((words[torn_words:], self._read_words(torn_words)))
        if not in_order(words):
            raise ConfigurationLostError(
                f"address 0x{self._chip.address:02X}: FIFO_DATA gives words out of order: the bus garbles "
                "bytes (loose wire or weak pull-ups?)",
                address=self._chip.address,
            )
        return counts_of(words), torn_words > 0

    def _read_words(self, count: int) -> NDArray[np.uint8]:
        """Return words as bytes; uint8, shape (count, 3)."""
        raw = self._chip.read_run(reg.FIFO_DATA, count * WORD_BYTES) if count else b""
        return np.frombuffer(raw, dtype=np.uint8).reshape(-1, WORD_BYTES)


def _hex(values: bytes) -> str:
    return " ".join(f"0x{value:02X}" for value in values)


def _likely(identity: bytes) -> str:
    if identity[0] == ADXL345_IDENTITY:
        return "that is an ADXL345: use --chip adxl345"
    if identity[-1] == ADXL359_PART:
        return "that is an ADXL359, whose ranges are too wide for a bed"
    return "another chip, or SDA and SCL badly connected"
