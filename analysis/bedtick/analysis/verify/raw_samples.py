"""Whether the raw samples of a database are all there, or it says why not, and whether they can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from bedtick.analysis.verify.finding import KEEP, Finding

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator


class RawChunk(Protocol):
    """A chunk as the store reads it; `counts` is None where it was pruned or can not be read."""

    @property
    def first_sample(self) -> int:
        """Index of its first sample."""

    @property
    def sample_count(self) -> int:
        """How many samples it has."""

    @property
    def counts(self) -> object | None:
        """The samples."""


class ReadRaw(Protocol):
    """What reads the chunks of a recording, from one sample to another: the store's `read_raw`."""

    def __call__(
        self, connection: sqlite3.Connection, recording_id: int, first_sample: int, end_sample: int
    ) -> Iterator[RawChunk]:
        """Give the chunks in their order."""


# Each chunk that does not begin where the one before it ended (for the first: at 0).
_BREAKS = """
    SELECT recording_id, reached, first_sample FROM (
        SELECT recording_id, first_sample, coalesce(
            lag(first_sample + sample_count) OVER (PARTITION BY recording_id ORDER BY first_sample), 0
        ) AS reached
        FROM raw_chunks
    ) WHERE first_sample <> reached
"""
_FAULTS = """
    SELECT sample, lost_samples FROM faults
    WHERE recording_id = ? AND sample BETWEEN ? AND ? AND lost_samples > 0 ORDER BY sample, id
"""


def unexplained_breaks(connection: sqlite3.Connection) -> Iterator[tuple[int, int, int]]:
    """Give each place where raw samples overlap, or are missing and no fault says so.

    A place is a recording, the sample up to which it is in order, and the one at which it goes on.
    """
    for recording, reached, first in connection.execute(_BREAKS).fetchall():
        if first < reached:
            yield recording, reached, first
        elif (explained := _explained(connection, recording, reached, first)) != first:
            yield recording, min(explained, first), first


def _explained(connection: sqlite3.Connection, recording: int, at: int, end: int) -> int:
    """Return how far faults, each beginning where the one before it left off, account for missing samples."""
    for sample, lost in connection.execute(_FAULTS, (recording, at, end)):
        if sample == at:
            at += lost
    return at


def continuity(connection: sqlite3.Connection) -> Iterator[Finding]:
    """Say where raw samples overlap or are missing without a reason."""
    for recording, reached, first in unexplained_breaks(connection):
        if first < reached:
            what = f"the chunk from sample {first} on begins before the one before it ends, at {reached}"
            yield Finding("raw samples", recording, what, KEEP)
        else:
            what = f"samples {reached} to {first} are missing and no fault says why"
            yield Finding(
                "missing samples", recording, what, "nothing brings them back; the rest of the night is there"
            )


def unreadable_chunks(
    connection: sqlite3.Connection, read_raw: ReadRaw, progress: Callable[[int], None]
) -> Iterator[tuple[int, int, int]]:
    """Give each chunk that is stored and does not unpack: recording, first sample, number of samples.

    Parameters
    ----------
    connection
        The database.
    read_raw
        Reads the chunks of a recording from one sample to another.
    progress
        Told how many recordings are done.
    """
    recordings = connection.execute(
        "SELECT recording_id, max(first_sample + sample_count) FROM raw_chunks GROUP BY recording_id"
    ).fetchall()
    for done, (recording, end) in enumerate(recordings):
        progress(done)
        pruned = {
            first
            for (first,) in connection.execute(
                "SELECT first_sample FROM raw_chunks WHERE recording_id = ? AND data IS NULL", (recording,)
            )
        }
        for chunk in read_raw(connection, recording, 0, end):
            if chunk.counts is None and chunk.first_sample not in pruned:
                yield recording, chunk.first_sample, chunk.sample_count


def readability(
    connection: sqlite3.Connection, read_raw: ReadRaw, progress: Callable[[int], None]
) -> Iterator[Finding]:
    """Say which chunks do not unpack, or to something else than what their checksum says."""
    for recording, first, count in unreadable_chunks(connection, read_raw, progress):
        what = f"the raw samples {first} to {first + count} are damaged and can not be read"
        yield Finding(
            "raw samples", recording, what, "they count as missing; events and minutes are not touched"
        )
