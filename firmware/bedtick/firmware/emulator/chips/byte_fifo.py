"""An emulated FIFO of bytes: it knows nothing of sets, and when it is full it drops the oldest bytes.

What waits is a piece of bytes in front (the rest of a set that was half read or half dropped, and sets from
before a change of settings) and then whole ticks, `tail` to `head`, whose bytes are made when they are read.
After bytes were dropped the front begins within a set.
"""

from bedtick.firmware.emulator.chips.ticks import NEVER_NS, Ticks


class ByteFifo:
    """Bytes in waiting order, with the overflow flag.

    Parameters
    ----------
    room_bytes
        How many fit.
    row_bytes
        Bytes of one set.

    Attributes
    ----------
    overflowed
        Bytes were lost; whoever owns the flag clears it.
    next_ns
        When the next tick comes; until then `catch_up` has nothing to do.
    """

    def __init__(self, room_bytes: int, row_bytes: int) -> None:
        self.overflowed = False
        self.next_ns = NEVER_NS
        self._room_bytes = room_bytes
        self._row_bytes = row_bytes
        self._ticks: Ticks | None = None
        self._tail = self._head = 0
        self._front = b""
        self._last_byte = b"\x00"
        self._latest = bytes(row_bytes)
        self._time_ns = 0

    @property
    def level_bytes(self) -> int:
        """Bytes that wait."""
        return len(self._front) + (self._head - self._tail) * self._row_bytes

    @property
    def readable(self) -> int:
        """Whole sets' worth of bytes that wait."""
        return self.level_bytes // self._row_bytes

    @property
    def latest(self) -> bytes:
        """The set that came last, read or not; zeros before the first."""
        if self._ticks is not None and self._head > self._ticks.first:
            return self._ticks.rows(self._head - 1, 1)
        return self._latest

    @property
    def came(self) -> int:
        """Sets that came from the ticks that run; it rises with each."""
        return self._head

    def run(self, ticks: Ticks | None) -> None:
        """Go on with other ticks, or with none; what waits stays as it is."""
        self._latest = self.latest
        self._front += self._rows(self._head - self._tail)
        self._ticks = ticks
        self._tail = self._head = 0 if ticks is None else ticks.first
        self.next_ns = NEVER_NS if ticks is None else ticks.time_of(ticks.first)

    def clear(self) -> None:
        """Forget what waits."""
        self._front = b""
        self._tail = self._head

    def catch_up(self, time_ns: int) -> None:
        """Take in the ticks up to `time_ns`."""
        self._time_ns = time_ns
        if time_ns < self.next_ns or self._ticks is None:
            return
        self._head = self._ticks.until(time_ns)
        self.next_ns = self._ticks.time_of(self._head)
        excess_bytes = self.level_bytes - self._room_bytes
        if excess_bytes > 0:
            self.overflowed = True
            self._drop(excess_bytes)

    def is_fresh(self, age_ns: int) -> bool:
        """Return whether the latest set came less than `age_ns` ago; after the last one it is not known."""
        if self._ticks is None or self._head == self._ticks.first or self.next_ns == NEVER_NS:
            return False
        return 0 <= self._time_ns - self._ticks.time_of(self._head - 1) < age_ns

    def read(self, length: int) -> bytes:
        """Return the oldest bytes and forget them; an empty FIFO repeats the last byte read."""
        missing_bytes = min(length, self.level_bytes) - len(self._front)
        if missing_bytes > 0:
            self._front += self._rows(-(-missing_bytes // self._row_bytes))
        given, self._front = self._front[:length], self._front[length:]
        self._last_byte = given[-1:] or self._last_byte
        return given + self._last_byte * (length - len(given))

    def _rows(self, count: int) -> bytes:
        """Return the bytes of the next ticks, which no longer count as waiting."""
        rows = self._ticks.rows(self._tail, count) if self._ticks is not None else b""
        self._tail += count
        return rows

    def _drop(self, excess_bytes: int) -> None:
        from_front = min(excess_bytes, len(self._front))
        self._front = self._front[from_front:]
        sets, rest_bytes = divmod(excess_bytes - from_front, self._row_bytes)
        self._tail += sets
        if rest_bytes:
            self._front = self._rows(1)[rest_bytes:]
