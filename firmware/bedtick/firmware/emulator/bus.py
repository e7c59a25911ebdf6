"""An emulated I2C adapter: takes the very messages that `smbus2` would hand to the kernel.

It keeps the kernel's rules: at most 42 messages of at most 8192 bytes (EINVAL), no answer from an absent
address (EREMOTEIO), and, as on a Raspberry Pi Zero to 4, optionally no read but the last message
(EOPNOTSUPP, before anything is sent). Each message takes its time on the wire: a start bit, then 9 clocks
for the address and for each byte; a stop bit ends the transaction. A transaction that is to take longer
is kept waiting before its first message or after its last one.
"""

import ctypes
import errno
import os
import struct
from collections.abc import Mapping
from typing import NoReturn, Protocol

from smbus2 import i2c_msg

from bedtick.firmware.clock import Clock
from bedtick.firmware.emulator.clock import EmulatedClock
from bedtick.firmware.emulator.faults import Faults

READ_FLAG = 1
MOST_MESSAGES = 42
MOST_BYTES = 8192
ADDRESS_BITS = 10  # with the start bit
NOTHING_SENT = (errno.EREMOTEIO, errno.ETIMEDOUT, errno.ENODEV)
HEADER = struct.Struct("@HHHP")  # i2c_msg in the kernel's i2c.h: address, flags, length, pointer
TIMEOUT_NS = 200_000_000  # as bedtick sets it on a real adapter


class Device(Protocol):
    """Whatever answers on the emulated bus."""

    def write(self, data: bytes) -> None:
        """Take what a write message carries: the register pointer, then values."""

    def read(self, length: int) -> bytes:
        """Give `length` bytes from the register pointer on."""


class EmulatedAdapter:
    """Carries messages to emulated chips.

    Parameters
    ----------
    devices
        Chips by 7-bit address.
    clock
        An `EmulatedClock` is moved by the time a transfer takes; a real clock is left alone.
    bus_hz
        The clock rate of the bus.
    multi_read
        Whether one transaction may hold several reads.
    faults
        Switches; none are set unless given.

    Attributes
    ----------
    reopened
        How often it was opened anew.
    """

    def __init__(
        self,
        devices: Mapping[int, Device],
        clock: Clock,
        *,
        bus_hz: int = 400_000,
        multi_read: bool = True,
        faults: Faults | None = None,
    ) -> None:
        self.faults = faults or Faults()
        self.reopened = 0
        self._devices = devices
        self._clock = clock if isinstance(clock, EmulatedClock) else None
        self._bit_ns = 1e9 / bus_hz
        self._multi_read = multi_read

    def i2c_rdwr(self, *messages: i2c_msg) -> None:
        """Carry the messages; raise OSError as the kernel would."""
        headers = [HEADER.unpack_from(message) for message in messages]
        self._refuse_impossible(headers)
        fault = self.faults.take()
        if fault == errno.EREMOTEIO:
            self._pass(ADDRESS_BITS)
        if fault == errno.ETIMEDOUT:
            self._wait(TIMEOUT_NS)
        if fault in NOTHING_SENT:
            _fail(fault)
        delay_ns = self.faults.delay_ns()
        self._wait(delay_ns * (delay_ns % 2))
        for header in headers:
            self._carry(*header)
        self._pass(1)
        self._wait(delay_ns * (1 - delay_ns % 2))
        if fault is not None:
            _fail(fault)

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

    def reopen(self) -> None:
        """Be there again; raise OSError while the faults say that the bus has gone."""
        if self.faults.bus_gone:
            _fail(errno.ENOENT)
        self.reopened += 1

    def kernel_driver(self, address: int) -> str | None:
        """Return the name of the kernel driver that uses an address; None where none does."""
        return self.faults.kernel_drivers.get(address)

    def _refuse_impossible(self, headers: list[tuple[int, int, int, int]]) -> None:
        if len(headers) > MOST_MESSAGES or max(length for _, _, length, _ in headers) > MOST_BYTES:
            _fail(errno.EINVAL)
        if not self._multi_read and any(flags & READ_FLAG for _, flags, _, _ in headers[:-1]):
            _fail(errno.EOPNOTSUPP)

    def _carry(self, address: int, flags: int, length: int, place: int) -> None:
        self._pass(ADDRESS_BITS + 9 * length)
        device = self._devices.get(address)
        if device is None:
            _fail(errno.EREMOTEIO)
        if flags & READ_FLAG:
            ctypes.memmove(place, device.read(length), length)
        else:
            device.write(ctypes.string_at(place, length))

    def _pass(self, bits: int) -> None:
        if self._clock is not None:
            self._clock.advance(int(bits * self._bit_ns))

    def _wait(self, duration_ns: int) -> None:
        if duration_ns and self._clock is not None:
            self._clock.advance(duration_ns)


def _fail(number: int) -> NoReturn:
    raise OSError(number, os.strerror(number))
