"""Which raw samples are given up, oldest first, so that the database stays within its bounds; events never.

Pruned rows keep telling which samples there were and when: as many as follow each other evenly become one
row without data, so that a pruned night costs next to nothing. A step is one short transaction of some ten
minutes of raw samples. The pages that it frees stay in the file and are used again: the file grows up to its
budget and then no more. To give them back to the disk would mean to write as much again as was pruned (see
docs/storage.md).

Three bounds, looked at every ten minutes: the nights of `keep_raw`, the megabytes of `budget_mb`, and a rest
of room on the disk, so that the night goes on where other programs have filled it.
"""

from __future__ import annotations

import logging
import sqlite3
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import sqlite_utils

from bedtick.logger.settings import StoreSettings
from bedtick.logger.store.database import immediate
from bedtick.logger.store.disk_space import look_for_room
from bedtick.logger.store.raw_nights import first_chunk_of

MEGABYTE = 1_000_000
LEAST_ROOM_BYTES = 50 * MEGABYTE  # some three nights at 400 Hz
STEP_CHUNKS = 75  # ten minutes of one sensor
NEWEST_CHUNKS = 75  # are always kept: an event of this moment may still need them for its tilt
MOST_SHIFT_NS = 1_000_000  # by which the time of a sample may move where rows are joined
MOST_SLEW_NS = 1_000_000_000  # by which the wall clock may have moved meanwhile

log = logging.getLogger(__name__)


class _Row(NamedTuple):
    """A raw chunk without its samples; columns as in the table."""

    id: int
    first_sample: int
    sample_count: int
    boot_ns: int
    rate_hz: float
    utc_ns: int | None
    synced: int

    @property
    def end_sample(self) -> int:
        return self.first_sample + self.sample_count


class Retention:
    """Prunes one database, a step at a time.

    Parameters
    ----------
    db, path
        The daemon's connection and the file behind it.
    settings
        The budget, and the nights whose raw samples are kept.
    """

    def __init__(self, db: sqlite_utils.Database, path: Path, settings: StoreSettings) -> None:
        self._db = db
        self._path = path
        self._settings = settings
        self._done_id = 0  # up to here there is nothing left to prune
        self._said: tuple[int, str] | None = None
        # Else every page that is freed is written once more, full of zeros: Debian builds SQLite so.
        db.execute("PRAGMA secure_delete = FAST")

    def step(self) -> bool:
        """Prune ten minutes of raw samples where a bound asks for it; tell whether any were pruned.

        Raises
        ------
        sqlite3.Error
            Where the database did not take it; nothing is changed then.
        """
        for reason, before_id in self._reasons():
            if before_id > self._done_id and self._prune(before_id, reason):
                return True
        return False

    def _reasons(self) -> list[tuple[str, int]]:
        """Return the bounds that ask for pruning, each with the id before which rows may be pruned."""
        newest = self._db.execute("SELECT coalesce(max(id), 0) FROM raw_chunks").fetchone()[0]
        before = newest - NEWEST_CHUNKS
        room = look_for_room(self._db, self._path)
        reasons: list[tuple[str, int]] = []
        if self._settings.keep_raw:
            kept_from = first_chunk_of(self._db.conn, self._settings.keep_raw)
            reasons.append((f"store.keep_raw is {self._settings.keep_raw} nights", min(kept_from, before)))
        if room.used_bytes > self._settings.budget_mb * MEGABYTE:
            reasons.append((f"store.budget_mb is {self._settings.budget_mb} MB", before))
        if room.left_bytes < LEAST_ROOM_BYTES:
            # With its log moved into the file SQLite writes it from the start again, in the place it has.
            self._db.execute("PRAGMA wal_checkpoint")
            reasons.append(("the disk is nearly full", before))
        return reasons

    def _prune(self, before_id: int, reason: str) -> bool:
        oldest = self._db.execute(_OLDEST, (self._done_id, before_id)).fetchone()
        if oldest is None:
            self._done_id = before_id - 1
            return False
        oldest_id, recording_id, first_sample = oldest
        values = (recording_id, first_sample, before_id, STEP_CHUNKS)
        rows = [_Row._make(row) for row in self._db.execute(_ROWS, values).fetchall()]
        try:
            with immediate(self._db):
                for group in _groups(rows):
                    self._join(group)
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_CORRUPT:
                raise
            # One bad page must not keep all younger samples from being pruned, for years.
            log.warning("raw samples of recording %d are damaged and stay: %s", recording_id, error)
            self._done_id = max(row.id for row in rows)
            return True
        self._done_id = oldest_id - 1
        if (recording_id, reason) != self._said:
            log.info("raw samples of recording %d are given up, oldest first: %s", recording_id, reason)
            self._said = (recording_id, reason)
        return True

    def _join(self, group: list[_Row]) -> None:
        """Write a group of rows as one, without data."""
        count = group[-1].end_sample - group[0].first_sample
        self._db.execute(
            "UPDATE raw_chunks SET sample_count = ?, rate_hz = ?, data = NULL WHERE id = ?",
            (count, _rate_hz(group), group[0].id),
        )
        self._db.conn.executemany("DELETE FROM raw_chunks WHERE id = ?", [(row.id,) for row in group[1:]])


def _groups(rows: list[_Row]) -> list[list[_Row]]:
    """Divide rows, in the order of their samples, into runs that can each be one row."""
    if len(rows) == 1 or _is_even(rows):
        return [rows]
    half = len(rows) // 2
    return _groups(rows[:half]) + _groups(rows[half:])


def _is_even(rows: list[_Row]) -> bool:
    """Tell whether rows follow each other without a gap, at one rate and by one clock."""
    first, last, rate_hz = rows[0], rows[-1], _rate_hz(rows)
    off_ns = (
        first.boot_ns + (row.first_sample - first.first_sample) * 1e9 / rate_hz - row.boot_ns for row in rows
    )
    return (
        all(one.end_sample == two.first_sample for one, two in pairwise(rows))
        and all(abs(ns) <= MOST_SHIFT_NS for ns in off_ns)
        and len({(row.synced, row.utc_ns is None) for row in rows}) == 1
        and abs(_ahead_ns(last) - _ahead_ns(first)) <= MOST_SLEW_NS
    )


def _rate_hz(rows: list[_Row]) -> float:
    """Return the rate from the first sample to the end of the last row, in Hz."""
    first, last = rows[0], rows[-1]
    length_ns = last.boot_ns - first.boot_ns + last.sample_count * 1e9 / last.rate_hz
    return (last.end_sample - first.first_sample) * 1e9 / length_ns


def _ahead_ns(row: _Row) -> int:
    return 0 if row.utc_ns is None else row.utc_ns - row.boot_ns


_OLDEST = """
    SELECT id, recording_id, first_sample FROM raw_chunks
    WHERE id > ? AND id < ? AND data IS NOT NULL ORDER BY id LIMIT 1
"""
_ROWS = """
    SELECT id, first_sample, sample_count, boot_ns, rate_hz, utc_ns, synced FROM raw_chunks
    WHERE recording_id = ? AND first_sample >= ? AND id < ? AND data IS NOT NULL
    ORDER BY first_sample LIMIT ?
"""
