"""An emulated LSM6DSOX at register level: address pointer, FIFO of words, resets, thermometer.

Typed from ST's data sheet LSM6DSO (DS12140) and header lsm6dsox_reg.h, apart from the driver's table. Not
modelled, because bedtick does not use it: the gyroscope, the direct data registers, words of other
sensors, compression, triggered FIFO modes (they act as continuous), stop on watermark, the embedded
functions (their banks read as 0), the pins.

The pointer goes from 0x7E back to 0x78; a word leaves the FIFO when its last byte is read, which, like the
zeros that an empty FIFO gives, is not confirmed. The overrun flag means a FIFO that is filled completely;
that the latched one means a lost word is not confirmed.

What makes its reset delicate:

    words coming in        the reset is not acknowledged and does nothing: reported of an LSM6DSOX on a Pi 5;
                           that it does so always and does nothing is not confirmed
    INT1 high              the chip takes itself for one on an I3C bus and answers no more (Linux st_lsm6dsx)
    50 us and 10 ms after  SW_RESET and BOOT read as 1, and what is written is lost
"""

import errno
import os
from typing import ClassVar

from bedtick.firmware.emulator.chips.base import ChipBase
from bedtick.firmware.emulator.chips.fifo import BYPASS, FIFO, STREAM, SetFifo
from bedtick.firmware.emulator.chips.lsm6dsox_output import Output

IDENTITY = 0x6C
REGISTERS = 0x80
FUNC_CFG, FIFO_CTRL1, FIFO_CTRL2, FIFO_CTRL3, FIFO_CTRL4 = 0x01, 0x07, 0x08, 0x09, 0x0A
INT1_CTRL, WHO_AM_I, CTRL1_XL, CTRL3_C, CTRL5_C, CTRL6_C = 0x0D, 0x0F, 0x10, 0x12, 0x14, 0x15
OUT_TEMP_L, OUT_TEMP_H, STATUS1, STATUS2, FREQ_FINE = 0x20, 0x21, 0x3A, 0x3B, 0x63
WORD_FIRST, WORD_LAST = 0x78, 0x7E
RESET_VALUES = {0x02: 0x3F, CTRL3_C: 0x04, 0x18: 0xE0}  # all others are 0
WRITABLE = {FUNC_CFG, 0x02, *range(0x04, 0x0F), *range(0x10, 0x1A), *range(0x56, 0x60), *range(0x73, 0x76)}
RESHAPING = {CTRL1_XL, CTRL5_C, CTRL6_C, FIFO_CTRL3}
MODES = {0: BYPASS, 1: FIFO}  # all others act as continuous
BANK_BITS, IF_INC_BIT, RESET_BIT, BOOT_BIT, WATERMARK_HIGH_BIT = 0xC0, 0x04, 0x01, 0x80, 0x01
WTM_FLAG, OVR_FLAG, FULL_FLAG, LATCHED_FLAG = 0x80, 0x40, 0x20, 0x08
INT1_DATA_READY, INT1_SOURCES = 0x01, {0x08: WTM_FLAG, 0x10: OVR_FLAG, 0x20: FULL_FLAG}
DEPTH = 512
WORD_BYTES = Output.row_bytes
EMPTY_WORD = bytes(WORD_BYTES)
RESET_TAKES_NS = {RESET_BIT: 50_000, BOOT_BIT: 10_000_000}
THERMOMETER_NS = 1_000_000_000 // 52
COUNTS_PER_C, ZERO_C = 256, 25.0
FREQ_FINE_STEP = 0.0015


class EmulatedLsm6dsox(ChipBase[SetFifo]):
    """One chip; `identity` is what WHO_AM_I reads, and INTERNAL_FREQ_FINE shows `rate_error`.

    Its temperature is measured 52 times a second while the accelerometer is on.
    """

    usual_identity: ClassVar[int] = IDENTITY
    _stuck_word = b""

    def write(self, data: bytes) -> None:
        """Set the register pointer, then store the values that follow."""
        self._answer()
        self._catch_up()
        self._pointer = data[0]
        for value in data[1:]:
            self._store(self._pointer, value)
            self._advance()

    def read(self, length: int) -> bytes:
        """Read `length` registers from the pointer on, with everything that reading them does."""
        self._answer()
        words, rest = divmod(length, WORD_BYTES)
        if self._pointer == WORD_FIRST and not rest and not self._word and self._increments():
            return self._burst(words)
        self._catch_up()
        values = bytearray()
        for _ in range(length):
            values.append(self._value(self._pointer))
            self._advance()
        return bytes(values)

    def _freq_fine(self) -> int:
        return max(-128, min(127, round(self._rate_error / FREQ_FINE_STEP))) & 0xFF

    def _power_up(self) -> None:
        self._registers = bytearray(REGISTERS)
        for register, value in RESET_VALUES.items():
            self._registers[register] = value
        self._measuring.fifo = self._empty_fifo()
        self._word = b""
        self._overrun_latched = False
        self._speaks_i3c = False
        self._busy_bit = self._busy_until_ns = 0
        self._thermometer_due_ns = 0
        self._temperature_counts = 0

    def _empty_fifo(self) -> SetFifo:
        return SetFifo(DEPTH, DEPTH, WORD_BYTES)

    def _answer(self) -> None:
        if self._speaks_i3c:
            raise OSError(errno.EREMOTEIO, os.strerror(errno.EREMOTEIO))

    def _increments(self) -> bool:
        banked = self._registers[FUNC_CFG] & BANK_BITS
        return bool(self._registers[CTRL3_C] & IF_INC_BIT) and not banked

    def _advance(self) -> None:
        if self._pointer == WORD_LAST:
            self._pointer = WORD_FIRST
        elif self._registers[CTRL3_C] & IF_INC_BIT:
            self._pointer = (self._pointer + 1) % REGISTERS

    def _catch_up(self) -> None:
        self._measuring.catch_up()
        fifo = self._measuring.fifo
        self._overrun_latched |= fifo.overrun
        fifo.overrun = False

    def _level(self) -> int:
        half_read = self._word not in {b"", EMPTY_WORD}
        return min(self._measuring.fifo.level + half_read, DEPTH)

    def _store(self, register: int, value: int) -> None:
        banked = self._registers[FUNC_CFG] & BANK_BITS and register != FUNC_CFG
        if register not in WRITABLE or banked or self._clock.boot_ns() < self._busy_until_ns:
            return
        self._catch_up()
        if register == CTRL3_C and value & (RESET_BIT | BOOT_BIT):
            self._reset(value)
            return
        if register == CTRL1_XL:
            self._switch_thermometer(value)
        self._registers[register] = value
        if register == FIFO_CTRL4:
            self._set_mode(MODES.get(value & 0x07, STREAM))
        elif register in RESHAPING:
            self._measuring.run(self._output())

    def _set_mode(self, mode: int) -> None:
        fifo = self._measuring.fifo
        if mode == fifo.mode:
            return
        fifo.set_mode(BYPASS)
        fifo.set_mode(mode)
        self._word = b""

    def _reset(self, value: int) -> None:
        if value & RESET_BIT:
            deaf = self._int1_is_high()
            if not deaf and self._measuring.fifo.mode != BYPASS:
                raise OSError(errno.EREMOTEIO, os.strerror(errno.EREMOTEIO))
            self._power_up()
            self._speaks_i3c = deaf
        self._busy_bit = RESET_BIT if value & RESET_BIT else BOOT_BIT
        self._busy_until_ns = self._clock.boot_ns() + RESET_TAKES_NS[self._busy_bit]

    def _int1_is_high(self) -> bool:
        enabled = self._registers[INT1_CTRL]
        if enabled & INT1_DATA_READY and self._measures():
            return True
        flags = self._fifo_flags()
        return any(enabled & bit and flags & flag for bit, flag in INT1_SOURCES.items())

    def _measures(self) -> bool:
        return bool(self._registers[CTRL1_XL] >> 4)

    def _output(self) -> Output | None:
        registers = self._registers
        if not self._measures() or not registers[FIFO_CTRL3] & 0x0F:
            return None
        return Output(registers[CTRL1_XL], registers[CTRL5_C], registers[CTRL6_C], registers[FIFO_CTRL3])

    def _burst(self, count: int) -> bytes:
        """Give words: those that waited when the read began leave first, and make room for newer ones."""
        words = self._take(count)
        self._catch_up()
        words += self._take(count - len(words) // WORD_BYTES)
        return words.ljust(count * WORD_BYTES, b"\0")

    def _take(self, most: int) -> bytes:
        words = self._measuring.fifo.take(min(most, self._measuring.fifo.level))
        if not self.faults.stuck:
            self._stuck_word = b""
        elif words:
            self._stuck_word = self._stuck_word or words[:WORD_BYTES]
            words = self._stuck_word * (len(words) // WORD_BYTES)
        return words

    def _byte_of_word(self, register: int) -> int:
        self._word = self._word or self._burst(1)
        value = self._word[register - WORD_FIRST]
        if register == WORD_LAST:
            self._word = b""
        return value

    def _fifo_flags(self) -> int:
        level, registers = self._level(), self._registers
        watermark = (registers[FIFO_CTRL2] & WATERMARK_HIGH_BIT) << 8 | registers[FIFO_CTRL1]
        conditions = {
            WTM_FLAG: level >= watermark,
            OVR_FLAG: level >= DEPTH,
            FULL_FLAG: level >= DEPTH - 1,
            LATCHED_FLAG: self._overrun_latched,
        }
        return sum(flag for flag, holds in conditions.items() if holds)

    def _status2(self) -> int:
        flags = self._fifo_flags()
        self._overrun_latched = False
        return flags | self._level() >> 8

    def _switch_thermometer(self, ctrl1_xl: int) -> None:
        self._measure_temperature()
        if ctrl1_xl >> 4 and not self._measures():
            self._thermometer_due_ns = self._clock.boot_ns() + THERMOMETER_NS

    def _measure_temperature(self) -> int:
        if self._measures() and self._clock.boot_ns() >= self._thermometer_due_ns:
            self._temperature_counts = round((self.temperature_c - ZERO_C) * COUNTS_PER_C) & 0xFFFF
        return self._temperature_counts

    def _control3(self) -> int:
        busy = self._clock.boot_ns() < self._busy_until_ns
        return self._registers[CTRL3_C] | (self._busy_bit if busy else 0)

    def _value(self, register: int) -> int:
        if self._registers[FUNC_CFG] & BANK_BITS and register != FUNC_CFG:
            return 0
        if WORD_FIRST <= register <= WORD_LAST:
            return self._byte_of_word(register)
        if register == WHO_AM_I:
            return self._identity
        if register in {OUT_TEMP_L, OUT_TEMP_H}:
            return self._measure_temperature() >> 8 * (register - OUT_TEMP_L) & 0xFF
        return self._special(register)

    def _special(self, register: int) -> int:
        if register == STATUS1:
            return self._level() & 0xFF
        if register == STATUS2:
            return self._status2()
        if register == CTRL3_C:
            return self._control3()
        return self._freq_fine() if register == FREQ_FINE else self._registers[register % REGISTERS]
