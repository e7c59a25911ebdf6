"""An emulated MPU6050, or with another identity an MPU6500, at register level.

Typed from InvenSense RM-MPU-6000A, apart from the driver's table. Only the accelerometer's sets go into the
FIFO, and only they make the oscillator tick: while nothing goes in, the data registers keep the latest set.
Not modelled, because bedtick does not use it: gyros, cycling, the second bus, the motion processor, offsets,
the pin, the time that waking takes.

* FIFO_R_W is a port: the register pointer stays at it, and so it does at MEM_R_W, which lies between the
  control registers and the FIFO's count (not confirmed for reading; stricter than needed).
* FIFO_RESET acts only in a write that leaves FIFO_EN 0. While that bit is 0 the FIFO keeps what it has and
  gives nothing.
* Reading INT_STATUS clears it. FIFO_COUNTH takes the count, FIFO_COUNTL gives its other half.
* For a moment after each tick the count holds half a set (how long is not confirmed).
* An MPU6050 is asleep after a reset, an MPU6500 awake: parts differ, so a driver must say which it wants.
"""

from typing import ClassVar

from bedtick.firmware.emulator.chips.base import ChipBase
from bedtick.firmware.emulator.chips.byte_fifo import ByteFifo
from bedtick.firmware.emulator.chips.mpu6050_output import (
    LATE_TRIM_CODES,
    TRIM_REGISTERS,
    Output,
    temperature_word,
)

REGISTERS = 0x80
IDENTITY = 0x68
EARLY_IDENTITIES = {0x68, 0x69, 0x75}
EARLY_FIFO_BYTES, LATE_FIFO_BYTES = 1024, 512
SELF_TEST_FIRST, DIVIDER, CONFIG, ACCEL_CONFIG, ACCEL_CONFIG2 = 0x0D, 0x19, 0x1A, 0x1C, 0x1D
FIFO_ENABLE, INT_STATUS, DATA_FIRST, DATA_LAST = 0x23, 0x3A, 0x3B, 0x40
TEMP_HIGH, TEMP_LOW, USER_CONTROL, POWER_1, POWER_2 = 0x41, 0x42, 0x6A, 0x6B, 0x6C
MEMORY_PORT, COUNT_HIGH, COUNT_LOW, FIFO_PORT, WHO_AM_I = 0x6F, 0x72, 0x73, 0x74, 0x75
READ_ONLY = {*range(INT_STATUS, 0x61), COUNT_HIGH, COUNT_LOW, FIFO_PORT, WHO_AM_I}
PORTS = {MEMORY_PORT, FIFO_PORT}
RESHAPING = {DIVIDER, CONFIG, ACCEL_CONFIG, ACCEL_CONFIG2, FIFO_ENABLE, USER_CONTROL, POWER_1, POWER_2}

RESET_BIT, SLEEP_BIT, AXES_OFF_BITS = 0x80, 0x40, 0x38
FIFO_ON_BIT, FIFO_RESET_BIT, SELF_CLEARING_BITS = 0x40, 0x04, 0x07
ACCEL_BIT = 0x08
OVERFLOW_BIT, DATA_READY_BIT = 0x10, 0x01
EARLY_POWER, LATE_POWER = SLEEP_BIT, 0x01
WRITING_NS = 10_000
HALF_SET_BYTES = 3


class EmulatedMpu6050(ChipBase[ByteFifo]):
    """One chip; an `identity` (WHO_AM_I) other than an MPU6050's or its copies' makes it an MPU6500."""

    usual_identity: ClassVar[int] = IDENTITY
    _stuck_set = b""

    def write(self, data: bytes) -> None:
        """Set the register pointer, then store the values that follow."""
        self._pointer = data[0]
        for value in data[1:]:
            self._store(self._pointer, value)
            self._pointer += self._pointer not in PORTS

    def read(self, length: int) -> bytes:
        """Read `length` bytes from the pointer on, with everything that reading them does."""
        self._measuring.catch_up()
        values = bytearray()
        while len(values) < length:
            if self._pointer == FIFO_PORT:
                return bytes(values) + self._read_fifo(length - len(values))
            values.append(self._value(self._pointer))
            self._pointer += self._pointer not in PORTS
        return bytes(values)

    @property
    def _is_late(self) -> bool:
        return self._own_identity not in EARLY_IDENTITIES

    def _power_up(self) -> None:
        self._registers = bytearray(REGISTERS)
        trim = LATE_TRIM_CODES if self._is_late else TRIM_REGISTERS
        self._registers[SELF_TEST_FIRST : SELF_TEST_FIRST + len(trim)] = trim
        self._registers[POWER_1] = LATE_POWER if self._is_late else EARLY_POWER
        self._pointer = 0
        self._temperature = bytes(2)
        self._count = bytes(2)
        self._came = 0
        self._measuring.fifo = self._empty_fifo()

    def _empty_fifo(self) -> ByteFifo:
        return ByteFifo(LATE_FIFO_BYTES if self._is_late else EARLY_FIFO_BYTES, Output.row_bytes)

    def _store(self, register: int, value: int) -> None:
        if register in READ_ONLY or register in PORTS or register >= REGISTERS:
            return
        self._measuring.catch_up()
        if register == POWER_1 and value & RESET_BIT:
            self._power_up()
            return
        if register == USER_CONTROL:
            if value & FIFO_RESET_BIT and not value & FIFO_ON_BIT:
                self._measuring.fifo.clear()
            value &= ~SELF_CLEARING_BITS
        self._registers[register] = value
        if register in RESHAPING:
            self._measuring.run(self._output())

    def _output(self) -> Output | None:
        """Return what goes into the FIFO; None where nothing does."""
        registers = self._registers
        is_fed = registers[USER_CONTROL] & FIFO_ON_BIT and registers[FIFO_ENABLE] & ACCEL_BIT
        if self._is_asleep() or not is_fed or registers[POWER_2] & AXES_OFF_BITS:
            return None
        return Output(
            registers[DIVIDER],
            registers[CONFIG],
            registers[ACCEL_CONFIG],
            registers[ACCEL_CONFIG2],
            self._is_late,
        )

    def _is_asleep(self) -> bool:
        return bool(self._registers[POWER_1] & SLEEP_BIT)

    def _read_fifo(self, length: int) -> bytes:
        if not self._registers[USER_CONTROL] & FIFO_ON_BIT:
            return bytes(length)
        given = self._measuring.fifo.read(length)
        if not self.faults.stuck:
            self._stuck_set = b""
            return given
        self._stuck_set = self._stuck_set or given[: Output.row_bytes]
        return (self._stuck_set * length)[:length]

    def _value(self, register: int) -> int:
        if register == WHO_AM_I:
            return self._identity
        if register == INT_STATUS:
            return self._take_status()
        if DATA_FIRST <= register <= DATA_LAST:
            return self._measuring.fifo.latest[register - DATA_FIRST]
        if register in {COUNT_HIGH, COUNT_LOW}:
            return self._count_byte(register)
        if register in {TEMP_HIGH, TEMP_LOW}:
            return self._temperature_byte(register)
        return self._registers[register] if register < REGISTERS else 0

    def _take_status(self) -> int:
        fifo = self._measuring.fifo
        flags = OVERFLOW_BIT if fifo.overflowed else 0
        if fifo.came != self._came:
            flags |= DATA_READY_BIT
        fifo.overflowed = False
        self._came = fifo.came
        return flags

    def _count_byte(self, register: int) -> int:
        if register == COUNT_HIGH:
            fifo = self._measuring.fifo
            unwritten = HALF_SET_BYTES if fifo.is_fresh(WRITING_NS) else 0
            self._count = max(fifo.level_bytes - unwritten, 0).to_bytes(2, "big")
        return self._count[register - COUNT_HIGH]

    def _temperature_byte(self, register: int) -> int:
        if register == TEMP_HIGH and not self._is_asleep():
            self._temperature = temperature_word(self.temperature_c, is_late=self._is_late)
        return self._temperature[register - TEMP_HIGH]
