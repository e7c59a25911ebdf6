"""When a sample was taken: from sample index to boot clock to UTC, and how far to trust it.

A sample's boot time is that of its raw chunk's first sample, plus the samples between at the rate
measured then. How far UTC is ahead of the boot clock is known where the wall clock could be believed
(`wall_readings`), or where a person said so. For a given moment it comes from

1. the believed offsets before and after it, by its distance from both, for what differs between them is
   drift; past the last one, from that (`synced`);
2. else, before the first one, from that (`late`): a clock set at 02:00 repairs the whole night;
3. else from what a person said last (`late`);
4. else nothing: the wall clock is not believed, and the night is told in time since its start (`none`).

So UTC ascends with the sample index, whatever the wall clock did.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

if TYPE_CHECKING:
    from bedtick.analysis.wall_readings import Offset

SECOND_NS = 1_000_000_000


class Chunk(NamedTuple):
    """Where one raw chunk's first sample sits; columns as in the table `raw_chunks`."""

    first_sample: int
    sample_count: int
    boot_ns: int
    rate_hz: float
    utc_ns: int | None
    synced: int

    @property
    def end_boot_ns(self) -> int:
        """Boot time of its end."""
        return self.boot_ns + round(self.sample_count * SECOND_NS / self.rate_hz)


@dataclass(frozen=True)
class Clock:
    """The time base of one recording, as far as its chunks were loaded.

    `chunks` and `offsets` ascend. Samples before the first loaded chunk are placed at the nominal rate from
    the start.
    """

    start_boot_ns: int
    nominal_hz: float
    chunks: tuple[Chunk, ...] = ()
    offsets: tuple[Offset, ...] = ()
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

    @property
    def was_believed(self) -> bool:
        """Whether the wall clock could be believed at some time; else only a person can have given UTC."""
        return bool(self.offsets)

    def _offset(self, boot_ns: int) -> tuple[int | None, str]:
        at = bisect_right(self.offsets, (boot_ns, float("inf")))
        before, after = self.offsets[max(at - 1, 0) : at], self.offsets[at : at + 1]
        if before and after:
            return _between(before[0], after[0], boot_ns), "synced"
        if before:
            return before[0].ahead_ns, "synced"
        if after:
            return after[0].ahead_ns, "late"
        return self.hand_offset_ns, "none" if self.hand_offset_ns is None else "late"


def _between(before: Offset, after: Offset, boot_ns: int) -> int:
    """Share out what the clock drifted between two offsets."""
    drift_ns = after.ahead_ns - before.ahead_ns
    return before.ahead_ns + drift_ns * (boot_ns - before.boot_ns) // (after.boot_ns - before.boot_ns)


def zone(name: str | None) -> tzinfo:
    """Time zone by its name; UTC where a recording has none or this machine does not know it."""
    return (None if name is None else known_zone(name)) or UTC


def known_zone(name: str) -> tzinfo | None:
    """Time zone by its name; None where this machine knows no such zone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def local(utc_ns: int, where: tzinfo) -> datetime:
    """Local time of a moment given in ns of UTC, to the microsecond."""
    seconds, rest_ns = divmod(utc_ns, SECOND_NS)
    return datetime.fromtimestamp(seconds, where).replace(microsecond=rest_ns // 1000)


def iso(utc_ns: int | None) -> str | None:
    """Write a moment as ISO 8601 with `Z`, to the millisecond; None stays None."""
    if utc_ns is None:
        return None
    return local(utc_ns, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
