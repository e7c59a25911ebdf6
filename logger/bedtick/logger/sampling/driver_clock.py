"""The clock that drivers are given: while one waits for its chip, whoever else is due is seen to.

Some chips need a tenth of a second until they are set up, which is longer than a neighbour's FIFO lasts. So a
driver's wait is no idle time: the daemon, which knows its sensors, puts `wait` there.
"""

from __future__ import annotations

from collections.abc import Callable

from bedtick.firmware.clock import Clock


class DriverClock:
    """A clock whose waits can be put to use.

    Parameters
    ----------
    clock
        What time is told by.

    Attributes
    ----------
    wait
        Called with the boot time until which a driver waits; at first it sleeps and does no more.
    """

    def __init__(self, clock: Clock) -> None:
        self.is_real = clock.is_real
        self.wait: Callable[[int], None] = clock.sleep_until
        self._clock = clock

    def boot_ns(self) -> int:
        """Return nanoseconds since boot."""
        return self._clock.boot_ns()

    def sleep_until(self, boot_ns: int) -> None:
        """Return when the clock has reached `boot_ns`, or somewhat later."""
        self.wait(boot_ns)
