"""The FIFO of the MPU6050 and its relatives: a queue of bytes, from which only whole sets may be handed over.

It holds 1024 bytes on an MPU6050 and 512 on later parts, neither a multiple of the six bytes of a set (x, y,
z, high byte first). When it is full the oldest *bytes* go: what is left begins within a set, and every axis
is another's from then on. Such bytes are never handed over:

* A count above the whole sets that fit means that bytes were lost.
* Bytes lost always leave a count that is no multiple of six. So may a set that is being written, but
  only for a moment: the count is read again.
* Where reading took so long that the rest could have filled meanwhile, INT_STATUS is asked afterwards.
* After a read that broke off nobody knows how many bytes it took; one that nobody answered took none.

In each case the FIFO is emptied; the block is empty, says `overrun`, and tells when the FIFO began anew.

A drain is two transactions: FIFO_COUNT, and that many bytes of FIFO_R_W, a port at which the register pointer
stays. One would do only by guessing the count, and a guess too high takes half a set.
"""

import errno

import numpy as np
from numpy.typing import NDArray

from bedtick.firmware.chips import mpu6050_registers as reg
from bedtick.firmware.chips.access import RegisterAccess
from bedtick.firmware.chips.contract import Block
from bedtick.firmware.chips.mpu6050_parts import SET_BYTES
from bedtick.firmware.clock import Clock
from bedtick.firmware.errors import BusError

MOST_BYTES = 4096  # more than any relative's FIFO counts
ON = reg.USER_CTRL.encode(FIFO_EN=1)
ACCEL = reg.FIFO_EN.encode(ACCEL=1)
UNANSWERED = {errno.EREMOTEIO, errno.ENXIO}
SAFE_SHARE = 0.8  # of the time that the FIFO takes to fill at the nominal rate: the oscillator may be fast


class Mpu6050Fifo:
    """The FIFO, and whether the next byte in it is the first of a set.

    Parameters
    ----------
    chip
        The registers.
    clock
        What blocks are timed by.
    """

    def __init__(self, chip: RegisterAccess, clock: Clock) -> None:
        self._chip = chip
        self._clock = clock
        self._is_aligned = True

    def begin_anew(self) -> Block:
        """Empty the FIFO, clear its overflow flag, in the one order that works, and let sets in again."""
        self._is_aligned = False
        self._chip.command(reg.FIFO_EN, 0)
        self._chip.command(reg.USER_CTRL, reg.USER_CTRL.encode(FIFO_RESET=1))  # only while FIFO_EN is 0 there
        self._chip.command(reg.USER_CTRL, ON)
        self._chip.read(reg.INT_STATUS)
        before_ns = self._clock.boot_ns()
        self._chip.command(reg.FIFO_EN, ACCEL)
        after_ns = self._clock.boot_ns()
        self._is_aligned = True
        return Block(
            counts=np.empty((0, 3), dtype=np.int32),
            overrun=True,
            produced=0,
            boot_ns=(before_ns + after_ns) // 2,
            read_ns=after_ns - before_ns,
        )

    def drain(self, fifo_sets: int, rate_hz: int) -> Block:
        """Read the whole sets that wait.

        Parameters
        ----------
        fifo_sets
            How many fit.
        rate_hz
            How fast they come, nominally.
        """
        if not self._is_aligned:
            return self.begin_anew()
        before_ns = self._clock.boot_ns()
        count_bytes = self._read_count()
        after_ns = self._clock.boot_ns()
        sets, odd_bytes = divmod(count_bytes, SET_BYTES)
        if count_bytes > fifo_sets * SET_BYTES or (odd_bytes and self._is_rotated()):
            return self.begin_anew()
        counts = self._read_sets(sets)
        room_ns = (fifo_sets - sets) / rate_hz * SAFE_SHARE * 1e9
        if self._clock.boot_ns() - before_ns > room_ns and self._has_overflowed():
            return self.begin_anew()
        return Block(
            counts=counts,
            overrun=False,
            produced=sets,
            boot_ns=(before_ns + after_ns) // 2,
            read_ns=after_ns - before_ns,
        )

    def _read_count(self) -> int:
        count_bytes = int.from_bytes(self._chip.read_run(reg.FIFO_COUNT[0], len(reg.FIFO_COUNT)), "big")
        if count_bytes > MOST_BYTES:
            raise self._chip.garbled(reg.FIFO_COUNT[0], count_bytes // SET_BYTES, MOST_BYTES // SET_BYTES)
        return count_bytes

    def _read_sets(self, sets: int) -> NDArray[np.int32]:
        if not sets:
            return np.empty((0, 3), dtype=np.int32)
        try:
            raw = self._chip.read_run(reg.FIFO_R_W, sets * SET_BYTES)
        except BusError as error:
            self._is_aligned = error.errno in UNANSWERED
            raise
        return np.frombuffer(raw, dtype=">i2").reshape(-1, 3).astype(np.int32)

    def _is_rotated(self) -> bool:
        """Return whether odd bytes stay: those of a set being written are gone at the next look."""
        return all(self._read_count() % SET_BYTES for _ in range(2))

    def _has_overflowed(self) -> bool:
        status = reg.INT_STATUS.decode(self._chip.read(reg.INT_STATUS))
        return bool(status["FIFO_OFLOW"]) or self._is_rotated()
