"""The driver of the MPU6050 and its relatives: the accelerometer alone, its FIFO drained by one long read.

`mpu6050_fifo` drains the FIFO in two transactions. The control registers can not be had in the same read as
the count: a port to the memory of the motion processor, at which the register pointer would stay, lies
between. So they are read only where no set waits or the last one looks dead: a chip that lost power is
asleep and its FIFO off, so its count is 0.

The gyros are off and the clock is the internal oscillator, as section 7.15 of the product specification
advises for the accelerometer alone: 0.5 mA instead of 3.8 mA, and so less drift by self-heating. A gyro's
clock would be steadier, but the sample clock measures the rate anyway.

Rates are those in whole hertz that dividing 1 kHz gives; the low-pass filter is the widest below half of the
rate. There is no watermark interrupt. Figures are from InvenSense PS-MPU-6000A, revision 3.4.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bedtick.firmware.bus import I2CBus
from bedtick.firmware.chips import mpu6050_registers as reg
from bedtick.firmware.chips.access import RegisterAccess, check_offered
from bedtick.firmware.chips.contract import Block, Identity, SelfTest
from bedtick.firmware.chips.mpu6050_fifo import ACCEL, ON, Mpu6050Fifo
from bedtick.firmware.chips.mpu6050_parts import MPU6050, PARTS, SET_BYTES
from bedtick.firmware.chips.self_test import Pace, judge, settled_mean
from bedtick.firmware.chips.timing import median_read_s
from bedtick.firmware.clock import Clock
from bedtick.firmware.errors import ChipError

BASE_HZ = 1000
FILTER_CODES = {100: 3, 125: 3, 200: 2, 250: 2, 500: 1, 1000: 1}
BANDWIDTHS_HZ = {1: 184, 2: 94, 3: 44}  # RM-MPU-6000A section 4.3; later parts within a few hertz
RANGE_CODES = {2: 0, 4: 1, 8: 2, 16: 3}
LARGEST_COUNT = 32767

AWAKE = reg.PWR_MGMT_1.encode()
ASLEEP = reg.PWR_MGMT_1.encode(SLEEP=1)
GYROS_OFF = reg.PWR_MGMT_2.encode(STBY_GYRO=7)
RESET_NS = 100_000_000
WAKE_NS = 30_000_000  # the accelerometer starts in 20 ms on an MPU6050, in 30 ms on an MPU6500

SELF_TEST_RATE_HZ = 250
SELF_TEST_PACE = Pace(settle_ns=50_000_000, average_ns=150_000_000)
PUSH_ALL = reg.ACCEL_CONFIG.encode(XA_ST=1, YA_ST=1, ZA_ST=1)

TIMED_SETS = 16


class Mpu6050:
    """An MPU6050 or a relative of it at one address of a bus."""

    name: ClassVar[str] = "mpu6050"
    addresses: ClassVar[tuple[int, ...]] = (0x68, 0x69)
    rates_hz: ClassVar[tuple[int, ...]] = tuple(FILTER_CODES)
    usual_rates_hz: ClassVar[tuple[int, int, int]] = (500, 200, 100)
    ranges_g: ClassVar[tuple[int, ...]] = tuple(RANGE_CODES)
    usual_range_g: ClassVar[int] = 4
    # How often to drain is decided before the part is known: what holds for the smallest holds for all.
    fifo_depth: ClassVar[int] = min(part.fifo_sets for part in PARTS.values())
    interrupt_pin: ClassVar[str | None] = None
    full_scale_counts: ClassVar[Mapping[int, int]] = MappingProxyType(
        dict.fromkeys(RANGE_CODES, LARGEST_COUNT)
    )
    scale_g: ClassVar[Mapping[int, float]] = MappingProxyType(
        {range_g: range_g / (LARGEST_COUNT + 1) for range_g in RANGE_CODES}
    )

    def __init__(self, bus: I2CBus, address: int, clock: Clock) -> None:
        self._chip = RegisterAccess(bus, address)
        self._fifo = Mpu6050Fifo(self._chip, clock)
        self._clock = clock
        self._part = MPU6050
        self._accel_config = 0
        self._power = ASLEEP
        self._configured: tuple[int, int] | None = None

    def identify(self) -> Identity:
        """Return the part that answers; raise `ChipError` for another chip, `BusError` for none."""
        identity = self._chip.read_identity(
            reg.WHO_AM_I, "an MPU6050 is at 0x68, or at 0x69 where its AD0 pin is high"
        )
        if identity not in PARTS:
            raise ChipError(
                f"address 0x{self._chip.address:02X}: not an MPU6050: WHO_AM_I reads 0x{identity:02X}, "
                "expected 0x68 (another chip, such as a clock module, or SDA and SCL badly connected)"
            )
        self._part = PARTS[identity]
        return Identity(self._part.model, self._part.remark)

    def configure(self, rate_hz: int, range_g: int) -> None:
        """Reset the chip, write every setting, read each back and compare; leaves the chip asleep.

        Takes 0.13 s, most of it for the reset. Asks for the part's identity, by which its settings differ.

        Raises
        ------
        SettingsError
            For a rate or range that the chip lacks.
        ChipError
            For another chip, or where a register does not hold what was written.
        BusError
            Where a transfer fails.
        """
        check_offered("MPU6050", "rate", rate_hz, self.rates_hz, "Hz")
        check_offered("MPU6050", "range", range_g, self.ranges_g, "g")
        self.identify()
        self._reset()
        self._accel_config = reg.ACCEL_CONFIG.encode(AFS_SEL=RANGE_CODES[range_g])
        self._chip.write(reg.INT_PIN_CFG, 0)
        self._chip.write(reg.INT_ENABLE, reg.INT_ENABLE.encode(FIFO_OFLOW=1))  # that INT_STATUS may tell
        self._chip.write(reg.SMPLRT_DIV, BASE_HZ // rate_hz - 1)
        self._chip.write(reg.CONFIG, reg.CONFIG.encode(DLPF_CFG=FILTER_CODES[rate_hz]))
        self._chip.write(reg.ACCEL_CONFIG, self._accel_config)
        if self._part.has_own_filter:
            self._chip.write(reg.ACCEL_CONFIG2, reg.ACCEL_CONFIG2.encode(A_DLPF_CFG=FILTER_CODES[rate_hz]))
        self._set_power(ASLEEP)
        self._configured = (rate_hz, range_g)

    def start(self) -> None:
        """Wake the chip, wait until the accelerometer is up, and begin with an empty FIFO."""
        self._set_power(AWAKE)
        self._fifo.begin_anew()
        self._check_control()
        self._chip.check(reg.FIFO_EN, ACCEL, self._chip.read(reg.FIFO_EN))

    def stop(self) -> None:
        """Put the chip to sleep; the settings stay, and so does what waits in the FIFO."""
        self._chip.write(reg.FIFO_EN, 0)
        self._set_power(ASLEEP)

    def drain(self) -> Block:
        """Read the whole sets that wait in the FIFO.

        Raises
        ------
        ConfigurationLostError
            Where the chip has forgotten its settings, or the count is impossible.
        BusError
            Where a transfer fails; where it broke off, the next drain begins anew.
        """
        rate_hz, _ = self._configured or (BASE_HZ, 0)
        block = self._fifo.drain(self._part.fifo_sets, rate_hz)
        if not block.overrun and looks_dead(block.counts):
            self._check_control()
        return block

    def self_test(self) -> SelfTest:
        """Run the self-test: push the proof mass and compare its movement with the factory's.

        Takes about 0.75 s. Leaves the chip in standby, configured as before. Movement of the bed can
        make it fail. `mpu6050_parts` says what it is judged by.
        """
        configured = self._configured
        self.identify()
        push = self._part.push
        self.configure(SELF_TEST_RATE_HZ, push.range_g)
        self.start()
        at_rest = settled_mean(self.drain, self._clock, SELF_TEST_PACE)
        self._chip.write(reg.ACCEL_CONFIG, self._accel_config | PUSH_ALL)
        pushed = settled_mean(self.drain, self._clock, SELF_TEST_PACE)
        x, y, z = push.codes(self._chip.read_run(reg.SELF_TEST_X, 4))
        self.configure(*(configured or (SELF_TEST_RATE_HZ, push.range_g)))
        result = judge(
            pushed - at_rest, (push.limits_counts(x), push.limits_counts(y), push.limits_counts(z))
        )
        if x and y and z:
            return result
        return replace(result, sentence=f"{result.sentence} (compared with any part's: no factory trim)")

    def measure_set_s(self) -> float:
        """Return the seconds it takes to read one set: the median of a few reads of count and sets.

        Call it before `start`: it reads, and so discards, what the FIFO holds.
        """

        def read() -> None:
            self._chip.read_run(reg.FIFO_COUNT[0], len(reg.FIFO_COUNT))
            self._chip.read_run(reg.FIFO_R_W, SET_BYTES * TIMED_SETS)

        return median_read_s(read, self._clock) / TIMED_SETS

    def noise_mg(self, rate_hz: int, range_g: int) -> tuple[float, float, float]:
        """Return the rms noise per axis: the density in section 6.2 over the bandwidth of the filter."""
        white_mg = self._part.noise_ug_per_root_hz * 1e-3 * math.sqrt(BANDWIDTHS_HZ[FILTER_CODES[rate_hz]])
        rms_mg = math.hypot(white_mg, self.scale_g[range_g] * 1e3 / math.sqrt(12))
        return rms_mg, rms_mg, rms_mg

    def temperature_c(self) -> float | None:
        """Return the temperature of the chip; None for a part whose scale is not known.

        A sleeping chip is woken for it, which takes 30 ms.
        """
        thermometer = self._part.thermometer
        if thermometer is None:
            return None
        power = self._power
        if power == ASLEEP:
            self._set_power(AWAKE)
        word = self._chip.read_run(reg.TEMP_OUT[0], len(reg.TEMP_OUT))
        if power == ASLEEP:
            self._set_power(ASLEEP)
        return int.from_bytes(word, "big", signed=True) / thermometer.counts_per_c + thermometer.zero_c

    def _reset(self) -> None:
        """Reset every register; what the chip's power registers hold afterwards differs between parts."""
        self._chip.command(reg.PWR_MGMT_1, reg.PWR_MGMT_1.encode(DEVICE_RESET=1))
        self._wait(RESET_NS)
        self._set_power(AWAKE)
        self._chip.write(reg.PWR_MGMT_2, GYROS_OFF)
        self._chip.write(reg.FIFO_EN, 0)
        self._chip.write(reg.USER_CTRL, 0)

    def _set_power(self, value: int) -> None:
        self._chip.write(reg.PWR_MGMT_1, value)
        self._power = value
        if value == AWAKE:
            self._wait(WAKE_NS)

    def _wait(self, duration_ns: int) -> None:
        self._clock.sleep_until(self._clock.boot_ns() + duration_ns)

    def _check_control(self) -> None:
        """Raise `ConfigurationLostError` where the chip is not in the state it was put in."""
        user_ctrl, power, standby = self._chip.read_run(reg.USER_CTRL, 3)
        self._chip.check(reg.PWR_MGMT_1, self._power, power)
        self._chip.check(reg.PWR_MGMT_2, GYROS_OFF, standby)
        self._chip.check(reg.USER_CTRL, ON, user_ctrl)


def looks_dead(counts: NDArray[np.int32]) -> bool:
    """Return whether no set came, or the last one has all axes alike, as from a FIFO that is off."""
    return not len(counts) or bool((counts[-1] == counts[-1, 0]).all())
