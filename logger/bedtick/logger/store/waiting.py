"""What waits to be written, within a bound: one queue for all recordings, each batch in its own order.

A batch that comes while an earlier one of its recording waits is joined to it, so that a disk which was slow
or full for long catches up in few transactions. Minutes alone are not worth a flush: they wait for the next
rows of their recording, which come with its next raw samples. Where more raw samples of a recording wait than
memory is meant for, the oldest are given up, never an event, and a fault in their place says how many.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

from bedtick.logger.store.batch import Batch, Chunk, Fault

MOST_BYTES = 50_000_000  # of a recording's raw samples while nothing can be written: 8 h, of a fine chip too
CHUNK_BYTES = 500  # what a chunk takes beside its samples
MOST_TOGETHER = 64  # chunks in one transaction: 8 minutes, a quarter of a megabyte

Recording = TypeVar("Recording")


@dataclass(eq=False)
class Waiting(Generic[Recording]):
    """Rows of one recording that will be written in one transaction."""

    recording: Recording
    batch: Batch
    raw_bytes: int = 0  # what its raw samples take of memory

    @property
    def is_urgent(self) -> bool:
        """Whether it is worth a flush of its own."""
        batch = self.batch
        recorded = (batch.chunks, batch.anchors, batch.faults, batch.markers)
        is_empty = not batch  # an empty batch begins its recording
        is_end = batch.end_sample is not None
        return is_empty or is_end or any((*recorded, batch.events, batch.finals, batch.bouts))


class WaitingRows(Generic[Recording]):
    """The queue; whoever uses it from several threads holds a lock."""

    def __init__(self) -> None:
        self._queue: deque[Waiting[Recording]] = deque()

    def __len__(self) -> int:
        """How many transactions wait."""
        return len(self._queue)

    @property
    def has_urgent(self) -> bool:
        """Whether anything waits that is worth a flush."""
        return any(waiting.is_urgent for waiting in self._queue)

    def put(self, recording: Recording, batch: Batch) -> None:
        """Add the next rows of a recording."""
        own = [waiting for waiting in self._queue if waiting.recording is recording]
        if own and len(own[-1].batch.chunks) < MOST_TOGETHER:
            _join(own[-1].batch, batch)
        else:
            own.append(Waiting(recording, batch))
            self._queue.append(own[-1])
        own[-1].raw_bytes += sum(len(chunk.data) + CHUNK_BYTES for chunk in batch.chunks)
        if sum(waiting.raw_bytes for waiting in own) > MOST_BYTES:
            oldest = next(waiting for waiting in own if waiting.batch.chunks)
            oldest.raw_bytes = 0
            _give_up_raw(oldest.batch)

    def told(self) -> str:
        """Say what waits: how many events, and how many raw samples."""
        batches = [waiting.batch for waiting in self._queue]
        events = sum(len(batch.events) for batch in batches)
        samples = sum(chunk.sample_count for batch in batches for chunk in batch.chunks)
        return f"{events} events and {samples} raw samples"

    def put_back(self, waiting: Waiting[Recording]) -> None:
        """Put rows that could not be written before all others."""
        self._queue.appendleft(waiting)

    def take(self, *, urgent: bool) -> Waiting[Recording] | None:
        """Take what has waited longest, with `urgent` only if it is worth a flush; None if there is none."""
        found = next((waiting for waiting in self._queue if waiting.is_urgent or not urgent), None)
        if found is not None:
            self._queue.remove(found)
        return found


def _join(batch: Batch, later: Batch) -> None:
    """Append the rows of a later batch; of a minute that was written anew only the last row is kept."""
    batch.chunks += later.chunks
    batch.anchors += later.anchors
    batch.faults += later.faults
    batch.markers += later.markers
    batch.events += later.events
    batch.finals += later.finals
    batch.bouts += later.bouts
    batch.minutes = list({one.minute: one for one in (*batch.minutes, *later.minutes)}.values())
    batch.end_sample = later.end_sample


def _give_up_raw(batch: Batch) -> None:
    """Drop the raw samples of a batch; one fault stands for each unbroken run."""
    edges = [at for at, (one, two) in enumerate(pairwise(batch.chunks), 1) if _end(one) != two.first_sample]
    for first, end in pairwise([0, *edges, len(batch.chunks)]):
        run = batch.chunks[first:end]
        lost = sum(chunk.sample_count for chunk in run)
        detail = "raw samples given up while nothing could be stored"
        batch.faults.append(Fault("not_stored", run[0].first_sample, run[0].boot_ns, lost, detail))
    batch.chunks.clear()


def _end(chunk: Chunk) -> int:
    return chunk.first_sample + chunk.sample_count
