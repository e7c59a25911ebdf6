"""What is known of UTC on each boot clock, by all recordings that share it.

UTC comes from the anchors of a recording's first and last chunk and of the table `anchors`, where every step
of the clock leaves a row; from these alone, so that events lie in the night that they are listed under. All
recordings of a chip in one boot share one boot clock, and so what is known of UTC: a time server that was
found in the second recording dates the first one too, and so does a time that a person gave. A recording that
was imported or emulated has a boot clock of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from bedtick.analysis.wall_readings import FIRST_TRUE_NS, Offset, Reading, believed

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from bedtick.analysis.recordings import Row
    from bedtick.analysis.times import Chunk

CHIP = "chip"  # the source of recordings whose boot clock is the machine's


class Time(NamedTuple):
    """What is known of UTC on one boot clock."""

    offsets: tuple[Offset, ...]
    hand_offset_ns: int | None


def times_of(connection: sqlite3.Connection, rows: Sequence[Row]) -> dict[str, Time]:
    """Gather what is known of UTC on each boot clock, by its name."""
    by_id = {row.id: row for row in rows}
    known: dict[str, _Known] = {}
    for row in rows:
        known.setdefault(row.shared_clock, _Known(row.source == CHIP)).add_chunks(row.chunks)
    for recording_id, boot_ns, utc_ns, synced, cause in connection.execute(_ANCHORS):
        row = by_id[recording_id]
        one = known[row.shared_clock]
        if cause != "hand":
            since_ns = row.start_boot_ns if cause == "start" else boot_ns
            one.add_anchor(Reading(boot_ns, utc_ns, synced), since_ns)
        else:  # the last word counts, also that nobody knows
            one.hand_offset_ns = None if utc_ns is None else utc_ns - boot_ns
    return {clock: one.time() for clock, one in known.items()}


_ANCHORS = """
    SELECT a.recording_id, a.boot_ns, a.utc_ns, a.synced, a.cause FROM anchors a
    JOIN recordings r ON r.id = a.recording_id JOIN sensors s ON s.id = r.sensor_id
    ORDER BY a.id
"""


@dataclass
class _Known:
    """What the recordings of one boot clock say."""

    is_chip: bool
    readings: list[Reading] = field(default_factory=list)
    end_boot_ns: int = 0
    hand_offset_ns: int | None = None

    def add_chunks(self, chunks: Iterable[Chunk]) -> None:
        """Take the anchors of chunks, and when they end."""
        for chunk in chunks:
            self.readings.append(Reading(chunk.boot_ns, chunk.utc_ns, chunk.synced))
            self.end_boot_ns = max(self.end_boot_ns, chunk.end_boot_ns)

    def add_anchor(self, reading: Reading, since_ns: int) -> None:
        """Take an anchor as of some moments earlier: that of a start is written with the first samples."""
        passed_ns = reading.boot_ns - since_ns
        utc_ns = None if reading.utc_ns is None else reading.utc_ns - passed_ns
        self.readings.append(Reading(since_ns, utc_ns, reading.synced))

    def time(self) -> Time:
        """Judge it all."""
        earliest_ns = FIRST_TRUE_NS if self.is_chip else 0
        offsets = believed(self.readings, end_boot_ns=self.end_boot_ns, earliest_ns=earliest_ns)
        return Time(offsets, self.hand_offset_ns)
