"""The I2C bus: register reads and writes in, bytes or `BusError` out.

Reading registers takes two messages: a write that sets the chip's register pointer and a read that
follows without letting go of the bus. The kernel takes up to 42 messages in one `I2C_RDWR` ioctl, so a
FIFO could be drained 21 sets at a time. The controller of a Raspberry Pi Zero to 4 refuses this with
EOPNOTSUPP before anything is sent: there a read may only be the last message. The first `read_many`
finds out which it is.

Messages are built once per shape of transfer and used again, because building them costs more than the
call. All reads of one shape land in one buffer, which is cleared before each transfer, so bytes that the
controller did not deliver read as 0 and never as the previous answer. Threads may share a bus as long
as no two of them speak to the same address.
"""

import ctypes
import errno
from pathlib import Path
from typing import Protocol

from smbus2 import SMBus, i2c_msg

from bedtick.firmware.errors import BusError

MESSAGES_PER_IOCTL = 42  # I2C_RDWR_IOCTL_MAX_MSGS in the kernel's i2c-dev.h
PAIRS_PER_IOCTL = MESSAGES_PER_IOCTL // 2
READ_FLAG = 1  # I2C_M_RD in the kernel's i2c.h

CAUSES = {
    errno.EREMOTEIO: "no answer (check wiring, power and address)",
    errno.ENXIO: "no answer (check wiring, power and address)",
    errno.ETIMEDOUT: "the bus is stuck (unplug the sensor's power and plug it in again)",
    errno.EIO: "the transfer broke off (loose wire or weak pull-ups?)",
    errno.EAGAIN: "another controller was talking (is anything else wired to this bus?)",
    errno.ENODEV: "the bus has gone (was its adapter unplugged?)",
    errno.ENOENT: "the bus has gone (was its adapter unplugged?)",
    errno.EOPNOTSUPP: "this controller cannot do such a transfer",
}


class Adapter(Protocol):
    """What carries messages: `smbus2.SMBus`, or the emulated one."""

    def i2c_rdwr(self, *i2c_msgs: i2c_msg) -> None:
        """Carry the messages in one transaction; raise OSError where that fails."""

    def close(self) -> None:
        """Let go of the bus."""


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
    """

    def __init__(self, adapter: Adapter, name: str) -> None:
        self.name = name
        self.multi_read: bool | None = None
        self._adapter = adapter
        self._transfers: dict[tuple[int, int, int, int], _Transfer] = {}

    def write(self, address: int, register: int, data: bytes) -> None:
        """Write `data` to `register` and those after it; raise `BusError` where that fails."""
        try:
            self._adapter.i2c_rdwr(i2c_msg.write(address, bytes([register]) + data))
        except OSError as error:
            raise _bus_error(error, address, register) from error

    def read(self, address: int, register: int, length: int) -> bytes:
        """Read `length` registers from `register` on; raise `BusError` where that fails."""
        try:
            return self._transfer(address, register, length, 1).run(self._adapter, 1)
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
            Where a transfer fails. What was read until then is lost, and so are the sets popped by it.
        """
        try:
            if count > 1 and self.multi_read is not False:
                return self._read_batches(address, register, length, count)
            return self._read_singly(address, register, length, count)
        except OSError as error:
            raise _bus_error(error, address, register) from error

    def close(self) -> None:
        """Let go of the bus."""
        self._adapter.close()

    def _read_batches(self, address: int, register: int, length: int, count: int) -> bytes:
        transfer = self._transfer(address, register, length, PAIRS_PER_IOCTL)
        parts = []
        for done in range(0, count, PAIRS_PER_IOCTL):
            try:
                parts.append(transfer.run(self._adapter, min(PAIRS_PER_IOCTL, count - done)))
            except OSError as error:
                if self.multi_read is None and error.errno == errno.EOPNOTSUPP:
                    self.multi_read = False
                    return self._read_singly(address, register, length, count)
                raise
            self.multi_read = True
        return b"".join(parts)

    def _read_singly(self, address: int, register: int, length: int, count: int) -> bytes:
        transfer = self._transfer(address, register, length, 1)
        return b"".join([transfer.run(self._adapter, 1) for _ in range(count)])

    def _transfer(self, address: int, register: int, length: int, count: int) -> _Transfer:
        shape = (address, register, length, count)
        transfer = self._transfers.get(shape)
        if transfer is None:
            transfer = self._transfers[shape] = _Transfer(*shape)
        return transfer


def open_bus(number: int) -> I2CBus:
    """Open `/dev/i2c-<number>`; raise `BusError` with what to do where that fails."""
    name = f"/dev/i2c-{number}"
    try:
        return I2CBus(SMBus(number), name)
    except FileNotFoundError as error:
        raise BusError(_missing_bus(number, name), errno=error.errno) from error
    except PermissionError as error:
        message = (
            f"{name}: no permission: add yourself to the group i2c (sudo usermod -aG i2c $USER), log in again"
        )
        raise BusError(message, errno=error.errno) from error
    except OSError as error:
        raise BusError(f"{name}: cannot be opened: {error.strerror}", errno=error.errno) from error


def _missing_bus(number: int, name: str) -> str:
    present = sorted(path.name.removeprefix("i2c-") for path in Path("/dev").glob("i2c-*"))
    if present:
        return f"{name} does not exist; there is {', '.join(present)}: did you mean --bus {present[0]}?"
    hint = "" if number == 1 else " and use --bus 1"
    remedy = f"enable I2C (sudo raspi-config, or dtparam=i2c_arm=on in config.txt), reboot{hint}"
    return f"{name} does not exist: {remedy}"


def _bus_error(error: OSError, address: int, register: int) -> BusError:
    cause = CAUSES.get(error.errno or 0, error.strerror or str(error))
    message = f"address 0x{address:02X}, register 0x{register:02X}: {cause}"
    return BusError(message, errno=error.errno, address=address)
