"""Switches for what goes wrong between a host and its chip; they may be set while it runs."""

import errno
from collections import deque


class Faults:
    """What the emulated bus and chip are to get wrong.

    Attributes
    ----------
    identity
        What DEVID reads instead of the chip's own value; None for the truth.
    stuck
        The data registers repeat one set for ever, while the FIFO counts on.
    """

    def __init__(self) -> None:
        self.identity: int | None = None
        self.stuck = False
        self._due: deque[int] = deque()

    def nack_next(self, transfers: int = 1) -> None:
        """Have the next transfers fail because nobody answers (OSError 121)."""
        self._due.extend([errno.EREMOTEIO] * transfers)

    def timeout_next(self, transfers: int = 1) -> None:
        """Have the next transfers fail after the controller's timeout of 1 s (OSError 110)."""
        self._due.extend([errno.ETIMEDOUT] * transfers)

    def short_read_next(self, transfers: int = 1) -> None:
        """Have the next transfers break off near their end: the chip has given its data away (OSError 5)."""
        self._due.extend([errno.EIO] * transfers)

    def take(self) -> int | None:
        """Return the error number of the next transfer, None where it is to succeed."""
        return self._due.popleft() if self._due else None
