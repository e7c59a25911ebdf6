"""Says in the log that something is wrong with a sensor, and does not say it again every second.

Each kind of trouble is said when it first comes up, and again after ten minutes, with how often it came up
meanwhile.
"""

from __future__ import annotations

import logging

from bedtick.firmware.clock import Clock

REMIND_NS = 600 * 1_000_000_000


class FaultLog:
    """What was said about one sensor, and when."""

    def __init__(self, log: logging.Logger, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self._said_ns: dict[str, int] = {}
        self._unsaid: dict[str, int] = {}
        self._owes_good_news = False

    def trouble(self, name: str, message: str) -> None:
        """Say it, where this kind of trouble was not said for ten minutes; count it otherwise."""
        now_ns = self._clock.boot_ns()
        if now_ns - self._said_ns.get(name, now_ns - REMIND_NS) < REMIND_NS:
            self._unsaid[name] = self._unsaid.get(name, 0) + 1
            return
        unsaid = self._unsaid.pop(name, 0)
        since = f" ({unsaid} more times since this was last said)" if unsaid else ""
        self._log.warning("%s; trying again%s", message, since)
        self._said_ns[name] = now_ns
        self._owes_good_news = True

    def good_news(self, message: str) -> None:
        """Say that it is over, where it was said that there was trouble."""
        if self._owes_good_news:
            self._log.warning("%s", message)
        self._owes_good_news = False
