"""An emulated ADXL345 at register level: register pointer, power modes, FIFO, read-to-clear flags.

Typed from the Analog Devices data sheet ADXL345, apart from the driver's table. Not modelled, because
bedtick does not use it: taps, activity, free fall, sleep and auto-sleep, trigger mode (it acts as
stream mode), the pins. Two points are not confirmed and kept harmless: WATERMARK is also shown in
bypass mode, and OVERRUN means that a set was really lost.

Room is for 32 sets and one in the output stage. Reading any data byte removes the whole set; INT_SOURCE
is as before that, FIFO_STATUS as after it. The burst of ten bytes from INT_SOURCE on has a path of its
own, for speed.
"""

from typing import ClassVar

from bedtick.firmware.emulator.chips.adxl345_output import Output
from bedtick.firmware.emulator.chips.base import ChipBase
from bedtick.firmware.emulator.chips.fifo import STREAM, SetFifo

REGISTERS = 0x40
DEVID, OFSX, OFSZ = 0x00, 0x1E, 0x20
IDENTITY = 0xE5
BW_RATE, POWER_CTL, INT_SOURCE, DATA_FORMAT = 0x2C, 0x2D, 0x30, 0x31
DATA_FIRST, DATA_LAST, FIFO_CTL, FIFO_STATUS = 0x32, 0x37, 0x38, 0x39
RESET_VALUES = {BW_RATE: 0x0A}  # all others are 0
DEPTH = 32
READ_ONLY = {
    DEVID,
    *range(0x01, 0x1D),
    0x2B,
    INT_SOURCE,
    *range(DATA_FIRST, DATA_LAST + 1),
    *range(FIFO_STATUS, REGISTERS),
}
RESHAPING = {OFSX, 0x1F, OFSZ, BW_RATE, POWER_CTL, DATA_FORMAT}
MEASURE_BIT = 0x08
DATA_READY_BIT, WATERMARK_BIT, OVERRUN_BIT = 0x80, 0x02, 0x01
SAMPLES_BITS = 0x1F
BURST_BYTES = FIFO_STATUS - INT_SOURCE + 1


class EmulatedAdxl345(ChipBase[SetFifo]):
    """One chip; `identity` is what DEVID reads. It has no thermometer: `temperature_c` does nothing."""

    usual_identity: ClassVar[int] = IDENTITY
    _stuck_set: bytes | None = None

    def write(self, data: bytes) -> None:
        """Set the register pointer, then store the values that follow."""
        self._pointer = data[0]
        for value in data[1:]:
            self._store(self._pointer, value)
            self._pointer += 1

    def read(self, length: int) -> bytes:
        """Read `length` registers from the pointer on, with everything that reading them does."""
        self._measuring.catch_up()
        first = self._pointer
        self._pointer += length
        if first == INT_SOURCE and length == BURST_BYTES:
            head = bytes((self._int_source(), self._registers[DATA_FORMAT]))
            return head + self._pop() + bytes((self._registers[FIFO_CTL], self._measuring.fifo.level))
        popped: bytes | None = None
        values = bytearray()
        for register in range(first, first + length):
            if DATA_FIRST <= register <= DATA_LAST:
                popped = self._pop() if popped is None else popped
                values.append(popped[register - DATA_FIRST])
            else:
                values.append(self._value(register))
        return bytes(values)

    def _power_up(self) -> None:
        self._registers = bytearray(REGISTERS)
        for register, value in RESET_VALUES.items():
            self._registers[register] = value
        self._pointer = 0
        self._measuring.fifo = self._empty_fifo()

    def _empty_fifo(self) -> SetFifo:
        return SetFifo(DEPTH, DEPTH + 1, Output.row_bytes)

    def _store(self, register: int, value: int) -> None:
        if register in READ_ONLY or register >= REGISTERS:
            return
        self._measuring.catch_up()
        self._registers[register] = value
        if register == FIFO_CTL:
            self._measuring.fifo.set_mode(min(value >> 6, STREAM))
        elif register in RESHAPING:
            self._measuring.run(self._output())

    def _output(self) -> Output | None:
        registers = self._registers
        if not registers[POWER_CTL] & MEASURE_BIT:
            return None
        return Output(registers[BW_RATE], registers[DATA_FORMAT], bytes(registers[OFSX : OFSZ + 1]))

    def _pop(self) -> bytes:
        popped = self._measuring.fifo.pop()
        if not self.faults.stuck:
            self._stuck_set = None
            return popped
        self._stuck_set = self._stuck_set or popped
        return self._stuck_set

    def _int_source(self) -> int:
        fifo = self._measuring.fifo
        flags = OVERRUN_BIT if fifo.overrun else 0
        if fifo.readable:
            flags |= DATA_READY_BIT
        if fifo.level >= self._registers[FIFO_CTL] & SAMPLES_BITS:
            flags |= WATERMARK_BIT
        return flags

    def _value(self, register: int) -> int:
        if register == DEVID:
            return self._identity
        if register == INT_SOURCE:
            return self._int_source()
        if register == FIFO_STATUS:
            return self._measuring.fifo.level
        return self._registers[register] if register < REGISTERS else 0
