"""Mounts a volatile disk by FUSE and serves it while a process of its own works on it.

The process that mounts is the one that serves, on one thread. The kernel writes through: each `write` of the
user's arrives here before it returns, and each `fsync` as a flush. At a cut the user is killed.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
from collections.abc import Callable
from pathlib import Path

import fuse_wire as wire
from volatile_disk import VolatileDisk

PATIENCE_MS = 60_000  # without any request of a process that uses the disk
DETACH = 2  # MNT_DETACH of umount2(2)
_LIBC = ctypes.CDLL(None, use_errno=True)


class NoFuseError(Exception):
    """No FUSE disk can be mounted on this machine; the text says why."""


def mount(folder: Path) -> int:
    """Mount a FUSE disk on a folder; return the handle that it is served by.

    Raises
    ------
    NoFuseError
        Where that can not be done here.
    """
    try:
        handle = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise NoFuseError(f"/dev/fuse can not be opened: {error.strerror}") from error
    options = f"fd={handle},rootmode=40755,user_id=0,group_id=0,default_permissions,allow_other"
    if _LIBC.mount(b"volatile", os.fsencode(folder), b"fuse", 0, options.encode()):
        os.close(handle)
        raise NoFuseError(f"a FUSE disk can not be mounted: {os.strerror(ctypes.get_errno())}")
    return handle


def use(disk: VolatileDisk, folder: Path, work: Callable[[], None]) -> int:
    """Mount a disk, let a process of its own work on it, and serve it until that ends; give its exit code.

    The code is the signal's, negative, where it was killed, as it is at a cut, and where it stood still.
    """
    handle = mount(folder)
    try:
        child = os.fork()
        if child == 0:
            os.close(handle)
            _work_and_exit(work)
        return _serve(disk, handle, child)
    finally:
        _LIBC.umount2(os.fsencode(folder), DETACH)
        os.close(handle)


def _work_and_exit(work: Callable[[], None]) -> None:
    """Run to an end of its own: nothing of the parent's is carried on here."""
    code = 1
    try:
        work()
        code = 0
    finally:
        os._exit(code)


def _serve(disk: VolatileDisk, handle: int, child: int) -> int:
    watched = os.pidfd_open(child)
    waiting = select.poll()
    waiting.register(handle, select.POLLIN)
    waiting.register(watched, select.POLLIN)
    is_killed = False
    while True:
        ready = {number for number, _ in waiting.poll(PATIENCE_MS)}
        if handle in ready:
            _answer_one(disk, handle)
        if not is_killed and (not ready or not disk.has_power):
            os.kill(child, signal.SIGKILL)
            is_killed = True
        elif watched in ready:
            os.close(watched)
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _answer_one(disk: VolatileDisk, handle: int) -> None:
    try:
        message = os.read(handle, wire.BUFFER_BYTES)
        answer = disk.answer(message)
        if answer is not None:
            os.write(handle, answer)
    except FileNotFoundError:  # the request was taken back, as those of a killed user are
        return
