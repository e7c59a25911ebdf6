"""What a database holds of its recordings, as far as the promise about a pulled plug goes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

EventKey = tuple[int, int, float]  # onset, end, peak in mg
ChunkKey = tuple[int, int, bytes | None]  # first sample, one past the last, packed; None where pruned

_TABLES = "SELECT count(*) FROM sqlite_master WHERE name = 'recordings'"
_RECORDINGS = "SELECT id, ended, end_sample FROM recordings ORDER BY id"
_EVENTS = """
    SELECT onset_sample, end_sample, peak_mg FROM events e JOIN scorings s ON s.id = e.scoring_id
    WHERE s.recording_id = ? ORDER BY onset_sample
"""
_CHUNKS = """
    SELECT first_sample, first_sample + sample_count, data FROM raw_chunks
    WHERE recording_id = ? ORDER BY first_sample
"""


@dataclass(frozen=True)
class Stored:
    """Recordings by their ids: how and at which sample each ended, its events, its raw chunks."""

    ends: dict[int, tuple[str | None, int | None]] = field(default_factory=dict)
    events: dict[int, list[EventKey]] = field(default_factory=dict)
    chunks: dict[int, list[ChunkKey]] = field(default_factory=dict)

    def raw_end(self, recording: int) -> int:
        """Return one past the last raw sample of a recording."""
        chunks = self.chunks.get(recording)
        return chunks[-1][1] if chunks else 0


def stored_in(path: Path) -> Stored:
    """Read what a database holds; nothing where it was never made."""
    if not path.exists():
        return Stored()
    with closing(sqlite3.connect(path)) as connection:
        if not connection.execute(_TABLES).fetchone()[0]:
            return Stored()
        ends = {row[0]: (row[1], row[2]) for row in connection.execute(_RECORDINGS)}
        return Stored(
            ends,
            {number: connection.execute(_EVENTS, (number,)).fetchall() for number in ends},
            {number: connection.execute(_CHUNKS, (number,)).fetchall() for number in ends},
        )


def summed_up(path: Path) -> str:
    """Say in a few words what a database holds."""
    events = stored_in(path).events
    return f"{sum(map(len, events.values()))} events in {len(events)} recordings"


def changes(earlier: Stored, stored: Stored, *, may_prune: bool = False) -> Iterator[str]:
    """Tell what of earlier recordings is not as it was; pruning may take raw samples, oldest first."""
    for number, events in earlier.events.items():
        if stored.events.get(number) != events:
            yield f"recording {number}: events are not what they were"
        if not _same_chunks(earlier.chunks[number], stored.chunks.get(number, []), may_prune=may_prune):
            yield f"recording {number}: raw samples are not what they were"


def _same_chunks(before: list[ChunkKey], after: list[ChunkKey], *, may_prune: bool) -> bool:
    """Whether chunks are the same, but for the first ones, of which a row without data still tells."""
    pruned = [chunk for chunk in after if chunk[2] is None] if may_prune else []
    pruned_to = pruned[-1][1] if pruned else 0
    left = [chunk for chunk in before if chunk[0] >= pruned_to]
    gone = [chunk for chunk in before if chunk[0] < pruned_to]
    are_told = all(any(row[0] <= chunk[0] and chunk[1] <= row[1] for row in pruned) for chunk in gone)
    return after == pruned + left and are_told
