"""The emulated FIFO of a chip that counts, writes and drops words, one an axis, rather than sets.

Word `3 * k + axis` is that axis of tick `k`. A tick's words come one after the other, `gap_ns` apart, so the
level may be caught within a set. Where there is no room the oldest words are dropped, which may leave the
rest of a set in front.
"""

from bedtick.firmware.emulator.chips.ticks import NEVER_NS, Ticks

AXES = 3


class WordFifo:
    """Words in waiting order, with the overrun flag.

    Parameters
    ----------
    room
        Words that fit.
    word_bytes
        Bytes of one word.
    gap_ns
        Time between the words of one tick.

    Attributes
    ----------
    overrun
        A word was lost; whoever owns the flag clears it.
    fresh
        A whole set has come; whoever owns the flag clears it.
    """

    def __init__(self, room: int, word_bytes: int, gap_ns: int) -> None:
        self.overrun = False
        self.fresh = False
        self._room = room
        self._word_bytes = word_bytes
        self._gap_ns = gap_ns
        self._ticks: Ticks | None = None
        self._next_ns = NEVER_NS
        self._tail = self._head = 0
        self._kept = b""
        self._latest = bytes(AXES * word_bytes)

    @property
    def readable(self) -> int:
        """Words that have not been read."""
        return len(self._kept) // self._word_bytes + self._head - self._tail

    @property
    def latest(self) -> bytes:
        """The newest whole set; zeros before the first one."""
        newest = self._head // AXES - 1
        if self._ticks is not None and newest >= self._ticks.first:
            self._latest = self._ticks.row(newest)
        return self._latest

    def run(self, ticks: Ticks | None) -> None:
        """Go on with other ticks, or with none; what waits stays, and a set begun is ended."""
        self._head += -self._head % AXES
        self._latest = self.latest
        self._kept += self._words(self._head - self._tail)
        self._ticks = ticks
        self._tail = self._head = self._head if ticks is None else AXES * ticks.first
        self._next_ns = NEVER_NS if ticks is None else ticks.time_of(ticks.first)

    def catch_up(self, time_ns: int) -> None:
        """Take in the words that have come up to `time_ns`."""
        if time_ns < self._next_ns or self._ticks is None:
            return
        last_axis_first = [self._ticks.until(time_ns - axis * self._gap_ns) for axis in (2, 1, 0)]
        self.fresh |= last_axis_first[0] > self._head // AXES
        self._head = sum(last_axis_first)
        is_whole = last_axis_first[0] == last_axis_first[-1]
        self._next_ns = self._ticks.time_of(last_axis_first[-1]) if is_whole else time_ns
        excess = self.readable - self._room
        if excess > 0:
            self.overrun = True
            self._forget(excess)

    def take(self, count: int) -> bytes:
        """Return up to `count` words, oldest first, and forget them."""
        count = min(count, self.readable)
        from_kept = self._kept[: count * self._word_bytes]
        taken = from_kept + self._words(count - len(from_kept) // self._word_bytes)
        self._forget(count)
        return taken

    def _words(self, count: int) -> bytes:
        """Return the oldest `count` words of the present ticks."""
        if self._ticks is None or not count:
            return b""
        first, within = divmod(self._tail, AXES)
        rows = self._ticks.rows(first, -(-(within + count) // AXES))
        return rows[within * self._word_bytes : (within + count) * self._word_bytes]

    def _forget(self, count: int) -> None:
        kept = min(count, len(self._kept) // self._word_bytes)
        self._kept = self._kept[kept * self._word_bytes :]
        self._tail += count - kept
