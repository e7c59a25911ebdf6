"""A scripted night of the unmodified daemon in a process that may be killed, and what its chip delivered.

The process is forked from one that has loaded the compiled detector, so that it samples at once. Time is
emulated: the daemon holds it still until what it owes is committed, so its promise means the same at any
speed. Every set that leaves the emulated chip's FIFO is noted in memory that both processes share, which a
`kill -9` does not touch: a record of the night that neither detector nor store had a hand in.
"""

from __future__ import annotations

import dataclasses
import mmap
import os
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from restless_bed import RestlessBed

from bedtick.firmware.emulator.chips.fifo import SetFifo
from bedtick.logger import daemon
from bedtick.logger.daemon import Control, record
from bedtick.logger.emulated import emulated_rig, mattress_world
from bedtick.logger.rig import Rig, site_of
from bedtick.logger.settings import Settings
from bedtick.logger.store.retention import Retention

RATE_HZ = 400
SET_BYTES = 6
_COUNT = struct.Struct("<Q")
_HEADER_BYTES = _COUNT.size + 1  # how many, and whether the daemon prunes
DAY_NS = 86_400_000_000_000


class Delivered:
    """The sets that the emulated chip has delivered, in memory that outlives the daemon.

    Beside them stands whether the daemon is pruning, for the sake of the cuts that fall into it.

    Parameters
    ----------
    most_s
        Seconds of samples that there is room for.
    """

    def __init__(self, most_s: float) -> None:
        self._memory = mmap.mmap(-1, _HEADER_BYTES + int(most_s * RATE_HZ * SET_BYTES * 1.1))

    def __len__(self) -> int:
        return _COUNT.unpack_from(self._memory)[0]

    def clear(self) -> None:
        """Forget all: another night begins."""
        self.is_pruning = False
        _COUNT.pack_into(self._memory, 0, 0)

    def note(self, one_set: bytes) -> None:
        """Take a set; it counts once it is whole."""
        count = len(self)
        at = _HEADER_BYTES + count * SET_BYTES
        self._memory[at : at + SET_BYTES] = one_set
        _COUNT.pack_into(self._memory, 0, count + 1)

    @property
    def is_pruning(self) -> bool:
        """Whether the daemon is giving up old raw samples."""
        return bool(self._memory[_COUNT.size])

    @is_pruning.setter
    def is_pruning(self, value: bool) -> None:
        self._memory[_COUNT.size] = value

    def counts(self) -> NDArray[np.int32]:
        """Return all of them, (n, 3) counts."""
        taken = self._memory[_HEADER_BYTES : _HEADER_BYTES + len(self) * SET_BYTES]
        return np.frombuffer(taken, "<i2").reshape(-1, 3).astype(np.int32)


@dataclass(frozen=True)
class Night:
    """What the daemon does in one run: which bed it lies in, how long, and with which settings."""

    seed: int
    length_s: float
    settings: Settings = dataclasses.field(default_factory=Settings)
    days_ago: int = 0  # by the wall clock
    is_careless: bool = False  # the control: a daemon that never flushes


def bed_rig(seed: int, settings: Settings, days_ago: int = 0) -> Rig:
    """Put an emulated ADXL345 under a restless bed."""
    world = mattress_world(seed)
    start_utc_ns = (world.start_utc_ns or 0) - days_ago * DAY_NS
    world = dataclasses.replace(world, source=RestlessBed(seed), start_utc_ns=start_utc_ns)
    return emulated_rig(world, settings.sensor, at_real_speed=False)


def carry_out(night: Night, path: Path, delivered: Delivered) -> Callable[[], None]:
    """Return what a process of its own is to do: record the night into a database."""

    def work() -> None:
        _listen(delivered)
        _watch_pruning(delivered)
        if night.is_careless:
            _never_flush()
        rig = bed_rig(night.seed, night.settings, night.days_ago)
        end_ns = rig.clock.boot_ns() + round(night.length_s * 1e9)
        rig = dataclasses.replace(rig, has_ended=lambda: rig.clock.boot_ns() >= end_ns)
        record(site_of(rig), night.settings, path, Control())

    return work


def fork(work: Callable[[], None]) -> int:
    """Start a process that does this and ends; return its id."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            if error := sys.exception():  # a cut disk ends it; whatever else does must be known
                print(f"the daemon ended: {error!r}", file=sys.stderr)
            os._exit(code)
    return child


def _listen(delivered: Delivered) -> None:
    """Note what leaves the FIFO, in this process."""
    pop = SetFifo.pop

    def noted_pop(fifo: SetFifo) -> bytes:
        is_new = fifo.readable > 0
        one_set = pop(fifo)
        if is_new:
            delivered.note(one_set)
        return one_set

    SetFifo.pop = noted_pop


def _watch_pruning(delivered: Delivered) -> None:
    """Note when this process prunes."""
    step = Retention.step

    def watched_step(retention: Retention) -> bool:
        delivered.is_pruning = True
        try:
            return step(retention)
        finally:
            delivered.is_pruning = False

    Retention.step = watched_step


def _never_flush() -> None:
    opened = daemon.open_database

    def open_carelessly(path: Path) -> object:
        db = opened(path)
        db.execute("PRAGMA synchronous = OFF")
        return db

    daemon.open_database = open_carelessly
