"""Reads the raw samples of a stored recording back, chunk by chunk, and says which are no longer there.

A sample can be missing for two reasons. It never came: then no chunk holds its index, and the detector
missed it too. Or it came and can not be read any more, because its chunk was pruned or is damaged: then
the chunk is handed out without its counts, so that whoever scores it again can say how much is gone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bedtick.logger.store.codec import unpack


@dataclass(frozen=True)
class RawChunk:
    """An unbroken run of samples from `first_sample` on.

    `counts` is (sample_count, 3) int32; None where the chunk was pruned or is damaged.
    """

    first_sample: int
    sample_count: int
    counts: NDArray[np.int32] | None

    @property
    def end_sample(self) -> int:
        """One past its last sample."""
        return self.first_sample + self.sample_count


def read_raw(
    connection: sqlite3.Connection, recording_id: int, first_sample: int, end_sample: int
) -> Iterator[RawChunk]:
    """Give the chunks that touch a span of samples, in order, one in memory at a time.

    A chunk that begins inside the one before it is damaged, and left out: its samples are there already.
    """
    rows = connection.execute(_CHUNKS, (recording_id, end_sample, first_sample))
    reached = 0
    for first, count, data in rows:
        if first < reached:
            continue
        yield RawChunk(first, count, _unpacked(data, count))
        reached = first + count


def stored_end(connection: sqlite3.Connection, recording_id: int) -> int:
    """Return one past the last sample of a recording; of one that runs, past the last that is committed."""
    row = connection.execute(_END, {"recording": recording_id}).fetchone()
    return int(row[0])


_CHUNKS = """
    SELECT first_sample, sample_count, data FROM raw_chunks
    WHERE recording_id = ? AND first_sample < ? AND first_sample + sample_count > ? ORDER BY first_sample
"""
_END = """
    SELECT coalesce(
        (SELECT end_sample FROM recordings WHERE id = :recording),
        (SELECT max(first_sample + sample_count) FROM raw_chunks WHERE recording_id = :recording),
        0
    )
"""


def _unpacked(data: bytes | None, sample_count: int) -> NDArray[np.int32] | None:
    if data is None:
        return None
    try:
        return unpack(data, sample_count)
    except ValueError:
        return None
