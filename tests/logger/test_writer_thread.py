"""The one writer's thread of several recordings: each has its own room to wait, and its own rows."""

from __future__ import annotations

import sqlite3

from bedtick.logger.store.batch import Batch, Chunk, WallTime
from bedtick.logger.store.thread import MOST_WAITING, WriterThread


class Kept:
    """A recording that remembers what was committed, after some tries in vain."""

    def __init__(self, vain=0):
        self.batches = []
        self.vain = vain

    def commit(self, batch, *, seen_boot_ns):
        """Take a batch, or refuse it."""
        assert seen_boot_ns == 5
        if self.vain:
            self.vain -= 1
            raise sqlite3.OperationalError("database is locked")
        self.batches.append(batch)


def raw(number):
    """Make a batch with one chunk."""
    return Batch(chunks=[Chunk(number, 1, 0, 100.0, WallTime(None, synced=False), b"")])


def test_each_recording_gets_its_own_rows_in_order():
    """Batches of two recordings come to their own, in order, and none is lost to a refusal in between."""
    left, right = Kept(vain=1), Kept()
    thread = WriterThread(lambda: 5)
    for number in range(4):
        thread.put(left, raw(number))
        thread.put(right, raw(10 + number))
    thread.start()
    assert thread.close() == 0
    assert [batch.chunks[0].first_sample for batch in left.batches] == [0, 1, 2, 3]
    assert [batch.chunks[0].first_sample for batch in right.batches] == [10, 11, 12, 13]
    assert thread.failures == 0


def test_a_recording_that_waits_long_costs_no_other_its_samples():
    """Past the room for one recording its own oldest raw samples are given up, never another's."""
    left, right = Kept(), Kept()
    thread = WriterThread(lambda: 5)
    thread.put(right, raw(0))
    for number in range(MOST_WAITING + 2):
        thread.put(left, raw(number))
    thread.start()
    assert thread.close() == 0
    given_up = [batch.faults[0].sample for batch in left.batches if batch.faults]
    assert given_up == [0, 1]
    assert all(not batch.chunks for batch in left.batches[:2])
    assert right.batches[0].chunks
