"""When a sample was taken: from sample index to boot clock to UTC, and how far to trust it.

A sample's boot time is that of its raw chunk's first sample, plus the samples between at the rate
measured then. An anchor says how far UTC is ahead of the boot clock, and only anchors of a
synchronised clock count, or one that a person set. For a given moment the offset comes from

1. the latest synchronised anchor at or before it (`synced`);
2. else the next synchronised anchor after it (`late`): a clock set at 02:00 repairs the whole night;
3. else the anchor set by hand (`late`);
4. else nothing: the wall clock is not believed, and the night is told in time since its start (`none`).
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

SECOND_NS = 1_000_000_000


class Chunk(NamedTuple):
    """Where one raw chunk's first sample sits; columns as in the table `raw_chunks`."""

    first_sample: int
    sample_count: int
    boot_ns: int
    rate_hz: float
    utc_ns: int | None
    synced: int


class Anchor(NamedTuple):
    """One comparison of the boot clock with UTC; columns as in the table `anchors`."""

    boot_ns: int
    utc_ns: int | None
    synced: int
    cause: str


@dataclass(frozen=True)
class Clock:
    """The time base of one recording, as far as its chunks were loaded.

    `chunks` and the pairs of `offsets` (boot ns, UTC minus boot in ns) ascend. Samples before the first
    loaded chunk are placed at the nominal rate from the start.
    """

    start_boot_ns: int
    nominal_hz: float
    chunks: tuple[Chunk, ...] = ()
    offsets: tuple[tuple[int, int], ...] = ()
    hand_offset_ns: int | None = None

    def boot_ns(self, sample: int) -> int:
        """Boot time of a sample (any index from 0 on) in ns."""
        at = bisect_right(self.chunks, (sample, float("inf"))) - 1
        if at < 0:
            return self.start_boot_ns + round(sample * SECOND_NS / self.nominal_hz)
        chunk = self.chunks[at]
        return chunk.boot_ns + round((sample - chunk.first_sample) * SECOND_NS / chunk.rate_hz)

    def elapsed_ns(self, sample: int) -> int:
        """Nanoseconds from the recording's start to a sample."""
        return self.boot_ns(sample) - self.start_boot_ns

    def utc_ns(self, sample: int) -> int | None:
        """UTC of a sample in ns since 1970, or None without a trusted clock."""
        boot_ns = self.boot_ns(sample)
        offset_ns, _ = self._offset(boot_ns)
        return None if offset_ns is None else boot_ns + offset_ns

    def quality(self, sample: int) -> str:
        """Say how the time of a sample is known: `synced`, `late` or `none`."""
        return self._offset(self.boot_ns(sample))[1]

    def _offset(self, boot_ns: int) -> tuple[int | None, str]:
        at = bisect_right(self.offsets, (boot_ns, float("inf"))) - 1
        if at >= 0:
            return self.offsets[at][1], "synced"
        if self.offsets:
            return self.offsets[0][1], "late"
        return self.hand_offset_ns, "none" if self.hand_offset_ns is None else "late"


def with_anchors(clock: Clock, anchors: list[Anchor]) -> Clock:
    """Add the anchors of one recording, in the order they were written, to its clock."""
    offsets = {(a.boot_ns, a.utc_ns - a.boot_ns) for a in anchors if a.synced and a.utc_ns is not None}
    by_hand = [a.utc_ns - a.boot_ns for a in anchors if a.cause == "hand" and a.utc_ns is not None]
    return replace(
        clock,
        offsets=tuple(sorted(offsets.union(clock.offsets))),
        hand_offset_ns=by_hand[-1] if by_hand else clock.hand_offset_ns,
    )


def with_chunks(clock: Clock, chunks: list[Chunk]) -> Clock:
    """Give a clock these chunks (ascending) in place of its own, and their anchors beside its own."""
    offsets = {(c.boot_ns, c.utc_ns - c.boot_ns) for c in chunks if c.synced and c.utc_ns is not None}
    return replace(clock, chunks=tuple(chunks), offsets=tuple(sorted(offsets.union(clock.offsets))))


def zone(name: str | None) -> tzinfo:
    """Time zone by its name; UTC where a recording has none or this machine does not know it."""
    if name is None:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def local(utc_ns: int, where: tzinfo) -> datetime:
    """Local time of a moment given in ns of UTC, to the microsecond."""
    seconds, rest_ns = divmod(utc_ns, SECOND_NS)
    return datetime.fromtimestamp(seconds, where).replace(microsecond=rest_ns // 1000)


def iso(utc_ns: int | None) -> str | None:
    """Write a moment as ISO 8601 with `Z`, to the millisecond; None stays None."""
    if utc_ns is None:
        return None
    return local(utc_ns, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
