"""What the wall clock says, whether it can be trusted, when it stepped, and the time zone of the house."""

from __future__ import annotations

import ctypes
import os
import time
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bedtick.firmware.clock import Clock
from bedtick.logger.store.batch import WallTime

STEP_NS = 50_000_000  # a clock that slews moves by 0.5 ms in a second; more than this is a step
_TIME_ERROR = 5  # adjtimex(2): "the system clock is not synchronized to a reliable server"
_TIMEX_BYTES = 512  # more than the struct has on any architecture


class WallClock(Protocol):
    """Something that tells UTC, and how far it can be trusted."""

    def read(self) -> WallTime:
        """Return the time now."""


class SystemWallClock:
    """CLOCK_REALTIME, and the kernel's word on whether it is synchronised."""

    def read(self) -> WallTime:
        """Return UTC now; modes of 0 in the struct make adjtimex a mere question."""
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
        return WallTime(time.time_ns(), synced=0 <= state < _TIME_ERROR)


class EmulatedWallClock:
    """A wall clock that follows an emulated boot clock, from its first reading on.

    Parameters
    ----------
    clock
        The boot clock to follow.
    utc_ns
        What the first reading shows; None for a device that does not know the time.
    synced
        Whether it is to be trusted.
    """

    def __init__(self, clock: Clock, utc_ns: int | None, *, synced: bool) -> None:
        self._clock = clock
        self._first_utc_ns = utc_ns
        self._first_boot_ns: int | None = None
        self._synced = synced

    def read(self) -> WallTime:
        """Return the emulated time now."""
        boot_ns = self._clock.boot_ns()
        if self._first_boot_ns is None:
            self._first_boot_ns = boot_ns
        if self._first_utc_ns is None:
            return WallTime(None, synced=False)
        return WallTime(self._first_utc_ns + boot_ns - self._first_boot_ns, synced=self._synced)


class StepWatch:
    """Notices where the wall clock stepped against the boot clock, or became synchronised."""

    def __init__(self, boot_ns: int, wall: WallTime) -> None:
        self._offset_ns = None if wall.utc_ns is None else wall.utc_ns - boot_ns
        self._synced = wall.synced

    def stepped(self, boot_ns: int, wall: WallTime) -> bool:
        """Tell whether the clock stepped since the last call, and remember how it stands now."""
        offset_ns = None if wall.utc_ns is None else wall.utc_ns - boot_ns
        before_ns, self._offset_ns = self._offset_ns, offset_ns
        was_synced, self._synced = self._synced, wall.synced
        if offset_ns is None or before_ns is None:
            return offset_ns is not before_ns
        return was_synced != wall.synced or abs(offset_ns - before_ns) > STEP_NS


def boot_id() -> str | None:
    """Return the kernel's id of this boot; None where the kernel has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None


def time_zone() -> str | None:
    """Return the IANA name of the time zone: TZ, /etc/timezone or /etc/localtime; None if unknown."""
    if name := os.environ.get("TZ", "").lstrip(":"):
        return name if _is_known(name) else None
    try:
        if name := Path("/etc/timezone").read_text().strip():
            return name
    except OSError:
        pass  # Trixie has no such file
    _, found, name = str(Path("/etc/localtime").resolve()).partition("/zoneinfo/")
    return name if found else None


def _is_known(name: str) -> bool:
    """Tell whether a value of TZ is a zone's name: it may also be a rule, such as CET-1CEST."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
