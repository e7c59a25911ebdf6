"""The writer's thread: commits what it is handed, however long a lock or a full disk lasts.

A try that fails is tried again, by the same connection: SQLite takes a failed write or flush of its log for
a transaction that never was, and writes all of it anew. Between two batches, when nothing waits, the thread
does its upkeep: it prunes, a little at a time. Where the disk is full it does so at once: that may help.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable
from typing import Protocol

from bedtick.logger.store.batch import Batch
from bedtick.logger.store.waiting import Waiting, WaitingRows

RETRY_S = (0.2, 1.0, 5.0, 15.0)  # pauses after the first failures; the last goes on for ever
REMIND_EVERY = 20  # failures, once they are 15 s apart and more: at least 5 minutes
UPKEEP_EVERY = 75  # chunks: about ten minutes
LOOK_S = 0.2  # who waits for the disk asks this often whether to stop
LAST_TRIES = 3  # once the daemon is ending, a second apart

log = logging.getLogger(__name__)


class Recording(Protocol):
    """What batches belong to."""

    def commit(self, batch: Batch, *, seen_boot_ns: int) -> None:
        """Write all rows of a batch in one transaction; raise `sqlite3.Error` where that fails."""


class WriterThread:
    """Writes the batches of all recordings on a thread of its own, those of a recording in their order.

    `put` never waits: the sampling thread must not feel how slow a card is. While nothing can be
    written, batches wait, within a bound (`WaitingRows`).

    Parameters
    ----------
    boot_ns
        The machine's own boot clock.
    upkeep
        Called now and then when nothing waits; it does a little, and tells whether there is more to do.
    is_gone
        Asked before every try whether the database is no longer there: SQLite would write into a file
        without a name, which nobody ever reads. The thread ends then.

    The recordings' connection is this thread's alone from `start` to `close`.
    """

    def __init__(
        self,
        boot_ns: Callable[[], int],
        upkeep: Callable[[], bool] = lambda: False,
        is_gone: Callable[[], bool] = lambda: False,
    ) -> None:
        self._boot_ns = boot_ns
        self._upkeep = upkeep
        self._is_gone = is_gone
        self._waiting: WaitingRows[Recording] = WaitingRows()
        self._changed = threading.Condition()
        self._busy = False
        self._closing = False
        self._failures = 0
        self._trouble = ""
        self._is_full = False
        self._chunks_since_upkeep = UPKEEP_EVERY  # the first is due at once
        self._thread = threading.Thread(target=self._run, name="bedtick-writer", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def put(self, recording: Recording, batch: Batch) -> None:
        """Hand a batch of a recording over; returns at once."""
        with self._changed:
            self._waiting.put(recording, batch)
            self._changed.notify_all()

    def wait_until_written(self, stop: Callable[[], bool]) -> None:
        """Return once all is committed, or `stop` says so: emulated time stands still meanwhile."""
        with self._changed:
            while (self._waiting.has_urgent or self._busy) and self.is_alive and not stop():
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

    def close(self) -> str:
        """Write what waits and end the thread; say what the disk did not take, which mostly is nothing."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        return self._waiting.told() if self._waiting or self._busy else ""

    def _run(self) -> None:
        while (waiting := self._next()) is not None:
            if not self._write_until_done(waiting):
                return
            self._chunks_since_upkeep += len(waiting.batch.chunks)
            self._keep_up_while_idle()
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _next(self) -> Waiting[Recording] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting.has_urgent or self._closing)
            waiting = self._waiting.take(urgent=not self._closing)
            self._busy = waiting is not None
            return waiting

    def _keep_up_while_idle(self) -> None:
        while self._chunks_since_upkeep >= UPKEEP_EVERY and not (self._waiting.has_urgent or self._closing):
            self._keep_up()

    def _keep_up(self) -> None:
        try:
            has_more = self._upkeep()
        # Also what damaged rows lead to, such as a rate of 0: pruning must not cost a night.
        except (sqlite3.Error, OSError, ArithmeticError, ValueError, LookupError, TypeError) as error:
            if not self._failures:  # else the log says already that nothing can be stored
                log.warning("can not prune (%r); tried again later", error)
            has_more = False
        if not has_more:
            self._chunks_since_upkeep = 0

    def _write_until_done(self, waiting: Waiting[Recording]) -> bool:
        """Try until the batch is committed; False where it never will be: nothing is written any more."""
        last_tries = LAST_TRIES
        while not self._is_gone():
            if self._write_once(waiting):
                return True
            if self._closing:
                last_tries -= 1
            if last_tries == 0:
                return self._give_up(waiting)
            if self._is_full:
                self._keep_up()
            self._pause()
        self._trouble = "it was removed or replaced"
        return self._give_up(waiting)

    def _give_up(self, waiting: Waiting[Recording]) -> bool:
        with self._changed:
            self._waiting.put_back(waiting)
            self._busy = False
        log.error("gave up: the last %s are not stored", self._waiting.told())
        return False

    def _write_once(self, waiting: Waiting[Recording]) -> bool:
        try:
            waiting.recording.commit(waiting.batch, seen_boot_ns=self._boot_ns())
        except sqlite3.Error as error:
            if self._failures % REMIND_EVERY == 0:
                log.warning("can not store (%s); sampling goes on, and so do the tries", error)
            self._failures += 1
            self._trouble = str(error)
            self._is_full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
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
