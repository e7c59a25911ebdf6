"""Serves an emulated ADXL345 on an I2C bus of umockdev's test bed, until standard input closes.

A second opinion on the boundary to the kernel: umockdev's own library answers the client's ioctls, and asks
this process over a socket. What an `I2C_RDWR` points at is fetched from the client's memory in three steps:

    i2c_rdwr_ioctl_data {msgs *, nmsgs}  ->  nmsgs times i2c_msg {addr, flags, len, buf *}  ->  the bytes

The chip is bedtick's own emulated one, on the machine's clock. The first line printed is the folder of the
test bed, for the client's environment. With the argument `owned`, the chip's address is a kernel driver's.
"""

from __future__ import annotations

import errno
import struct
import sys
from pathlib import Path

try:
    import gi
except ImportError:  # a virtual environment does not see Debian's python3-gi
    sys.path.append("/usr/lib/python3/dist-packages")
    import gi

gi.require_version("UMockdev", "1.0")
from gi.repository import GLib, UMockdev  # noqa: E402  the version has to be asked for first
from smbus2 import i2c_msg  # noqa: E402

from bedtick.firmware.clock import SystemClock  # noqa: E402
from bedtick.firmware.emulator import Still, build_emulator  # noqa: E402

I2C_SLAVE, I2C_FUNCS, I2C_RDWR = 0x0703, 0x0705, 0x0707  # the kernel's i2c-dev.h
I2C_FUNC_I2C, I2C_M_RD = 1, 1  # the kernel's i2c.h
CALL = struct.Struct("@PI4x")
MESSAGE = struct.Struct("@HHHxxP")
MESSAGE_BUFFER = 8  # where in a message its pointer is
BUS = 92
DRIVER = "adxl345_i2c"
NODE = f"/dev/i2c-{BUS}"
DEVICE = f"""P: /devices/i2c-{BUS}
N: i2c-{BUS}
E: DEVNAME={NODE}
E: SUBSYSTEM=i2c-dev

"""
OWNED = f"""P: /devices/i2c-{BUS}/{BUS}-0053
L: driver=../../../bus/i2c/drivers/{DRIVER}
E: SUBSYSTEM=i2c

"""


class Handler(UMockdev.IoctlBase):
    """Answers the ioctls of every client of the bus."""

    def __init__(self, rig, *, owned):
        super().__init__()
        self._rig = rig
        self._owned = owned

    def do_handle_ioctl(self, client):
        """Answer one ioctl; return whether it was one of ours."""
        request = client.get_request()
        if request == I2C_RDWR:
            self._carry(client)
        elif request == I2C_FUNCS:
            client.get_arg().resolve(0, 8).update(0, list(struct.pack("@L", I2C_FUNC_I2C)))
            client.complete(0, 0)
        elif request == I2C_SLAVE and self._owned:
            client.complete(-1, errno.EBUSY)
        else:
            client.complete(0, 0)
        return True

    def _carry(self, client):
        call = client.get_arg().resolve(0, CALL.size)
        _, count = CALL.unpack(bytes(call.retrieve()))
        table = call.resolve(0, count * MESSAGE.size)
        headers = list(MESSAGE.iter_unpack(bytes(table.retrieve())))
        places = [
            table.resolve(index * MESSAGE.size + MESSAGE_BUFFER, header[2])
            for index, header in enumerate(headers)
        ]
        messages = [
            i2c_msg.read(address, length) if flags & I2C_M_RD else i2c_msg.write(address, place.retrieve())
            for (address, flags, length, _), place in zip(headers, places, strict=True)
        ]
        try:
            self._rig.adapter.i2c_rdwr(*messages)
        except OSError as error:
            client.complete(-1, error.errno)
            return
        for message, place in zip(messages, places, strict=True):
            if message.flags & I2C_M_RD:
                place.update(0, list(bytes(message)))
        client.complete(count, 0)


def main() -> None:
    """Serve until the caller goes away."""
    is_owned = sys.argv[1:] == ["owned"]
    rig = build_emulator(Still(), SystemClock())
    testbed = UMockdev.Testbed.new()
    (Path(testbed.get_root_dir()) / f"sys/bus/i2c/drivers/{DRIVER}").mkdir(parents=True)
    testbed.add_from_string(DEVICE + (OWNED if is_owned else ""))
    handler = Handler(rig, owned=is_owned)
    testbed.attach_ioctl(NODE, handler)
    sys.stdout.write(f"{testbed.get_root_dir()}\n")
    sys.stdout.flush()
    loop = GLib.MainLoop()
    GLib.io_add_watch(sys.stdin.fileno(), GLib.IOCondition.HUP, lambda *_: loop.quit())
    loop.run()


if __name__ == "__main__":
    main()
