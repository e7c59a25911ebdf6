"""The one writer's thread of several recordings: each has its own room to wait, and its own rows."""

from __future__ import annotations

import sqlite3

import pytest

from bedtick.logger.detector.events import Minute
from bedtick.logger.store import waiting
from bedtick.logger.store.batch import Batch, Chunk, Fault, WallTime
from bedtick.logger.store.thread import LAST_TRIES, UPKEEP_EVERY, WriterThread
from bedtick.logger.store.waiting import CHUNK_BYTES, MOST_TOGETHER


class Kept:
    """A recording that remembers what was committed, after some tries in vain."""

    def __init__(self, vain=0):
        self.batches = []
        self.vain = vain
        self.error = sqlite3.OperationalError("database is locked")

    def commit(self, batch, *, seen_boot_ns):
        """Take a batch, or refuse it."""
        assert seen_boot_ns == 5
        if self.vain:
            self.vain -= 1
            raise self.error
        self.batches.append(batch)

    @property
    def samples(self):
        """First samples of all chunks, as they came."""
        return [chunk.first_sample for batch in self.batches for chunk in batch.chunks]


MOST_CHUNKS = 200  # that the memory is meant for, in these tests


def raw(number):
    """Make a batch with one chunk of one sample."""
    return Batch(chunks=[Chunk(number, 1, 7 * number, 100.0, WallTime(None, synced=False), b"")])


def minute(number, activity_mg):
    """Make a batch with one minute."""
    return Batch(minutes=[Minute(number, activity_mg, 1.0, 5.0, {"valid": 60.0})])


@pytest.fixture
def thread():
    """Make a writer's thread that has not started yet."""
    return WriterThread(lambda: 5)


def test_each_recording_gets_its_own_rows_in_order(thread):
    """Batches of two recordings come to their own, in order, and none is lost to a refusal in between."""
    left, right = Kept(vain=1), Kept()
    for number in range(4):
        thread.put(left, raw(number))
        thread.put(right, raw(10 + number))
    thread.start()
    assert thread.close() == ""
    assert left.samples == [0, 1, 2, 3]
    assert right.samples == [10, 11, 12, 13]
    assert thread.failures == 0


def test_what_waited_is_written_together(thread):
    """A disk that was slow catches up: what waited for it is few transactions, each of a bounded size."""
    kept = Kept()
    for number in range(2 * MOST_TOGETHER + 1):
        thread.put(kept, raw(number))
    thread.start()
    assert thread.close() == ""
    assert [len(batch.chunks) for batch in kept.batches] == [MOST_TOGETHER, MOST_TOGETHER, 1]
    assert kept.samples == list(range(2 * MOST_TOGETHER + 1))


def test_minutes_alone_wait_for_the_next_rows(thread):
    """A minute is not worth a flush of its own: it is written with what comes next, in its last form."""
    kept = Kept()
    thread.start()
    thread.put(kept, minute(0, 1.0))
    thread.wait_until_written(lambda: False)
    assert kept.batches == []
    thread.put(kept, minute(0, 2.0))
    thread.put(kept, raw(0))
    thread.wait_until_written(lambda: False)
    (batch,) = kept.batches
    assert [one.activity_mg for one in batch.minutes] == [2.0]
    thread.put(kept, minute(1, 3.0))
    assert thread.close() == ""
    assert kept.batches[1].minutes[0].minute == 1


@pytest.fixture
def little_memory(monkeypatch):
    """Have room in memory for so many chunks of a recording."""
    monkeypatch.setattr(waiting, "MOST_BYTES", MOST_CHUNKS * CHUNK_BYTES)


@pytest.mark.usefixtures("little_memory")
def test_a_recording_that_waits_long_costs_no_other_its_samples(thread):
    """Past the room for one recording its own oldest raw samples are given up, never another's."""
    left, right = Kept(), Kept()
    thread.put(right, raw(0))
    for number in range(MOST_CHUNKS + 2):
        thread.put(left, raw(number))
    thread.start()
    assert thread.close() == ""
    assert left.samples == list(range(MOST_TOGETHER, MOST_CHUNKS + 2))
    (fault,) = left.batches[0].faults
    assert (fault.kind, fault.sample, fault.boot_ns, fault.lost_samples) == (
        "not_stored",
        0,
        0,
        MOST_TOGETHER,
    )
    assert right.samples == [0]


@pytest.mark.usefixtures("little_memory")
def test_each_run_of_samples_that_is_given_up_has_its_fault(thread):
    """Where samples were missing already, what is given up before and after is counted apart."""
    kept = Kept()
    numbers = [number + 5 * (number >= 3) for number in range(MOST_CHUNKS + 1)]
    for number in numbers:
        thread.put(kept, raw(number))
    thread.put(kept, Batch(faults=[Fault("overrun", 3, 0, 5, "")]))
    thread.start()
    assert thread.close() == ""
    given_up = [(fault.sample, fault.lost_samples) for fault in kept.batches[0].faults]
    assert given_up == [(0, 3), (8, MOST_TOGETHER - 3)]


def test_what_the_disk_did_not_take_is_told(thread):
    """At the end it says how many events and raw samples are gone with what was refused to the last."""
    kept = Kept(vain=1000)
    for number in range(3):
        thread.put(kept, raw(number))
    thread.start()
    assert thread.close() == "0 events and 3 raw samples"
    assert thread.trouble == "database is locked"
    assert LAST_TRIES <= 1000 - kept.vain <= LAST_TRIES + 1  # one may have come before the end was asked for


def test_a_database_that_is_gone_ends_the_thread():
    """Nothing is tried any more: who samples learns that the thread has ended."""
    kept = Kept()
    thread = WriterThread(lambda: 5, is_gone=lambda: bool(kept.batches))
    thread.start()
    for number in range(2):
        thread.put(kept, raw(number))
        thread.wait_until_written(lambda: False)
    assert not thread.is_alive
    assert thread.close() == "0 events and 1 raw samples"
    assert thread.trouble == "it was removed or replaced"


def test_upkeep_is_done_between_batches_and_when_the_disk_is_full():
    """It comes first, goes on while there is more to do, then rests, and comes when there is no room."""
    kept, seen = Kept(), []

    def upkeep():
        seen.append(len(kept.batches))
        return len(seen) in {1, 2}

    thread = WriterThread(lambda: 5, upkeep)
    thread.start()
    for number in range(UPKEEP_EVERY):
        thread.put(kept, raw(number))
        thread.wait_until_written(lambda: False)
    assert seen == [1, 1, 1]
    thread.put(kept, raw(UPKEEP_EVERY))
    thread.wait_until_written(lambda: False)
    assert seen == [1, 1, 1, UPKEEP_EVERY + 1]
    for number in (1, 2):  # locked, then full
        kept.vain = 1
        thread.put(kept, raw(UPKEEP_EVERY + number))
        thread.wait_until_written(lambda: False)
        kept.error.sqlite_errorcode = sqlite3.SQLITE_FULL
    assert thread.close() == ""
    assert seen == [1, 1, 1, UPKEEP_EVERY + 1, UPKEEP_EVERY + 2]


@pytest.mark.parametrize(
    "error",
    [sqlite3.OperationalError("database or disk is full"), OSError(5, "I/O"), ZeroDivisionError("rate")],
)
def test_upkeep_that_fails_costs_nothing(error):
    """What pruning runs into ends neither the thread nor the night."""
    kept = Kept()

    def upkeep():
        raise error

    thread = WriterThread(lambda: 5, upkeep)
    thread.start()
    for number in range(3):
        thread.put(kept, raw(number))
        thread.wait_until_written(lambda: False)
    assert thread.close() == ""
    assert kept.samples == [0, 1, 2]
