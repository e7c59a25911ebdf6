"""The driver of the LSM6DSOX and the LSM6DSO, which answer alike: accelerometer alone, continuous FIFO.

The FIFO holds 512 words of seven bytes. Reading beyond the last byte of a word goes on with the first byte
of the next, so one long read fetches many:

    0x78                     0x79 .. 0x7E
    sensor, count, parity    X0 X1 Y0 Y1 Z0 Z1      the next word: 0x78 again

A drain is one read of level and flags, and one read for every 64 words. Settings are too far away to be
read along with either, and a chip that lost its power has an empty FIFO: so they are read where the FIFO
is empty or holds words of other sensors, and in one drain of 32 besides.

Other parts of the family answer to the same identity. The LSM6DSO32 has twice the range at each setting,
so that gravity reads as half of what it is.

Figures are from ST's data sheets LSM6DSOX and LSM6DSO (DS12140), the order of the reset from Linux
(st_lsm6dsx).
"""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bedtick.firmware.bus import I2CBus
from bedtick.firmware.chips import lsm6dsox_registers as reg
from bedtick.firmware.chips.access import RegisterAccess, check_offered
from bedtick.firmware.chips.contract import Block, Identity, SelfTest
from bedtick.firmware.chips.self_test import Pace, judge, settled_mean
from bedtick.firmware.chips.timing import median_read_s
from bedtick.firmware.clock import Clock
from bedtick.firmware.errors import ChipError
from bedtick.firmware.registers import Register

IDENTITY = 0x6C
OLDER_PARTS = {0x69: "LSM6DS3", 0x6A: "LSM6DS3TR-C or LSM6DSL"}
RATE_CODES = {104: 4, 208: 5, 416: 6, 833: 7}
RANGE_CODES = {2: 0, 4: 2, 8: 3, 16: 1}
FINEST_STEP_G = 0.061e-3  # at 2 g, doubled with each range: "Linear acceleration sensitivity" in table 2
NOISE_UG_PER_ROOT_HZ = {2: 70.0, 4: 75.0, 8: 80.0, 16: 110.0}  # high-performance mode; not confirmed
CONTINUOUS = 6
WATERMARK_S = 0.04
ACCELEROMETER = 2  # the sensor in the first byte of a word
OVERRUN_MASK = 0x48  # FIFO_STATUS2: now, and since it was read last

WORD = np.dtype([("tag", "u1"), ("counts", "<i2", (3,))])
WORDS_PER_READ = 64  # 448 bytes: 41 ms at 100 kHz
CHECK_EVERY = 32  # drains
SETTINGS = reg.CTRL9_XL.address - reg.FIFO_CTRL1.address + 1  # from FIFO_CTRL1 on, read in one burst

RESET_NS = 50_000_000  # as Linux waits; the data sheet asks for 10 ms after BOOT
WARM_UP_NS = 60_000_000  # the thermometer runs at 52 Hz, and only while the accelerometer does
COUNTS_PER_CELSIUS = 256
ZERO_COUNTS_CELSIUS = 25.0

# Self-test as ST's own example does it: 52 Hz, 4 g; the limits, table 2, hold at every range.
SELF_TEST_RATE_CODE = 3
SELF_TEST_RANGE_G = 4
SELF_TEST_PACE = Pace(settle_ns=120_000_000, average_ns=100_000_000)  # drop what is older, average five
SELF_TEST_LIMITS_MG = (50.0, 1700.0)


class Lsm6dsox:
    """An LSM6DSOX or LSM6DSO at one address of a bus."""

    name: ClassVar[str] = "lsm6dsox"
    addresses: ClassVar[tuple[int, ...]] = (0x6A, 0x6B)
    rates_hz: ClassVar[tuple[int, ...]] = tuple(RATE_CODES)
    usual_rates_hz: ClassVar[tuple[int, int, int]] = (416, 208, 104)
    ranges_g: ClassVar[tuple[int, ...]] = tuple(RANGE_CODES)
    usual_range_g: ClassVar[int] = 4
    fifo_depth: ClassVar[int] = 512
    # Not INT1: where that is high during a reset, the chip speaks nothing but I3C afterwards.
    interrupt_pin: ClassVar[str | None] = "INT2"
    full_scale_counts: ClassVar[Mapping[int, int]] = MappingProxyType(dict.fromkeys(RANGE_CODES, 32767))
    scale_g: ClassVar[Mapping[int, float]] = MappingProxyType(
        {range_g: FINEST_STEP_G * range_g / 2 for range_g in RANGE_CODES}
    )

    def __init__(self, bus: I2CBus, address: int, clock: Clock) -> None:
        self._chip = RegisterAccess(bus, address)
        self._clock = clock
        self._settings: dict[Register, int] = {}
        self._configured: tuple[int, int] | None = None
        self._measure = 0
        self._standby = 0
        self._drains = 0

    def identify(self) -> Identity:
        """Return the part that answers; raise `ChipError` for another chip, `BusError` for none."""
        identity = self._chip.read_identity(
            reg.WHO_AM_I, "an LSM6DSOX is at 0x6A, or at 0x6B where its SDO pin is high"
        )
        if identity == IDENTITY:
            return Identity("LSM6DSOX")
        where = f"address 0x{self._chip.address:02X}"
        if identity in OLDER_PARTS:
            raise ChipError(
                f"{where}: an {OLDER_PARTS[identity]} (WHO_AM_I reads 0x{identity:02X}) is not supported: "
                "its FIFO is another (use an LSM6DSOX or LSM6DSO)"
            )
        raise ChipError(
            f"{where}: not an LSM6DSOX: WHO_AM_I reads 0x{identity:02X}, expected 0x6C "
            "(another chip, or SDA and SCL badly connected)"
        )

    def configure(self, rate_hz: int, range_g: int) -> None:
        """Reset the chip, write every setting, read each back and compare; leaves the chip in standby.

        Takes 0.1 s.

        Raises
        ------
        SettingsError
            For a rate or range that the chip lacks.
        ChipError
            Where a register does not hold what was written.
        BusError
            Where a transfer fails.
        """
        check_offered("LSM6DSOX", "rate", rate_hz, self.rates_hz, "Hz")
        check_offered("LSM6DSOX", "range", range_g, self.ranges_g, "g")
        self._reset()
        self._set_up(RATE_CODES[rate_hz], range_g, round(rate_hz * WATERMARK_S))
        self._configured = (rate_hz, range_g)

    def start(self) -> None:
        """Empty the FIFO, clear its flags and begin to measure."""
        self._hold(reg.CTRL1_XL, self._standby)
        self._hold(reg.FIFO_CTRL4, 0)
        self._chip.read_run(reg.FIFO_STATUS1, 2)
        self._hold(reg.FIFO_CTRL4, reg.FIFO_CTRL4.encode(MODE=CONTINUOUS))
        self._hold(reg.CTRL1_XL, self._measure)

    def stop(self) -> None:
        """End measuring; the settings stay."""
        self._hold(reg.CTRL1_XL, self._standby)

    def drain(self) -> Block:
        """Read the sets that wait in the FIFO when its level is read.

        `overrun` is also told where the FIFO was just full and nothing is lost yet: the chip has one flag
        for both.

        Raises
        ------
        ConfigurationLostError
            Where a setting differs from what was written, or the level is impossible.
        BusError
            Where a transfer fails; sets may be lost.
        """
        before_ns = self._clock.boot_ns()
        low, high = self._chip.read_run(reg.FIFO_STATUS1, 2)
        after_ns = self._clock.boot_ns()
        level = self._checked_level(low, high)
        words = self._read_words(level)
        counts = words["counts"][words["tag"] >> 3 == ACCELEROMETER].astype(np.int32)
        self._drains += 1
        if not len(counts) or len(counts) < level or self._drains % CHECK_EVERY == 0:
            self._check_settings()
        return Block(
            counts=counts,
            overrun=bool(high & OVERRUN_MASK),
            produced=len(counts),
            boot_ns=(before_ns + after_ns) // 2,
            read_ns=after_ns - before_ns,
        )

    def self_test(self) -> SelfTest:
        """Run ST's self-test: push the proof mass and see how far it moves, whatever the direction.

        Takes about 0.7 s. Leaves the chip in standby, configured as before. Movement of the bed can
        make it fail.
        """
        configured = self._configured
        self._reset()
        self._set_up(SELF_TEST_RATE_CODE, SELF_TEST_RANGE_G, watermark=1)
        self.start()
        at_rest = settled_mean(self.drain, self._clock, SELF_TEST_PACE)
        self._hold(reg.CTRL5_C, reg.CTRL5_C.encode(ST_XL=1))
        pushed = settled_mean(self.drain, self._clock, SELF_TEST_PACE)
        self.configure(*(configured or (self.usual_rates_hz[0], self.usual_range_g)))
        lowest, highest = (limit / 1e3 / self.scale_g[SELF_TEST_RANGE_G] for limit in SELF_TEST_LIMITS_MG)
        return judge(np.abs(pushed - at_rest), ((lowest, highest),) * 3)

    def measure_set_s(self) -> float:
        """Return the seconds it takes to read one set: the median of a few long reads.

        Call it before `start`: it reads, and so discards, what the FIFO holds.
        """
        return median_read_s(lambda: self._read_words(WORDS_PER_READ), self._clock) / WORDS_PER_READ

    def noise_mg(self, rate_hz: int, range_g: int) -> tuple[float, float, float]:
        """Return the rms noise per axis in high-performance mode, over half of the rate; not confirmed."""
        white_mg = NOISE_UG_PER_ROOT_HZ[range_g] * 1e-3 * math.sqrt(rate_hz / 2)
        noise_mg = math.hypot(white_mg, 1e3 * self.scale_g[range_g] / math.sqrt(12))
        return noise_mg, noise_mg, noise_mg

    def temperature_c(self) -> float:
        """Return what the chip's thermometer shows.

        It runs only while the accelerometer does: in standby that is switched on for 60 ms.
        """
        resting = self._settings.get(reg.CTRL1_XL, self._standby) == self._standby
        if resting:
            self._chip.write(reg.CTRL1_XL, self._measure)
            self._sleep(WARM_UP_NS)
        raw = int.from_bytes(self._chip.read_run(reg.OUT_TEMP_L, 2), "little", signed=True)
        if resting:
            self._chip.write(reg.CTRL1_XL, self._standby)
        return ZERO_COUNTS_CELSIUS + raw / COUNTS_PER_CELSIUS

    def _reset(self) -> None:
        """Bring back the reset values, and the trimming from the chip's memory.

        The FIFO goes first: with words coming in the chip may refuse the reset, and one whose INT1 is high
        during the reset listens to I3C only until its power is taken away.
        """
        self._settings.clear()
        self._chip.write(reg.FUNC_CFG_ACCESS, 0)
        for register in (reg.INT1_CTRL, reg.MD1_CFG, reg.FIFO_CTRL4):
            self._chip.write(register, 0)
        for step in ("SW_RESET", "BOOT"):
            self._chip.command(reg.CTRL3_C, reg.CTRL3_C.encode(IF_INC=1, **{step: 1}))
            self._sleep(RESET_NS)

    def _set_up(self, rate_code: int, range_g: int, watermark: int) -> None:
        self._standby = reg.CTRL1_XL.encode(FS=RANGE_CODES[range_g])
        self._measure = reg.CTRL1_XL.encode(ODR=rate_code, FS=RANGE_CODES[range_g])
        self._hold(reg.CTRL3_C, reg.CTRL3_C.encode(BDU=1, IF_INC=1))
        self._hold(reg.CTRL9_XL, reg.CTRL9_XL.encode(DEN_AXES=0b111, I3C_DISABLE=1))
        for register in (reg.CTRL2_G, reg.CTRL4_C, reg.CTRL5_C, reg.CTRL6_C, reg.CTRL7_G, reg.CTRL8_XL):
            self._hold(register, 0)
        self._hold(reg.CTRL1_XL, self._standby)
        self._hold(reg.INT1_CTRL, 0)
        self._hold(reg.INT2_CTRL, reg.INT2_CTRL.encode(FIFO_TH=1))
        self._hold(reg.FIFO_CTRL1, watermark)
        self._hold(reg.FIFO_CTRL2, 0)
        self._hold(reg.FIFO_CTRL3, reg.FIFO_CTRL3.encode(BDR_XL=rate_code))
        self._hold(reg.FIFO_CTRL4, 0)

    def _hold(self, register: Register, value: int) -> None:
        """Write a setting, read it back, and remember what `_check_settings` is to find."""
        self._chip.write(register, value)
        self._settings[register] = value

    def _check_settings(self) -> None:
        found = self._chip.read_run(reg.FIFO_CTRL1, SETTINGS)
        for register, value in self._settings.items():
            self._chip.check(register, value, found[register.address - reg.FIFO_CTRL1.address])

    def _checked_level(self, low: int, high: int) -> int:
        level = reg.FIFO_STATUS2.decode(high)["LEVEL_HIGH"] << 8 | low
        if level > self.fifo_depth:
            raise self._chip.garbled(reg.FIFO_STATUS1, level, self.fifo_depth)
        return level

    def _read_words(self, count: int) -> NDArray[np.void]:
        reads = [
            self._chip.read_run(reg.FIFO_DATA_OUT_TAG, WORD.itemsize * min(WORDS_PER_READ, count - done))
            for done in range(0, count, WORDS_PER_READ)
        ]
        words: NDArray[np.void] = np.frombuffer(b"".join(reads), dtype=WORD)
        return words

    def _sleep(self, duration_ns: int) -> None:
        self._clock.sleep_until(self._clock.boot_ns() + duration_ns)
