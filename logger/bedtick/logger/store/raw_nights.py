"""Which raw chunks belong to the newest nights, as far as the clocks tell; what was stored later is newer.

A night is local noon to noon where the recording has a wall clock; without one it is 24 h of a boot. The
order is that in which the rows were written, so that a clock which was wrong costs no night its place.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

SECOND_NS = 1_000_000_000
DAY_NS = 86_400 * SECOND_NS
HALF_A_DAY = timedelta(hours=12)


@dataclass(frozen=True)
class _Stretch:
    """The raw chunks of one recording; `ahead_ns` is UTC less boot time, None where no clock is known."""

    recording_id: int
    boot_id: str | None
    zone: tzinfo
    ahead_ns: int | None
    first_boot_ns: int
    last_boot_ns: int

    def night_at(self, boot_ns: int) -> tuple[object, int]:
        """Return what tells the night of a moment from all others, and the boot time at which it began."""
        if self.ahead_ns is None:
            day = boot_ns // DAY_NS
            return (self.boot_id or self.recording_id, day), day * DAY_NS
        here = datetime.fromtimestamp((boot_ns + self.ahead_ns) // SECOND_NS, self.zone)
        evening = (here.replace(tzinfo=None) - HALF_A_DAY).date()
        noon = datetime.combine(evening, time(12), self.zone)
        return evening, round(noon.timestamp() * SECOND_NS) - self.ahead_ns


def first_chunk_of(connection: sqlite3.Connection, nights: int) -> int:
    """Return the id of the first raw chunk that belongs to the newest so many nights; 0 where all do."""
    seen: set[object] = set()
    first_chunk = 0
    for night, recording_id, begin_boot_ns in _nights_back(connection):
        if night not in seen and len(seen) == nights:
            return first_chunk
        seen.add(night)
        row = connection.execute(_FIRST_SINCE, (recording_id, begin_boot_ns)).fetchone()
        first_chunk = int(row[0])
    return 0


def _nights_back(connection: sqlite3.Connection) -> Iterator[tuple[object, int, int]]:
    """Give the nights of all recordings, newest first, each with its recording and first boot time."""
    for identity in connection.execute("SELECT id FROM recordings ORDER BY id DESC").fetchall():
        first, last, row = (
            connection.execute(query, identity).fetchone()
            for query in (_FIRST_CHUNK, _LAST_CHUNK, _RECORDING)
        )
        if first is None:
            continue
        stretch = _stretch(row, first, last)
        at_ns = stretch.last_boot_ns
        while at_ns >= stretch.first_boot_ns:
            night, begin_ns = stretch.night_at(at_ns)
            yield night, stretch.recording_id, max(begin_ns, stretch.first_boot_ns)
            at_ns = begin_ns - 1


def _stretch(row: tuple[Any, ...], first: tuple[Any, ...], last: tuple[Any, ...]) -> _Stretch:
    recording_id, boot_id, zone, ahead_ns = row
    last_boot_ns, last_utc_ns, is_synced = last
    if last_utc_ns is not None and (is_synced or ahead_ns is None):
        ahead_ns = last_utc_ns - last_boot_ns
    return _Stretch(recording_id, boot_id, _zone(zone), ahead_ns, first[0], last_boot_ns)


def _zone(name: str | None) -> tzinfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


_RECORDING = """
    SELECT r.id, r.boot_id, r.time_zone,
        (SELECT utc_ns - boot_ns FROM anchors WHERE recording_id = r.id AND utc_ns IS NOT NULL
            ORDER BY synced DESC, cause = 'hand' DESC, id DESC LIMIT 1)
    FROM recordings r WHERE r.id = ?
"""
_FIRST_CHUNK = """
    SELECT boot_ns, utc_ns, synced FROM raw_chunks WHERE recording_id = ? ORDER BY first_sample LIMIT 1
"""
_LAST_CHUNK = """
    SELECT boot_ns, utc_ns, synced FROM raw_chunks WHERE recording_id = ? ORDER BY first_sample DESC LIMIT 1
"""
_FIRST_SINCE = "SELECT min(id) FROM raw_chunks WHERE recording_id = ? AND boot_ns >= ?"
