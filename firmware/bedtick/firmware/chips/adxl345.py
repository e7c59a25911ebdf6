"""The driver of the ADXL345 and the ADXL343, which answer alike: FIFO in stream mode, full resolution.

The FIFO holds 32 sets and one more in the output stage. There is no bulk read: each set is a burst of its
own, and reading any data byte removes the whole set. A burst from INT_SOURCE to FIFO_STATUS takes four
bytes more than the data and pays for them:

    0x30        0x31         0x32 .. 0x37          0x38      0x39
    INT_SOURCE  DATA_FORMAT  X0 X1 Y0 Y1 Z0 Z1     FIFO_CTL  FIFO_STATUS
    overrun?    constant     the set, then popped  constant  sets left

INT_SOURCE must be read before the data, because reading data clears its OVERRUN bit. The two constants show
a chip that lost power or a bus that garbles bytes, in every single set.

Figures are from the Analog Devices data sheet ADXL345.
"""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bedtick.firmware.bus import I2CBus
from bedtick.firmware.chips import adxl345_registers as reg
from bedtick.firmware.chips.access import RegisterAccess, check_offered
from bedtick.firmware.chips.contract import Block, Identity, SelfTest
from bedtick.firmware.chips.self_test import Pace, judge, settled_mean
from bedtick.firmware.chips.timing import median_read_s
from bedtick.firmware.clock import Clock
from bedtick.firmware.errors import ChipError

IDENTITY = 0xE5
RATE_CODES = {100: 0xA, 200: 0xB, 400: 0xC, 800: 0xD}
RANGE_CODES = {2: 0, 4: 1, 8: 2, 16: 3}
NOISE_UG_PER_ROOT_HZ = (290.0, 290.0, 430.0)
COUNTS_PER_G = 256  # typical, full resolution at every range: "Sensitivity" in table 1
STREAM = 2
WATERMARK = 16
FIFO_CONTROL = reg.FIFO_CTL.encode(MODE=STREAM, SAMPLES=WATERMARK)
MEASURE = reg.POWER_CTL.encode(MEASURE=1)
OVERRUN_MASK = 0x01  # INT_SOURCE

SET = np.dtype(
    [
        ("int_source", "u1"),
        ("data_format", "u1"),
        ("counts", "<i2", (3,)),
        ("fifo_ctl", "u1"),
        ("fifo_status", "u1"),
    ]
)

# Self-test, data sheet page 22: change of the output at 2.5 V, and the factor at the 3.3 V of a Pi.
SELF_TEST_RATE_HZ = 100
SELF_TEST_RANGE_G = 16
SELF_TEST_PACE = Pace(settle_ns=80_000_000, average_ns=200_000_000)  # average at least 0.1 s
SELF_TEST_LIMITS = ((50 * 1.77, 540 * 1.77), (-540 * 1.77, -50 * 1.77), (75 * 1.47, 875 * 1.47))

TIMED_SETS = 16


class Adxl345:
    """An ADXL345 or ADXL343 at one address of a bus."""

    name: ClassVar[str] = "adxl345"
    addresses: ClassVar[tuple[int, ...]] = (0x53, 0x1D)
    rates_hz: ClassVar[tuple[int, ...]] = tuple(RATE_CODES)
    usual_rates_hz: ClassVar[tuple[int, int, int]] = (400, 200, 100)
    ranges_g: ClassVar[tuple[int, ...]] = tuple(RANGE_CODES)
    usual_range_g: ClassVar[int] = 4
    fifo_depth: ClassVar[int] = 32
    interrupt_pin: ClassVar[str | None] = "INT1"
    full_scale_counts: ClassVar[Mapping[int, int]] = MappingProxyType(
        {range_g: range_g * COUNTS_PER_G - 1 for range_g in RANGE_CODES}
    )
    scale_g: ClassVar[Mapping[int, float]] = MappingProxyType(dict.fromkeys(RANGE_CODES, 1 / COUNTS_PER_G))

    def __init__(self, bus: I2CBus, address: int, clock: Clock) -> None:
        self._chip = RegisterAccess(bus, address)
        self._clock = clock
        self._data_format = 0
        self._configured: tuple[int, int] | None = None

    def identify(self) -> Identity:
        """Return the part that answers; raise `ChipError` for another chip, `BusError` for none."""
        identity = self._chip.read_identity(
            reg.DEVID, "an ADXL345 is at 0x53, or at 0x1D where its SDO pin is high"
        )
        if identity != IDENTITY:
            raise ChipError(
                f"address 0x{self._chip.address:02X}: not an ADXL345: DEVID reads 0x{identity:02X}, "
                "expected 0xE5 (another chip, or SDA and SCL badly connected)"
            )
        return Identity("ADXL345")

    def configure(self, rate_hz: int, range_g: int) -> None:
        """Write every setting, read each back and compare; leaves the chip in standby.

        Raises
        ------
        SettingsError
            For a rate or range that the chip lacks.
        ChipError
            Where a register does not hold what was written.
        BusError
            Where a transfer fails.
        """
        check_offered("ADXL345", "rate", rate_hz, self.rates_hz, "Hz")
        check_offered("ADXL345", "range", range_g, self.ranges_g, "g")
        self._data_format = reg.DATA_FORMAT.encode(FULL_RES=1, RANGE=RANGE_CODES[range_g])
        self._chip.write(reg.POWER_CTL, 0)
        self._chip.write(reg.INT_ENABLE, 0)  # an interrupt is to be configured while it is off
        for register in reg.UNUSED:
            self._chip.write(register, 0)
        self._chip.write(reg.BW_RATE, reg.BW_RATE.encode(RATE=RATE_CODES[rate_hz]))
        self._chip.write(reg.DATA_FORMAT, self._data_format)
        self._chip.write(reg.FIFO_CTL, FIFO_CONTROL)
        self._chip.write(reg.INT_ENABLE, reg.INT_ENABLE.encode(WATERMARK=1))
        self._configured = (rate_hz, range_g)

    def start(self) -> None:
        """Empty the FIFO, clear its flags and begin to measure."""
        self._chip.write(reg.POWER_CTL, 0)
        self._chip.write(reg.FIFO_CTL, 0)
        self._chip.write(reg.FIFO_CTL, FIFO_CONTROL)
        self._chip.bus.read_many(self._chip.address, reg.DATA[0].address, len(reg.DATA), self.fifo_depth + 1)
        self._chip.write(reg.POWER_CTL, MEASURE)

    def stop(self) -> None:
        """End measuring; the settings stay."""
        self._chip.write(reg.POWER_CTL, 0)

    def drain(self) -> Block:
        """Read the sets that wait in the FIFO, at most 32.

        Raises
        ------
        ConfigurationLostError
            Where FIFO_CTL or DATA_FORMAT differ from what was written, or the level is impossible.
        BusError
            Where a transfer fails; sets may be lost.
        """
        before_ns = self._clock.boot_ns()
        fifo_ctl, status = self._chip.read_run(reg.FIFO_CTL, 2)
        after_ns = self._clock.boot_ns()
        self._chip.check(reg.FIFO_CTL, FIFO_CONTROL, fifo_ctl)
        level = self._checked_level(status)
        sets = self._read_sets(level)
        return Block(
            counts=sets["counts"].astype(np.int32),
            overrun=bool((sets["int_source"] & OVERRUN_MASK).any()),
            produced=level,
            boot_ns=(before_ns + after_ns) // 2,
            read_ns=after_ns - before_ns,
        )

    def self_test(self) -> SelfTest:
        """Run the self-test of data sheet page 22: push the proof mass and see how far it moves.

        Takes about 0.6 s. Leaves the chip in standby, configured as before. Movement of the bed can
        make it fail.
        """
        configured = self._configured
        self.configure(SELF_TEST_RATE_HZ, SELF_TEST_RANGE_G)
        self.start()
        at_rest = settled_mean(self.drain, self._clock, SELF_TEST_PACE)
        self._data_format |= reg.DATA_FORMAT.encode(SELF_TEST=1)
        self._chip.write(reg.DATA_FORMAT, self._data_format)
        pushed = settled_mean(self.drain, self._clock, SELF_TEST_PACE)
        self.configure(*(configured or (SELF_TEST_RATE_HZ, SELF_TEST_RANGE_G)))
        return judge(pushed - at_rest, SELF_TEST_LIMITS)

    def measure_set_s(self) -> float:
        """Return the seconds it takes to read one set: the median of a few bursts.

        Call it before `start`: it reads, and so discards, what the FIFO holds.
        """

        def read() -> None:
            self._chip.bus.read_many(self._chip.address, reg.INT_SOURCE.address, SET.itemsize, TIMED_SETS)

        return median_read_s(read, self._clock) / TIMED_SETS

    def noise_mg(self, rate_hz: int, range_g: int) -> tuple[float, float, float]:  # noqa: ARG002  one step at every range
        """Return the rms noise per axis by table 1 of the data sheet, over half of the rate."""
        x_mg, y_mg, z_mg = (
            math.hypot(density * 1e-3 * math.sqrt(rate_hz / 2), 1e3 / COUNTS_PER_G / math.sqrt(12))
            for density in NOISE_UG_PER_ROOT_HZ
        )
        return x_mg, y_mg, z_mg

    def temperature_c(self) -> None:
        """Return None: the chip has no thermometer."""

    def _read_sets(self, count: int) -> NDArray[np.void]:
        raw = self._chip.bus.read_many(self._chip.address, reg.INT_SOURCE.address, SET.itemsize, count)
        sets: NDArray[np.void] = np.frombuffer(raw, dtype=SET)
        wrong = (sets["fifo_ctl"] != FIFO_CONTROL) | (sets["data_format"] != self._data_format)
        if wrong.any():
            first = sets[wrong][0]
            self._chip.check(reg.FIFO_CTL, FIFO_CONTROL, int(first["fifo_ctl"]))
            self._chip.check(reg.DATA_FORMAT, self._data_format, int(first["data_format"]))
        return sets

    def _checked_level(self, status: int) -> int:
        level = reg.FIFO_STATUS.decode(status)["ENTRIES"]
        if level > self.fifo_depth:
            raise self._chip.garbled(reg.FIFO_STATUS, level, self.fifo_depth)
        return level
