"""A sensor that does not answer yet: tried again with growing pauses, and spoken of ever more rarely.

Tries are cheap and a night is long, so the pauses grow to ten seconds and no more. What the log says comes
at once, then after a minute, after four, after sixteen and so on.
"""

from __future__ import annotations

import logging

from bedtick.firmware.clock import Clock
from bedtick.firmware.errors import BedtickError
from bedtick.logger.rig import Seat

SECOND_NS = 1_000_000_000
PAUSES_S = (1, 2, 5, 10)  # after the first tries; the last goes on
FIRST_REMINDER_S = 60
REMINDER_GROWS = 4

log = logging.getLogger(__name__)


class Missing:
    """The wait for one sensor.

    Parameters
    ----------
    seat
        The sensor, and how it is reached.
    clock
        What the pauses are measured by.
    error
        Why it could not be had at the first try; said at once.
    """

    def __init__(self, seat: Seat, clock: Clock, error: BedtickError) -> None:
        self.seat = seat
        self._clock = clock
        self._tries = 0
        self._since_ns = clock.boot_ns()
        self._remind_after_ns = FIRST_REMINDER_S * SECOND_NS
        self.next_poll_ns = 0
        log.warning("place %s: %s; trying again until it answers", seat.sensor.place, error)
        self._pause()

    def note_failure(self, error: BedtickError) -> None:
        """Note another try in vain."""
        waited_ns = self._clock.boot_ns() - self._since_ns
        if waited_ns >= self._remind_after_ns:
            self._remind_after_ns *= REMINDER_GROWS
            minutes = waited_ns // (60 * SECOND_NS)
            log.warning(
                "place %s: still nothing after %d minutes: %s", self.seat.sensor.place, minutes, error
            )
        self._pause()

    def _pause(self) -> None:
        pause_s = PAUSES_S[min(self._tries, len(PAUSES_S) - 1)]
        self._tries += 1
        self.next_poll_ns = self._clock.boot_ns() + pause_s * SECOND_NS
