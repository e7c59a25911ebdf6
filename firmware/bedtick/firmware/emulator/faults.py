"""Switches for what goes wrong between a host and its chip; they may be set while it runs."""

import errno
import random
from collections import deque


class Faults:
    """What the emulated bus and chip are to get wrong.

    Attributes
    ----------
    identity
        What DEVID reads instead of the chip's own value; None for the truth.
    stuck
        The data registers repeat one set for ever, while the FIFO counts on.
    unplugged
        Nobody answers at any address.
    bus_stuck
        Every transfer ends in the controller's time-out.
    bus_gone
        The adapter itself has gone; it can be opened again only once this is false.
    kernel_drivers
        By address: the name of the kernel's driver that uses it.
    """

    def __init__(self) -> None:
        self.identity: int | None = None
        self.stuck = False
        self.unplugged = False
        self.bus_stuck = False
        self.bus_gone = False
        self.kernel_drivers: dict[int, str] = {}
        self._due: deque[int] = deque()
        self._chances: tuple[tuple[int, float], ...] = ()
        self._slow: tuple[float, int] = (0.0, 0)
        self._random = random.Random(0)  # noqa: S311  seeded chance is no secret

    def nack_next(self, transfers: int = 1) -> None:
        """Have the next transfers fail because nobody answers (OSError 121)."""
        self._due.extend([errno.EREMOTEIO] * transfers)

    def timeout_next(self, transfers: int = 1) -> None:
        """Have the next transfers fail after the controller's time-out (OSError 110)."""
        self._due.extend([errno.ETIMEDOUT] * transfers)

    def short_read_next(self, transfers: int = 1) -> None:
        """Have the next transfers break off near their end: the chip has given its data away (OSError 5)."""
        self._due.extend([errno.EIO] * transfers)

    def fail_randomly(self, seed: int, *, nack: float = 0.0, short_read: float = 0.0) -> None:
        """Have transfers fail by chance from now on: probabilities of no answer, and of breaking off."""
        self._random.seed(seed)
        self._chances = ((errno.EREMOTEIO, nack), (errno.EIO, short_read))

    def slow_randomly(self, seed: int, share: float, longest_ns: int) -> None:
        """Have a share of transfers take longer by chance, by up to `longest_ns`."""
        self._random.seed(seed)
        self._slow = (share, longest_ns)

    def take(self) -> int | None:
        """Return the error number of the next transfer, None where it is to succeed."""
        if self.bus_gone:
            return errno.ENODEV
        if self.bus_stuck:
            return errno.ETIMEDOUT
        if self.unplugged:
            return errno.EREMOTEIO
        if self._due:
            return self._due.popleft()
        return self._by_chance() if self._chances else None

    def delay_ns(self) -> int:
        """Return by how much the next transfer is to be slower than its time on the wire."""
        share, longest_ns = self._slow
        return self._random.randrange(longest_ns) if share and self._random.random() < share else 0

    def _by_chance(self) -> int | None:
        chance = self._random.random()
        for number, probability in self._chances:
            if chance < probability:
                return number
            chance -= probability
        return None
