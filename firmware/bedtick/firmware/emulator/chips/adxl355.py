"""An emulated ADXL355 at register level: register pointer, power modes, FIFO of words, resets that fail.

Typed from the Analog Devices data sheet ADXL354/ADXL355, apart from the driver's table. Not modelled,
because bedtick does not use it: activity, external clock and synchronisation, the pins.

The pointer rises until it is at FIFO_DATA and stays there; each three bytes read from it are one word, and a
word of which the first byte was read is gone. Reading STATUS clears FIFO_OVR and DATA_RDY.

Not confirmed, and chosen so that a driver gains nothing by it: the words of a set are written 1 micro-second
apart; standby keeps what waits; an empty FIFO gives zeros with their mark; for 5 ms after a reset nothing
that is written stays and the shadow registers read 0.
"""

from typing import ClassVar

from bedtick.firmware.emulator.chips.adxl355_output import Output
from bedtick.firmware.emulator.chips.base import ChipBase
from bedtick.firmware.emulator.chips.word_fifo import WordFifo

REGISTERS = 0x60
IDENTITY = 0xAD
STATUS, FIFO_ENTRIES, TEMP_HIGH, TEMP_LOW = 0x04, 0x05, 0x06, 0x07
DATA_FIRST, DATA_LAST, FIFO_PORT = 0x08, 0x10, 0x11
OFFSETS_FIRST, OFFSETS_END = 0x1E, 0x24
FILTER, WATERMARK, RANGE, POWER, SELF_TEST, RESET = 0x28, 0x29, 0x2C, 0x2D, 0x2E, 0x2F
SHADOW_FIRST, SHADOW_END = 0x50, 0x55
RESET_VALUES = {0x01: 0x1D, 0x02: 0xED, 0x03: 0x01, 0x27: 0x01, WATERMARK: 0x60, RANGE: 0x81, POWER: 0x01}
WRITABLE = range(OFFSETS_FIRST, RESET)
RESHAPING = {*range(OFFSETS_FIRST, OFFSETS_END), FILTER, RANGE, POWER, SELF_TEST}
STANDBY_BIT, TEMP_OFF_BIT = 0x01, 0x02
BUSY_BIT, OVERRUN_BIT, FULL_BIT, READY_BIT = 0x10, 0x04, 0x02, 0x01
RESET_WORD = ord("R")
RESET_NS = 5_000_000
FACTORY = bytes((0x3A, 0x51, 0x0C, 0xC7, 0x18))
MISLOADED = bytes((0x3A, 0x51, 0x00, 0xC7, 0x18))
ROOM_WORDS = 96
WORD_BYTES = 3
WORD_GAP_NS = 1_000
NOTHING = b"\x00\x00\x02"
NO_MARKS = 0xF0
COUNTS_AT_25_C = 1885
COUNTS_PER_C = -9.05


class EmulatedAdxl355(ChipBase[WordFifo]):
    """One chip; `identity` is what DEVID_AD reads. Its thermometer works while it measures.

    Attributes
    ----------
    factory
        The part's own settings, which a loss of power and a good reset load.
    failing_resets
        How many of the next resets load the factory settings wrongly.
    """

    usual_identity: ClassVar[int] = IDENTITY
    factory = FACTORY
    failing_resets = 0
    _stuck_set = b""

    def write(self, data: bytes) -> None:
        """Set the register pointer, then store the values that follow."""
        self._measuring.catch_up()
        self._pointer = data[0]
        for value in data[1:]:
            self._store(self._pointer, value)
            self._pointer += 1

    def read(self, length: int) -> bytes:
        """Read `length` bytes from the pointer on, with everything that reading them does."""
        if self._pointer != FIFO_PORT:
            self._measuring.catch_up()
        first, end = self._pointer, self._pointer + length
        if first <= FIFO_PORT:
            end = min(end, FIFO_PORT)
        self._pointer = end
        values = bytes([self._value(register) for register in range(first, end)])
        return values + self._pop(length - len(values))

    def _power_up(self) -> None:
        self._registers = bytearray(REGISTERS)
        for register, value in RESET_VALUES.items():
            self._registers[register] = value
        self._registers[SHADOW_FIRST:SHADOW_END] = self.factory
        self._pointer = 0
        self._ready_ns = 0
        self._measuring.fifo = self._empty_fifo()

    def _empty_fifo(self) -> WordFifo:
        return WordFifo(ROOM_WORDS, WORD_BYTES, WORD_GAP_NS)

    def _reset(self) -> None:
        self._power_up()
        if self.failing_resets:
            self._registers[SHADOW_FIRST:SHADOW_END] = MISLOADED
        self._pointer = RESET
        self.failing_resets = max(self.failing_resets - 1, 0)
        self._ready_ns = self._clock.boot_ns() + RESET_NS

    def _store(self, register: int, value: int) -> None:
        if self._is_busy():
            return
        if register == RESET and value == RESET_WORD:
            self._reset()
        if register not in WRITABLE:
            return
        self._sense_temperature()
        self._registers[register] = value
        if register in RESHAPING:
            self._measuring.run(self._output())

    def _output(self) -> Output | None:
        registers = self._registers
        if registers[POWER] & STANDBY_BIT:
            return None
        offsets = bytes(registers[OFFSETS_FIRST:OFFSETS_END])
        return Output(registers[FILTER], registers[RANGE], registers[SELF_TEST], offsets)

    def _is_busy(self) -> bool:
        return self._clock.boot_ns() < self._ready_ns

    def _pop(self, length: int) -> bytes:
        """Read words: first those from when the pointer was set, as new ones come in during the transfer."""
        count = -(-length // WORD_BYTES)
        words = self._measuring.fifo.take(count)
        self._measuring.catch_up()
        words += self._measuring.fifo.take(count - len(words) // WORD_BYTES)
        if self.faults.stuck:
            self._stuck_set = self._stuck_set or words[: Output.row_bytes]
            words = (self._stuck_set * count)[: len(words)]
        else:
            self._stuck_set = b""
        return (words + NOTHING * (count - len(words) // WORD_BYTES))[:length]

    def _value(self, register: int) -> int:
        if register == 0x00:
            return self._identity
        if register == STATUS:
            return self._status()
        if register == FIFO_ENTRIES:
            return self._measuring.fifo.readable
        if DATA_FIRST <= register <= DATA_LAST:
            return self._data(register - DATA_FIRST)
        return self._stored(register)

    def _stored(self, register: int) -> int:
        if register in {TEMP_HIGH, TEMP_LOW}:
            self._sense_temperature()
        if register >= REGISTERS or (register >= SHADOW_FIRST and self._is_busy()):
            return 0
        return self._registers[register]

    def _data(self, index: int) -> int:
        is_low_byte = index % WORD_BYTES == WORD_BYTES - 1
        return self._measuring.fifo.latest[index] & (NO_MARKS if is_low_byte else 0xFF)

    def _status(self) -> int:
        fifo = self._measuring.fifo
        flags = OVERRUN_BIT if fifo.overrun else 0
        if fifo.readable >= self._registers[WATERMARK]:
            flags |= FULL_BIT
        if fifo.fresh:
            flags |= READY_BIT
        fifo.overrun = fifo.fresh = False
        return flags | (BUSY_BIT if self._is_busy() else 0)

    def _sense_temperature(self) -> None:
        if not self._registers[POWER] & (STANDBY_BIT | TEMP_OFF_BIT):
            counts = round(COUNTS_AT_25_C + COUNTS_PER_C * (self.temperature_c - 25.0))
            self._registers[TEMP_HIGH : TEMP_LOW + 1] = counts.to_bytes(2)
