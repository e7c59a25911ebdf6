"""The kernel's side of an I2C bus: opening `/dev/i2c-N`, its time-out, and who else uses an address.

The kernel gives a transfer 1 s before it calls the bus stuck. Meanwhile a FIFO runs over many times, and
with two sensors on one bus the other one's too, so the time-out is lowered when the bus is opened.

`I2C_RDWR`, which carries all transfers, does not ask whether a driver of the kernel uses the address. Both
would then read the same FIFO, and each would miss what the other got. `I2C_SLAVE` does ask.
"""

import errno
import fcntl
from contextlib import suppress
from pathlib import Path

from smbus2 import SMBus

from bedtick.firmware.errors import BusError

I2C_TIMEOUT, I2C_SLAVE = 0x0702, 0x0703  # ioctls of the kernel's i2c-dev.h
TIMEOUT_UNIT_MS = 10
# A bus of "100 kHz" that really runs at 50 kHz carries 1100 bytes in this time: more than any FIFO
# read asks for. A stuck bus costs little more than it must.
TIMEOUT_MS = 200
DEVICES = Path("/sys/bus/i2c/devices")
UNNAMED = "unknown"  # a driver that the kernel does not name


class LinuxAdapter(SMBus):
    """`/dev/i2c-N`, open; raises OSError where that fails."""

    def __init__(self, number: int) -> None:
        self._number = number
        super().__init__(number)
        self._lower_timeout()

    def reopen(self) -> None:
        """Close the bus and open it anew; raise OSError where that fails."""
        with suppress(OSError):  # a bus that has gone need not close well
            self.close()
        self.open(self._number)
        self._lower_timeout()

    def kernel_driver(self, address: int) -> str | None:
        """Return the name of the kernel driver that uses an address; None where none does."""
        try:
            self._control(I2C_SLAVE, address)
        except OSError as error:
            return _driver_name(self._number, address) if error.errno == errno.EBUSY else None
        return None

    def _lower_timeout(self) -> None:
        with suppress(OSError):  # a bus that cannot be told still works
            self._control(I2C_TIMEOUT, TIMEOUT_MS // TIMEOUT_UNIT_MS)

    def _control(self, request: int, value: int) -> None:
        if self.fd is None:
            raise OSError(errno.EBADF, "the bus is closed")
        fcntl.ioctl(self.fd, request, value)


def open_adapter(number: int) -> LinuxAdapter:
    """Open `/dev/i2c-<number>`; raise `BusError` with what to do where that fails."""
    name = f"/dev/i2c-{number}"
    try:
        return LinuxAdapter(number)
    except FileNotFoundError as error:
        raise BusError(_missing_bus(number, name), errno=error.errno) from error
    except PermissionError as error:
        message = (
            f"{name}: no permission: add yourself to the group i2c (sudo usermod -aG i2c $USER), log in again"
        )
        raise BusError(message, errno=error.errno) from error
    except OSError as error:
        raise BusError(f"{name}: cannot be opened: {error.strerror}", errno=error.errno) from error


def owned_words(bus_name: str, address: int, driver: str) -> str:
    """Return one line on an address that a driver of the kernel uses: which one, and how to free it."""
    if driver == UNNAMED:
        return (
            f"{bus_name}: address 0x{address:02X} is in use by a driver of the kernel: remove the sensor's "
            "dtoverlay line from /boot/firmware/config.txt, then reboot"
        )
    return (
        f"{bus_name}: address 0x{address:02X} is in use by the kernel's driver {driver}: remove its "
        f"dtoverlay line from /boot/firmware/config.txt, or write 'blacklist {driver}' to "
        "/etc/modprobe.d/bedtick.conf; then reboot"
    )


def _driver_name(number: int, address: int) -> str:
    link = DEVICES / f"{number}-{address:04x}" / "driver"
    return link.resolve().name if link.exists() else UNNAMED


def _missing_bus(number: int, name: str) -> str:
    present = sorted(path.name.removeprefix("i2c-") for path in Path("/dev").glob("i2c-*"))
    if present:
        return f"{name} does not exist; there is {', '.join(present)}: did you mean --bus {present[0]}?"
    hint = "" if number == 1 else " and use --bus 1"
    remedy = f"enable I2C (sudo raspi-config, or dtparam=i2c_arm=on in config.txt), reboot{hint}"
    return f"{name} does not exist: {remedy}"
