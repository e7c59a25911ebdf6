"""The I2C bus: register reads and writes in, bytes or `BusError` out.

Reading registers takes two messages: a write that sets the chip's register pointer and a read that
follows without letting go of the bus. The kernel takes up to 42 messages in one `I2C_RDWR` ioctl, so a
FIFO could be drained 21 sets at a time. The controller of a Raspberry Pi Zero to 4 refuses this with
EOPNOTSUPP before anything is sent: there a read may only be the last message. The first `read_many`
finds out which it is.

Messages are built once per shape of transfer and used again, because building them costs more than the
call. All reads of one shape land in one buffer, which is cleared before each transfer, so bytes that the
controller did not deliver read as 0 and never as the previous answer. A bus belongs to one thread.

What failed before anything was sent is tried again at once, and a bus that keeps failing is opened anew
before the next transfer: `retries` has the table.
"""

import ctypes
import errno
from collections.abc import Callable
from typing import Protocol, TypeVar

from smbus2 import i2c_msg

from bedtick.firmware.errors import BusError
from bedtick.firmware.linux_i2c import open_adapter
from bedtick.firmware.retries import is_due, treatment_of

MESSAGES_PER_IOCTL = 42  # I2C_RDWR_IOCTL_MAX_MSGS in the kernel's i2c-dev.h
PAIRS_PER_IOCTL = MESSAGES_PER_IOCTL // 2
READ_FLAG = 1  # I2C_M_RD in the kernel's i2c.h

AnswerT = TypeVar("AnswerT")


class Adapter(Protocol):
    """What carries messages: a `LinuxAdapter`, or the emulated one."""

    def i2c_rdwr(self, *i2c_msgs: i2c_msg) -> None:
        """Carry the messages in one transaction; raise OSError where that fails."""

    def close(self) -> None:
        """Let go of the bus."""

    def reopen(self) -> None:
        """Let go of the bus and take it again; raise OSError where that fails."""

    def kernel_driver(self, address: int) -> str | None:
        """Return the name of the kernel driver that uses an address; None where none does."""


class _Transfer:
    """Prepared messages that read one block of registers up to `count` times."""

    def __init__(self, address: int, register: int, length: int, count: int) -> None:
        self._buffer = ctypes.create_string_buffer(length * count)
        self._length = length
        messages: list[i2c_msg] = []
        for index in range(count):
            place = ctypes.byref(self._buffer, index * length)
            target = ctypes.cast(place, ctypes.POINTER(ctypes.c_char))
            messages.append(i2c_msg.write(address, bytes([register])))
            messages.append(i2c_msg(addr=address, flags=READ_FLAG, len=length, buf=target))
        self._messages = tuple(messages)

    def run(self, adapter: Adapter, count: int) -> bytes:
        ctypes.memset(self._buffer, 0, self._length * count)
        adapter.i2c_rdwr(*self._messages[: 2 * count])
        return ctypes.string_at(self._buffer, self._length * count)


class I2CBus:
    """One I2C bus.

    Parameters
    ----------
    adapter
        What carries the messages.
    name
        How a person knows the bus: "/dev/i2c-1".

    Attributes
    ----------
    multi_read
        Whether one ioctl may hold several reads; None until the first `read_many` of two or more found out.
    transfers, failures
        How many transactions were begun, and how many of them failed, those included that went well when
        tried again at once: a few per thousand tell of weak pull-ups.
    """

    def __init__(self, adapter: Adapter, name: str) -> None:
        self.name = name
        self.multi_read: bool | None = None
        self.transfers = 0
        self.failures = 0
        self._adapter = adapter
        self._given_up_in_a_row = 0
        self._is_to_reopen = False
        self._transfers: dict[tuple[int, int, int, int], _Transfer] = {}

    def write(self, address: int, register: int, data: bytes) -> None:
        """Write `data` to `register` and those after it; raise `BusError` where that fails."""
        message = i2c_msg.write(address, bytes([register]) + data)
        try:
            self._carry(lambda adapter, _reads: adapter.i2c_rdwr(message), 1)
        except OSError as error:
            raise _bus_error(error, address, register) from error

    def read(self, address: int, register: int, length: int) -> bytes:
        """Read `length` registers from `register` on; raise `BusError` where that fails."""
        try:
            return self._carry(self._transfer(address, register, length, 1).run, 1)
        except OSError as error:
            raise _bus_error(error, address, register) from error

    def read_many(self, address: int, register: int, length: int, count: int) -> bytes:
        """Read the same block of registers `count` times, back to back.

        Returns
        -------
        bytes
            `length * count` bytes, in the order read. Bytes that the controller did not deliver are 0.

        Raises
        ------
        BusError
            Where a transfer fails, and again when tried at once where that is safe. What was read until
            then is lost, and so are the sets popped by it.
        """
        try:
            if count > 1 and self.multi_read is not False:
                return self._read_batches(address, register, length, count)
            return self._read_singly(address, register, length, count)
        except OSError as error:
            raise _bus_error(error, address, register) from error

    def reopen(self) -> None:
        """Close the bus and open it anew; raise `BusError` where that fails."""
        try:
            self._reopen()
        except OSError as error:
            raise BusError(f"{self.name}: {treatment_of(error.errno).meaning}", errno=error.errno) from error

    def kernel_driver(self, address: int) -> str | None:
        """Return the name of the kernel driver that uses an address; None where none does."""
        return self._adapter.kernel_driver(address)

    def close(self) -> None:
        """Let go of the bus."""
        self._adapter.close()

    def _read_batches(self, address: int, register: int, length: int, count: int) -> bytes:
        transfer = self._transfer(address, register, length, PAIRS_PER_IOCTL)
        parts = []
        for done in range(0, count, PAIRS_PER_IOCTL):
            try:
                parts.append(self._carry(transfer.run, min(PAIRS_PER_IOCTL, count - done)))
            except OSError as error:
                if self.multi_read is None and error.errno == errno.EOPNOTSUPP:
                    self.multi_read = False
                    return self._read_singly(address, register, length, count)
                raise
            self.multi_read = True
        return b"".join(parts)

    def _read_singly(self, address: int, register: int, length: int, count: int) -> bytes:
        transfer = self._transfer(address, register, length, 1)
        return b"".join([self._carry(transfer.run, 1) for _ in range(count)])

    def _carry(self, transaction: Callable[[Adapter, int], AnswerT], reads: int) -> AnswerT:
        """Carry out one transaction, and again at once where it failed before anything was sent."""
        if self._is_to_reopen:
            self._reopen()
        tries = 0
        while True:
            tries += 1
            self.transfers += 1
            try:
                answer = transaction(self._adapter, reads)
            except OSError as error:
                if error.errno == errno.EOPNOTSUPP and self.multi_read is None:
                    raise  # the answer to a question, and no failure
                self.failures += 1
                # Of several reads the first ones may have gone well: those sets are gone from the FIFO.
                if reads > 1 or tries > treatment_of(error.errno).at_once:
                    self._give_up(error)
                    raise
            else:
                self._given_up_in_a_row = 0
                return answer

    def _give_up(self, error: OSError) -> None:
        self._given_up_in_a_row += 1
        self._is_to_reopen = is_due(treatment_of(error.errno).reopen_at, self._given_up_in_a_row)

    def _reopen(self) -> None:
        self._is_to_reopen = True  # until it went well
        self._adapter.reopen()
        self._is_to_reopen = False

    def _transfer(self, address: int, register: int, length: int, count: int) -> _Transfer:
        shape = (address, register, length, count)
        transfer = self._transfers.get(shape)
        if transfer is None:
            transfer = self._transfers[shape] = _Transfer(*shape)
        return transfer


def open_bus(number: int) -> I2CBus:
    """Open `/dev/i2c-<number>`; raise `BusError` with what to do where that fails."""
    return I2CBus(open_adapter(number), f"/dev/i2c-{number}")


def _bus_error(error: OSError, address: int, register: int) -> BusError:
    cause = treatment_of(error.errno).meaning or error.strerror or str(error)
    message = f"address 0x{address:02X}, register 0x{register:02X}: {cause}"
    return BusError(message, errno=error.errno, address=address)
