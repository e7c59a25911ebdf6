"""The emulated FIFO: the sets that wait between the oscillator and the data registers.

While the chip measures, the waiting sets are two tick numbers, `tail` and `head`; sets from before a
change of settings are kept as bytes in front of them. What happens when there is no room depends on the mode:

    bypass   the newest set replaces the one before
    FIFO     new sets are dropped
    stream   the oldest set is dropped
"""

from collections import deque

from bedtick.firmware.emulator.chips.ticks import NEVER_NS, Ticks

BYPASS, FIFO, STREAM = 0, 1, 2


class SetFifo:
    """Sets in waiting order, with the overrun flag.

    Parameters
    ----------
    depth
        Sets that the level counts.
    room
        Sets that fit; more than `depth` where one waits in the output stage.
    row_bytes
        Bytes of one set, for what an empty FIFO gives before the first one.

    Attributes
    ----------
    overrun
        A set was lost; `pop` clears it, as whoever owns the flag may.
    next_ns
        When the next tick comes; until then `catch_up` has nothing to do.
    """

    def __init__(self, depth: int, room: int, row_bytes: int) -> None:
        self._depth = depth
        self._room = room
        self.mode = BYPASS
        self.overrun = False
        self.next_ns = NEVER_NS
        self._ticks: Ticks | None = None
        self._tail = self._head = 0
        self._kept: deque[bytes] = deque()
        self._latest = bytes(row_bytes)

    @property
    def level(self) -> int:
        """Sets as the chip counts them: at most its depth, none in bypass."""
        if self.mode == BYPASS:
            return 0
        readable = len(self._kept) + self._head - self._tail
        return min(readable, self._depth)

    @property
    def readable(self) -> int:
        """Sets that have not been read."""
        return len(self._kept) + self._head - self._tail

    def run(self, ticks: Ticks | None) -> None:
        """Go on with other ticks, or with none; what waits stays as it is."""
        self._freeze(self.readable)
        self._ticks = ticks
        if ticks is None:
            self.next_ns = NEVER_NS
        else:
            self._tail = self._head = ticks.first
            self.next_ns = ticks.time_of(ticks.first)

    def set_mode(self, mode: int) -> None:
        """Change the mode; going to bypass empties the FIFO."""
        self.mode = mode
        if mode == BYPASS:
            self._kept.clear()
            self._tail = self._head

    def catch_up(self, time_ns: int) -> None:
        """Take in the ticks up to `time_ns`."""
        if time_ns < self.next_ns or self._ticks is None:
            return
        self._head = self._ticks.until(time_ns)
        self.next_ns = self._ticks.time_of(self._head)
        room = 1 if self.mode == BYPASS else self._room
        excess = self.readable - room
        if excess > 0:
            self._drop(excess, room)

    def pop(self) -> bytes:
        """Return the oldest set and forget it; an empty FIFO repeats the latest. Clears the overrun flag."""
        self.overrun = False
        if self._kept:
            self._latest = self._kept.popleft()
        elif self._tail < self._head and self._ticks is not None:
            self._latest = self._ticks.row(self._tail)
            self._tail += 1
        return self._latest

    def take(self, count: int) -> bytes:
        """Return up to `count` sets, oldest first, and forget them; the overrun flag stays for its owner."""
        kept = [self._kept.popleft() for _ in range(min(count, len(self._kept)))]
        fresh = min(count - len(kept), self._head - self._tail)
        rows = self._ticks.rows(self._tail, fresh) if self._ticks is not None else b""
        self._tail += fresh
        return b"".join((*kept, rows))

    def _drop(self, excess: int, room: int) -> None:
        self.overrun = True
        if self.mode == FIFO:
            self._freeze(room)
            return
        from_kept = min(excess, len(self._kept))
        for _ in range(from_kept):
            self._kept.popleft()
        self._tail += excess - from_kept

    def _freeze(self, count: int) -> None:
        """Keep the oldest `count` sets as bytes and let go of the ticks behind them."""
        if self._ticks is not None:
            ticks = range(self._tail, self._tail + count - len(self._kept))
            self._kept.extend(self._ticks.row(tick) for tick in ticks)
        self._tail = self._head
