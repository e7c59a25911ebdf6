"""Which raw chunks belong to the newest nights, as far as the clocks tell; what was stored later is newer.

A night is local noon to noon where the recording has a wall clock; without one it is 24 h of a boot. The
order is that in which the rows were written, so that a clock which was wrong costs no night its place.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from itertools import islice
from typing import NamedTuple
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

    def night_at(self, boot_ns: int) -> tuple[object, int]:
        """Return what tells the night of a moment from all others, and the boot time at which it began."""
        if self.ahead_ns is None:
            day = boot_ns // DAY_NS
            return (self.boot_id or self.recording_id, day), day * DAY_NS
        here = datetime.fromtimestamp((boot_ns + self.ahead_ns) // SECOND_NS, self.zone)
        evening = (here.replace(tzinfo=None) - HALF_A_DAY).date()
        noon = datetime.combine(evening, time(12), self.zone)
        begin_ns = round(noon.timestamp() * SECOND_NS) - self.ahead_ns
        return evening, min(begin_ns, boot_ns)  # no later, where a zone left out a day


class _Row(NamedTuple):
    id: int
    first_sample: int
    boot_ns: int


def first_chunk_of(connection: sqlite3.Connection, nights: int) -> int:
    """Return the id of the first raw chunk that belongs to the newest so many nights; 0 where all do.

    A night is as new as its newest chunk, whichever recording holds that.
    """
    spans: dict[object, tuple[int, int]] = {}  # by night: its oldest and its newest chunk
    newest: list[object] = []
    for (recording_id,) in connection.execute(_RECORDINGS).fetchall():
        own = list(islice(_nights_back(connection, recording_id), nights + 1))
        for night, oldest_id, newest_id in own:
            before = spans.get(night, (oldest_id, newest_id))
            spans[night] = min(before[0], oldest_id), max(before[1], newest_id)
        newest = sorted(spans, key=lambda night: spans[night][1], reverse=True)[:nights]
        if not any(night in newest for night, _, _ in own):
            break
    return min(spans[night][0] for night in newest) if len(spans) > nights else 0


def _nights_back(connection: sqlite3.Connection, recording_id: int) -> Iterator[tuple[object, int, int]]:
    """Give the nights of a recording that have chunks, newest first, each with its oldest and newest one."""
    last = _row_before(connection, recording_id, _MOST_SAMPLES)
    if last is None:
        return
    stretch = _stretch(connection, recording_id)
    while last is not None:
        night, begin_ns = stretch.night_at(last.boot_ns)
        first = _first_since(connection, recording_id, begin_ns, last)
        yield night, first.id, last.id
        last = _row_before(connection, recording_id, first.first_sample)


def _row_before(connection: sqlite3.Connection, recording_id: int, sample: int) -> _Row | None:
    row = connection.execute(_BEFORE, (recording_id, sample)).fetchone()
    return None if row is None else _Row._make(row)


def _first_since(connection: sqlite3.Connection, recording_id: int, boot_ns: int, last: _Row) -> _Row:
    """Return the first chunk from a boot time on, of those up to `last`; boot times ascend with samples.

    By halves: a recording may hold months of chunks, and events wait for this.
    """
    low, found = 0, last
    while low < found.first_sample:
        row = _Row._make(
            connection.execute(_FROM, (recording_id, (low + found.first_sample) // 2)).fetchone()
        )
        if row.boot_ns < boot_ns:
            low = row.first_sample + 1
        elif row.first_sample < found.first_sample:
            found = row
        else:  # nothing begins between the middle and what was found
            earlier = _row_before(connection, recording_id, found.first_sample)
            if earlier is None or earlier.boot_ns < boot_ns:
                return found
            found = earlier
    return found


def _stretch(connection: sqlite3.Connection, recording_id: int) -> _Stretch:
    _, boot_id, zone, ahead_ns = connection.execute(_RECORDING, (recording_id,)).fetchone()
    last_boot_ns, last_utc_ns, is_synced = connection.execute(_LAST_CHUNK, (recording_id,)).fetchone()
    if last_utc_ns is not None and (is_synced or ahead_ns is None):
        ahead_ns = last_utc_ns - last_boot_ns
    return _Stretch(recording_id, boot_id, _zone(zone), ahead_ns)


def _zone(name: str | None) -> tzinfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


_MOST_SAMPLES = 2**62
_RECORDINGS = """
    SELECT r.id FROM recordings r ORDER BY
        (SELECT id FROM raw_chunks WHERE recording_id = r.id ORDER BY first_sample DESC LIMIT 1) DESC
"""
_RECORDING = """
    SELECT r.id, r.boot_id, r.time_zone,
        (SELECT utc_ns - boot_ns FROM anchors WHERE recording_id = r.id AND utc_ns IS NOT NULL
            AND (cause <> 'hand' OR id =
                (SELECT max(id) FROM anchors WHERE recording_id = r.id AND cause = 'hand'))
            ORDER BY synced DESC, cause = 'hand' DESC, id DESC LIMIT 1)
    FROM recordings r WHERE r.id = ?
"""
_LAST_CHUNK = """
    SELECT boot_ns, utc_ns, synced FROM raw_chunks WHERE recording_id = ? ORDER BY first_sample DESC LIMIT 1
"""
_BEFORE = """
    SELECT id, first_sample, boot_ns FROM raw_chunks
    WHERE recording_id = ? AND first_sample < ? ORDER BY first_sample DESC LIMIT 1
"""
_FROM = """
    SELECT id, first_sample, boot_ns FROM raw_chunks
    WHERE recording_id = ? AND first_sample >= ? ORDER BY first_sample LIMIT 1
"""
