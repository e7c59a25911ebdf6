"""The clock that samples are timed by: nanoseconds since boot, sleep of the machine included."""

import time
from typing import Protocol


class Clock(Protocol):
    """Time since boot, and a way to wait for it."""

    @property
    def is_real(self) -> bool:
        """Whether time passes by itself; an emulated clock moves only when told."""

    def boot_ns(self) -> int:
        """Return nanoseconds since boot."""

    def sleep_until(self, boot_ns: int) -> None:
        """Return when the clock has reached `boot_ns`; at once if it already has."""


class SystemClock:
    """The machine's CLOCK_BOOTTIME, which goes on through suspend and never jumps."""

    is_real = True

    def boot_ns(self) -> int:
        """Return nanoseconds since boot."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def sleep_until(self, boot_ns: int) -> None:
        """Sleep until the clock reads `boot_ns`; return at once if it already does."""
        delay_ns = boot_ns - self.boot_ns()
        if delay_ns > 0:
            time.sleep(delay_ns / 1e9)
