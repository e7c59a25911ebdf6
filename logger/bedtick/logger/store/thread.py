"""The writer's thread: commits what it is handed, however long a lock or a full disk lasts."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Protocol

from bedtick.logger.store.batch import Batch, Fault

MOST_WAITING = 600  # batches with raw samples of a recording kept while nothing can be written: 50 minutes
RETRY_S = (0.2, 1.0, 5.0, 15.0)  # pauses after the first failures; the last goes on for ever
REMIND_EVERY = 20  # failures, once they are 15 s apart and more: at least 5 minutes
LOOK_S = 0.2  # who waits for the disk asks this often whether to stop
LAST_TRIES = 3  # once the daemon is ending, a second apart

log = logging.getLogger(__name__)


class Recording(Protocol):
    """What batches belong to."""

    def commit(self, batch: Batch, *, seen_boot_ns: int) -> None:
        """Write all rows of a batch in one transaction; raise `sqlite3.Error` where that fails."""


class _Waiting(NamedTuple):
    recording: Recording
    batch: Batch


class WriterThread:
    """Writes the batches of all recordings in their order, one transaction each, on a thread of its own.

    `put` never waits: the sampling thread must not feel how slow a card is. While nothing can be
    written, batches wait; past `MOST_WAITING` the raw samples of the oldest are given up, never an
    event, and a fault in their place says how many.

    Parameters
    ----------
    boot_ns
        The machine's own boot clock.

    The recordings' connection is this thread's alone from `start` to `close`.
    """

    def __init__(self, boot_ns: Callable[[], int]) -> None:
        self._boot_ns = boot_ns
        self._waiting: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._busy = False
        self._closing = False
        self._failures = 0
        self._trouble = ""
        self._thread = threading.Thread(target=self._run, name="bedtick-writer", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def put(self, recording: Recording, batch: Batch) -> None:
        """Hand a batch of a recording over; returns at once."""
        with self._changed:
            self._waiting.append(_Waiting(recording, batch))
            self._give_up_oldest(recording)
            self._changed.notify_all()

    def wait_until_written(self, stop: Callable[[], bool]) -> None:
        """Return once all is committed, or `stop` says so: emulated time stands still meanwhile."""
        with self._changed:
            while (self._waiting or self._busy) and self.is_alive and not stop():
                self._changed.wait(LOOK_S)

    @property
    def is_alive(self) -> bool:
        """Whether anything will still be written."""
        return self._thread.is_alive()

    @property
    def failures(self) -> int:
        """How many tries failed since the last that did not."""
        return self._failures

    @property
    def trouble(self) -> str:
        """What the database said when it last refused."""
        return self._trouble

    def close(self) -> int:
        """Write what waits and end the thread; return how many batches the disk did not take."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        return len(self._waiting) + self._busy

    def _run(self) -> None:
        while (waiting := self._next()) is not None:
            if not self._write_until_done(waiting):
                return
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _next(self) -> _Waiting | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            if not self._waiting:
                return None
            self._busy = True
            return self._waiting.popleft()

    def _write_until_done(self, waiting: _Waiting) -> bool:
        """Try until the batch is committed; False where the daemon is ending and the disk still refuses."""
        last_tries = LAST_TRIES
        while not self._write_once(waiting):
            if self._closing:
                last_tries -= 1
            if last_tries == 0:
                self._waiting.appendleft(waiting)
                self._busy = False
                log.error("gave up: the last %d batches are not stored", len(self._waiting))
                return False
            self._pause()
        return True

    def _write_once(self, waiting: _Waiting) -> bool:
        try:
            waiting.recording.commit(waiting.batch, seen_boot_ns=self._boot_ns())
        except sqlite3.Error as error:
            if self._failures % REMIND_EVERY == 0:
                log.warning("can not store (%s); sampling goes on, and so do the tries", error)
            self._failures += 1
            self._trouble = str(error)
            return False
        if self._failures:
            log.warning("storing again, after %d failed tries", self._failures)
        self._failures = 0
        return True

    def _pause(self) -> None:
        pause_s = RETRY_S[min(self._failures, len(RETRY_S)) - 1]
        with self._changed:
            if self._closing:
                self._changed.wait(1.0)
            else:
                self._changed.wait_for(lambda: self._closing, pause_s)

    def _give_up_oldest(self, recording: Recording) -> None:
        """Drop the raw samples that have waited longest where more wait than memory is meant for."""
        with_raw = [one.batch for one in self._waiting if one.recording is recording and one.batch.chunks]
        for batch in with_raw[: max(0, len(with_raw) - MOST_WAITING)]:
            detail = "raw samples given up while nothing could be stored"
            batch.faults += [
                Fault("not_stored", chunk.first_sample, chunk.boot_ns, chunk.sample_count, detail)
                for chunk in batch.chunks
            ]
            batch.chunks.clear()
