"""The stand-in for `/dev/i2c-N` keeps the rules of the kernel and of the controllers."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys

import pytest

OPENED = """
import array, fcntl, json, sys, threading
from smbus2 import SMBus, i2c_msg
bus = SMBus(91)
def read(register, length=1, address=0x53):
    got = i2c_msg.read(address, length)
    bus.i2c_rdwr(i2c_msg.write(address, [register]), got)
    return list(got)
"""


@pytest.fixture
def ask():
    """Return a function that runs Python on a bus, in a process of its own, and gives what it prints."""

    def run(bus, code, before=OPENED):
        done = subprocess.run(
            [sys.executable, "-c", before + code],
            env=os.environ | bus.environment,
            capture_output=True,
            check=True,
            text=True,
            timeout=60,
        )
        return json.loads(done.stdout)

    return run


REFUSALS = {
    "43 messages": (errno.EINVAL, "bus.i2c_rdwr(*[i2c_msg.write(0x53, [0])] * 43)"),
    "8193 bytes": (errno.EINVAL, "bus.i2c_rdwr(i2c_msg.read(0x53, 8193))"),
    "nobody there": (errno.EREMOTEIO, "read(0, address=0x1D)"),
    "owned by the kernel": (errno.EBUSY, "fcntl.ioctl(bus.fd, 0x0703, 0x53)"),
    "a bus that hangs": (errno.ETIMEDOUT, "fcntl.ioctl(bus.fd, 0x0702, 2); read(1)"),
    "a pulled adapter": (errno.ENODEV, "read(2)"),
    "not an I2C call": (errno.ENOTTY, "fcntl.ioctl(bus.fd, 0x5401, bytes(64))"),
}
SWITCHES = {
    "owned by the kernel": ("busy_address", 0x53),
    "a bus that hangs": ("stuck", 1),
    "a pulled adapter": ("gone", 1),
}
TRIED = """
sys.stdin.readline()
try:
    {statement}
    print(0)
except OSError as error:
    print(error.errno)
"""


@pytest.mark.parametrize("what", REFUSALS)
def test_what_the_kernel_refuses(make_bus, what):
    """The boundary answers with the kernel's error numbers, and not before it is asked."""
    number, statement = REFUSALS[what]
    bus = make_bus("adxl345")
    with subprocess.Popen(
        [sys.executable, "-c", OPENED + "print(read(0), flush=True)" + TRIED.format(statement=statement)],
        env=os.environ | bus.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "[229]\n"
        name, value = SWITCHES.get(what, ("counting", 0))
        setattr(bus.bus, name, value)
        answer, _ = process.communicate("\n")
    assert int(answer) == number


def test_42_messages_of_8192_bytes_are_carried(make_bus, ask):
    """The largest call that the kernel takes is taken."""
    bus = make_bus("adxl345")
    assert ask(bus, "got = [i2c_msg.read(0x53, 8192)] * 42; bus.i2c_rdwr(*got); print(got[0].len)") == 8192
    assert (bus.bus.messages, bus.bus.bytes) == (42, 42 * 8192)


def test_a_bcm2835_reads_only_last(make_bus, ask):
    """Two reads in one call are refused before anything is sent; a write and a read are carried."""
    bus = make_bus("adxl345")
    bus.bus.single_read = 1
    code = """
two = [i2c_msg.write(0x53, [0x2D, 8]), i2c_msg.read(0x53, 1)] * 2
try:
    bus.i2c_rdwr(*two)
except OSError as error:
    print(json.dumps([error.errno, read(0x2D), read(0)]))
"""
    assert ask(bus, code) == [errno.EOPNOTSUPP, [0], [0xE5]]
    assert (bus.bus.refused, bus.bus.transfers) == (1, 2)


def test_a_call_that_fails_delivers_nothing(make_bus, ask):
    """A transfer that broke off leaves the buffer as it was, although the chip gave its set away."""
    bus = make_bus("adxl345")
    bus.bus.break_next = 1
    code = """
got = i2c_msg.read(0x53, 1)
try:
    bus.i2c_rdwr(i2c_msg.write(0x53, [0]), got)
except OSError as error:
    print(json.dumps([error.errno, list(got), read(0)]))
"""
    assert ask(bus, code) == [errno.EIO, [0], [0xE5]]


def test_threads_and_processes_share_the_bus(make_bus):
    """Two programs of four threads each ask one chip for two registers; no answer is another's."""
    bus = make_bus("adxl345")
    bus.bus.bus_hz = 100_000
    code = """
wrong = []
def look(register, value):
    for _ in range(50):
        if read(register)[0] != value:
            wrong.append(register)
threads = [threading.Thread(target=look, args=pair) for pair in ((0x00, 0xE5), (0x2C, 0x0A)) * 2]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(wrong))
"""
    command = [sys.executable, "-c", OPENED + code]
    programs = [
        subprocess.Popen(command, env=os.environ | bus.environment, stdout=subprocess.PIPE) for _ in range(2)
    ]
    assert [program.communicate()[0] for program in programs] == [b"0\n", b"0\n"]
    assert (bus.bus.transfers, bus.bus.failed) == (2 * 4 * 50, 0)


def test_who_dies_with_the_lock_stops_nobody(make_bus, ask, until):
    """After `kill -9` in the middle of a transfer the bus works, and the chip holds what it was told."""
    bus = make_bus("adxl345")
    code = "bus.i2c_rdwr(i2c_msg.write(0x53, [0x1D, 0x42]))\nwhile True: read(0x1D)"
    bus.bus.bus_hz = 2000  # a transfer takes 24 ms, nearly all of the time
    with subprocess.Popen([sys.executable, "-c", OPENED + code], env=os.environ | bus.environment) as process:
        until(lambda: bus.bus.transfers > 2, process)
        process.kill()
    bus.bus.bus_hz = 0
    assert ask(bus, "print(read(0x1D))") == [0x42]
