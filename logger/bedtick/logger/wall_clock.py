"""What the wall clock says, whether it can be trusted, when it stepped, and the time zone of the house.

The wall clock and the boot clock go alike, at one rate, until somebody sets the wall clock: then it steps.
That is noticed in two ways. Linux cancels a timer on CLOCK_REALTIME when that clock is set
(timerfd_create(2), TFD_TIMER_CANCEL_ON_SET), so a look at such a timer tells of any step at once, and never
waits. And once a second both clocks are compared: where there is no such timer this finds steps too, and it
alone finds that the clock became synchronised without a step.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
import time
import weakref
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bedtick.firmware.clock import Clock
from bedtick.logger.store.batch import WallTime

STEP_NS = 50_000_000  # a clock that slews moves by 0.5 ms in a second; more than this is a step
LOOK_NS = 1_000_000_000  # how often the clocks are compared, and steps are told at most
_TIME_ERROR = 5  # adjtimex(2): "the system clock is not synchronized to a reliable server"
_TIMEX_BYTES = 512  # more than the struct has on any architecture
_FAR_S = 8_900_000_000  # in the year 2252: Linux lets nobody set the clock that far
_LONGEST = 2 ** (8 * ctypes.sizeof(ctypes.c_long) - 1) - 1
_ABSTIME, _CANCEL_ON_SET = 1, 2  # TFD_TIMER_ABSTIME, TFD_TIMER_CANCEL_ON_SET of linux/timerfd.h


class WallClock(Protocol):
    """Something that tells UTC, and how far it can be trusted."""

    def read(self) -> WallTime:
        """Return the time now."""

    def was_set(self) -> bool:
        """Tell at once whether the clock was set since the last question; False where that is not known."""


class SystemWallClock:
    """CLOCK_REALTIME, and the kernel's word on whether it is synchronised."""

    def __init__(self) -> None:
        self._alarm: SetAlarm | None = None

    def read(self) -> WallTime:
        """Return UTC now; modes of 0 in the struct make adjtimex a mere question."""
        try:
            state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
        except AttributeError:  # no Linux: nobody says whether it is synchronised
            state = _TIME_ERROR
        return WallTime(time.time_ns(), synced=0 <= state < _TIME_ERROR)

    def was_set(self) -> bool:
        """Tell whether somebody set the clock since the last question; the first one only begins to watch."""
        self._alarm = self._alarm or SetAlarm()
        return self._alarm.rang()


class SetAlarm:
    """A timer that the kernel cancels when the wall clock is set; mute where it has none."""

    def __init__(self) -> None:
        try:
            self._handle: int | None = _far_timer()
        except (OSError, AttributeError):  # no Linux, or a sandbox without timers
            self._handle = None
        else:
            weakref.finalize(self, os.close, self._handle)

    def rang(self) -> bool:
        """Tell whether the clock was set since the last question; never waits."""
        if self._handle is None:
            return False
        try:
            os.read(self._handle, 8)
        except OSError as error:
            return error.errno == errno.ECANCELED
        return True  # it went off: the clock was set past its time


if sys.version_info >= (3, 13):

    def _far_timer() -> int:
        """Return the handle of a timer in a far future that ends early when the clock is set."""
        handle = os.timerfd_create(time.CLOCK_REALTIME, flags=os.TFD_NONBLOCK | os.TFD_CLOEXEC)
        flags = os.TFD_TIMER_ABSTIME | os.TFD_TIMER_CANCEL_ON_SET
        os.timerfd_settime(handle, flags=flags, initial=_FAR_S)
        return handle

else:

    def _far_timer() -> int:
        """Return the handle of a timer in a far future that ends early when the clock is set."""
        libc = ctypes.CDLL(None, use_errno=True)
        handle = int(libc.timerfd_create(time.CLOCK_REALTIME, os.O_NONBLOCK | os.O_CLOEXEC))
        # struct itimerspec: interval and value, each as seconds and nanoseconds.
        when = (ctypes.c_long * 4)(0, 0, min(_FAR_S, _LONGEST), 0)
        if handle < 0 or libc.timerfd_settime(handle, _ABSTIME | _CANCEL_ON_SET, when, None) < 0:
            raise OSError(ctypes.get_errno(), "no timer on the wall clock")
        return handle


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

    def was_set(self) -> bool:
        """Tell that nobody ever sets an emulated clock."""
        return False


class StepWatch:
    """Notices where the wall clock stepped against the boot clock, or became synchronised.

    Parameters
    ----------
    wall
        The clock to watch.
    boot_ns
        The boot clock now.
    """

    def __init__(self, wall: WallClock, boot_ns: int) -> None:
        self._wall = wall
        wall.was_set()  # what was set before is none of ours
        self._seen = wall.read()
        self._seen_ns = boot_ns
        self._told_ns = boot_ns - LOOK_NS
        self._is_untold = False

    def stepped(self, boot_ns: int) -> bool:
        """Tell whether the clock stepped since the last time that this was told.

        Ask as often as you like, also before every drain: it never waits, and the clocks are compared once a
        second. A step is told at once, but a clock that steps all the time only once a second: an anchor for
        each step would wear out the card, and the last one counts.
        """
        was_set = self._wall.was_set()
        if was_set or boot_ns - self._seen_ns >= LOOK_NS:
            self._is_untold |= self._differs(boot_ns) or was_set
        if not self._is_untold or boot_ns - self._told_ns < LOOK_NS:
            return False
        self._is_untold = False
        self._told_ns = boot_ns
        return True

    def _differs(self, boot_ns: int) -> bool:
        """Look at the clock; tell whether it moved, or its state changed, since the last look."""
        before, before_ns = self._seen, self._seen_ns
        now = self._seen = self._wall.read()
        self._seen_ns = boot_ns
        if now.utc_ns is None or before.utc_ns is None:
            return now.utc_ns is not before.utc_ns
        moved_ns = (now.utc_ns - boot_ns) - (before.utc_ns - before_ns)
        return now.synced != before.synced or abs(moved_ns) > STEP_NS


def boot_id() -> str | None:
    """Return the kernel's id of this boot; None where the kernel has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None


def time_zone() -> str | None:
    """Return the IANA name of the time zone: TZ, else what /etc/localtime is, else /etc/timezone.

    None where none of them names a zone that is known here. /etc/localtime goes before /etc/timezone: that is
    left over from older releases of Debian.
    """
    if name := os.environ.get("TZ", "").lstrip(":"):
        return name if _is_known(name) else None
    _, found, name = str(Path("/etc/localtime").resolve()).partition("/zoneinfo/")
    if not found:
        name = _name_in(Path("/etc/timezone"))
    return name if name and _is_known(name) else None


def _name_in(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _is_known(name: str) -> bool:
    """Tell whether a text is a zone's name: a value of TZ may also be a rule, such as CET-1CEST."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
