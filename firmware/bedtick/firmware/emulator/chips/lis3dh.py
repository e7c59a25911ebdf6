"""An emulated LIS3DH at register level: register pointer, power modes, FIFO, thermometer.

Typed from the STMicroelectronics data sheet LIS3DH, apart from the driver's table. Not modelled, because
bedtick does not use it: the high-pass filter, clicks, interrupts, sleep, the auxiliary inputs, the pins.
FIFO mode goes on when there is room again, and stream-to-FIFO acts as stream mode.

The pointer moves on only where bit 7 of the register address is set; while the FIFO is on it goes back from
0x2D to 0x28, and each round is the next set. Not confirmed, and chosen so that a careless host loses data: a
set is taken out by the first of its bytes that is read, and what is left of it at the end of a read is lost.
"""

from typing import ClassVar

from bedtick.firmware.emulator.chips.base import ChipBase
from bedtick.firmware.emulator.chips.fifo import BYPASS, STREAM, SetFifo
from bedtick.firmware.emulator.chips.lis3dh_output import Output

REGISTERS = 0x40
AUTO_INCREMENT_BIT = 0x80
STATUS_AUX, ADC3_LOW, ADC3_HIGH = 0x07, 0x0C, 0x0D
WHO_AM_I, CTRL0, TEMP_CFG, CTRL1, CTRL4, CTRL5 = 0x0F, 0x1E, 0x1F, 0x20, 0x23, 0x24
STATUS, DATA_FIRST, DATA_LAST, FIFO_CTRL, FIFO_SRC = 0x27, 0x28, 0x2D, 0x2E, 0x2F
IDENTITY = 0x33
RESET_VALUES = {CTRL0: 0x10, CTRL1: 0x07}  # not confirmed; all others are 0
READ_ONLY = {
    *range(WHO_AM_I + 1),
    *range(0x10, CTRL0),
    *range(STATUS, DATA_LAST + 1),
    FIFO_SRC,
    0x31,
    0x35,
    0x39,
}
RESHAPING = {CTRL1, CTRL4, CTRL5, FIFO_CTRL}
DEPTH = 32
SET_BYTES = 6
BOOT_BIT, FIFO_ENABLE_BIT = 0x80, 0x40  # CTRL_REG5
BOOT_NS = 5_000_000
WATERMARK_BIT, FULL_BIT, EMPTY_BIT, MOST_SHOWN = 0x80, 0x40, 0x20, 31  # FIFO_SRC
THRESHOLD_BITS = 0x1F
OVERWRITTEN_BIT, NEW_SET_BIT = 0x80, 0x08  # STATUS
THERMOMETER_BITS, BLOCK_UPDATE_BIT = 0xC0, 0x80  # TEMP_CFG, CTRL_REG4
ZERO_C, COUNTS_PER_C, JUSTIFY_BITS = 25.0, 4, 6


class EmulatedLis3dh(ChipBase[SetFifo]):
    """One chip; `identity` is what WHO_AM_I reads."""

    usual_identity: ClassVar[int] = IDENTITY
    _stuck_set: bytes | None = None

    def write(self, data: bytes) -> None:
        """Set the register pointer, then store the values that follow."""
        self._pointer = data[0]
        for value in data[1:]:
            self._store(self._register, value)
            self._move_on()

    def read(self, length: int) -> bytes:
        """Read `length` registers from the pointer on, with everything that reading them does."""
        self._measuring.catch_up()
        sets, rest = divmod(length, SET_BYTES)
        if not rest and self._pointer == DATA_FIRST | AUTO_INCREMENT_BIT and self._is_fifo_on:
            return self._take(sets)
        values = bytearray()
        waiting = b""
        for _ in range(length):
            register = self._register
            if DATA_FIRST <= register <= DATA_LAST:
                if not waiting or register == DATA_FIRST:
                    waiting = self._take(1)
                values.append(waiting[register - DATA_FIRST])
            else:
                values.append(self._value(register))
            self._move_on()
        return bytes(values)

    @property
    def _register(self) -> int:
        return self._pointer & ~AUTO_INCREMENT_BIT

    @property
    def _is_fifo_on(self) -> bool:
        return bool(self._registers[CTRL5] & FIFO_ENABLE_BIT)

    def _move_on(self) -> None:
        if not self._pointer & AUTO_INCREMENT_BIT:
            return
        if self._register == DATA_LAST and self._is_fifo_on:
            self._pointer = DATA_FIRST | AUTO_INCREMENT_BIT
        else:
            self._pointer = (self._register + 1) % AUTO_INCREMENT_BIT | AUTO_INCREMENT_BIT

    def _power_up(self) -> None:
        self._registers = bytearray(REGISTERS)
        for register, value in RESET_VALUES.items():
            self._registers[register] = value
        self._pointer = 0
        self._booted_ns = 0
        self._thermometer = bytes(2)
        self._awake_ns = 0
        self._latest = bytes(SET_BYTES)
        self._left_by_read = 0
        self._measuring.fifo = self._empty_fifo()

    def _empty_fifo(self) -> SetFifo:
        return SetFifo(DEPTH, DEPTH, SET_BYTES)

    def _store(self, register: int, value: int) -> None:
        if register in READ_ONLY or register >= REGISTERS:
            return
        self._measuring.catch_up()
        self._convert_temperature()
        if register == CTRL5 and value & BOOT_BIT:
            self._booted_ns = self._clock.boot_ns() + BOOT_NS
            value &= ~BOOT_BIT
        self._registers[register] = value
        if register in RESHAPING:
            self._reshape()

    def _reshape(self) -> None:
        mode = self._registers[FIFO_CTRL] >> 6 if self._is_fifo_on else BYPASS
        fifo = self._measuring.fifo
        fifo.set_mode(min(mode, STREAM))
        if mode == BYPASS:
            fifo.overrun = False
            self._left_by_read = 0
        output = Output(self._registers[CTRL1], self._registers[CTRL4], mode != BYPASS)
        if not output.rate_hz:
            self._awake_ns = 0
        elif not self._awake_ns:
            self._awake_ns = self._clock.boot_ns() + round(1e9 / output.rate_hz)
        self._measuring.run(output if output.rate_hz else None)

    def _take(self, count: int) -> bytes:
        """Return so many sets, oldest first; the latest again and again where there are no more."""
        fifo = self._measuring.fifo
        taken = fifo.take(count)
        fifo.overrun = False
        self._left_by_read = fifo.readable
        self._latest = taken[-SET_BYTES:] or self._latest
        taken += self._latest * (count - len(taken) // SET_BYTES)
        if not self.faults.stuck:
            self._stuck_set = None
            return taken
        self._stuck_set = self._stuck_set or taken[:SET_BYTES]
        return self._stuck_set * count

    def _fifo_source(self) -> int:
        waiting = self._measuring.fifo.level
        threshold = self._registers[FIFO_CTRL] & THRESHOLD_BITS
        flags = FULL_BIT if waiting == DEPTH else 0
        if not waiting:
            flags |= EMPTY_BIT
        if waiting > threshold or (waiting == threshold and waiting > self._left_by_read):
            flags |= WATERMARK_BIT
        return flags | min(waiting, MOST_SHOWN)

    def _status(self) -> int:
        fifo = self._measuring.fifo
        return (OVERWRITTEN_BIT if fifo.overrun else 0) | (NEW_SET_BIT if fifo.readable else 0)

    def _convert_temperature(self) -> None:
        """Take the temperature, as the chip does with every set from the first one on."""
        registers = self._registers
        if (
            0 < self._awake_ns <= self._clock.boot_ns()
            and registers[TEMP_CFG] & THERMOMETER_BITS == THERMOMETER_BITS
            and registers[CTRL4] & BLOCK_UPDATE_BIT
        ):
            counts = round((self.temperature_c - ZERO_C) * COUNTS_PER_C) << JUSTIFY_BITS
            self._thermometer = counts.to_bytes(2, "little", signed=True)

    def _value(self, register: int) -> int:
        if register == WHO_AM_I:
            return self._identity
        if register == FIFO_SRC:
            return self._fifo_source()
        if register == STATUS:
            return self._status()
        if register in {ADC3_LOW, ADC3_HIGH}:
            self._convert_temperature()
            return self._thermometer[register - ADC3_LOW]
        is_booting = register == CTRL5 and self._clock.boot_ns() < self._booted_ns
        stored = self._registers[register] if register < REGISTERS else 0
        return stored | BOOT_BIT if is_booting else stored
