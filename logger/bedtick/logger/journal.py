"""What the daemon writes into: one database, one writer's thread, and every recording it has begun."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import sqlite_utils

from bedtick.firmware.clock import Clock, SystemClock
from bedtick.firmware.errors import StoreError
from bedtick.logger.settings import Settings
from bedtick.logger.store.batch import Batch
from bedtick.logger.store.database import store_errors
from bedtick.logger.store.disk_space import watch_file
from bedtick.logger.store.new_recording import NewRecording
from bedtick.logger.store.thread import WriterThread
from bedtick.logger.store.writer import Origin
from bedtick.logger.tap.stored import SensorName, newest_calibrations

EMULATED_TRIES = 3  # an emulated night can be had again: it does not wait for a full disk to get room

log = logging.getLogger(__name__)


class Journal:
    """The daemon's way into the database; after `start` nothing here waits for the disk on a real clock.

    Emulated time can stand still: there every batch is committed before time goes on, so that the promise
    about a pulled plug holds however fast the night runs.

    Parameters
    ----------
    db, path
        The connection, which is the writer's thread's alone from `start` to `close`, and its file.
    clock
        The clock of what is recorded.
    stop
        Asked again and again, while emulated time stands still, whether to end.
    upkeep
        What the writer's thread does now and then when nothing waits; tells whether there is more to do.

    Raises
    ------
    StoreError
        Where the database can not be read.
    """

    def __init__(
        self,
        db: sqlite_utils.Database,
        path: Path,
        clock: Clock,
        stop: Callable[[], bool],
        upkeep: Callable[[], bool] = lambda: False,
    ) -> None:
        self._db = db
        self._path = path
        self._clock = clock
        self._stop = stop
        with store_errors(path):
            is_gone = watch_file(path)
        self._thread = WriterThread(SystemClock().boot_ns, upkeep, is_gone)
        self._has_started = False
        self._recordings: list[NewRecording] = []
        # All of them now: later the connection is the thread's. Nobody taps while the daemon holds its lock.
        with store_errors(path):
            self._tapped = newest_calibrations(db)

    def tapped_s(self, sensor: SensorName) -> float | None:
        """Return the ring-down that was last tapped with a sensor; None where it never was."""
        stored = self._tapped.get(sensor)
        return None if stored is None else stored.calibration.ring_down_s

    def prepare(self, origin: Origin, settings: Settings) -> NewRecording:
        """Return a recording that can be begun; the database knows nothing of it yet."""
        return NewRecording(self._db, self._path, origin, settings)

    def begin(self, recording: NewRecording) -> None:
        """Begin a recording; before `start` it is inserted when this returns, else soon after.

        Raises StoreError where the database does not take it; not after `start`.
        """
        if self._has_started:
            self._thread.put(recording, Batch())
        else:
            with store_errors(self._path):
                recording.begin(SystemClock().boot_ns())
        self._recordings.append(recording)

    def start(self) -> None:
        """Begin to write what is put."""
        self._has_started = True
        self._thread.start()

    def put(self, recording: NewRecording, batch: Batch) -> None:
        """Hand rows over to be written."""
        self._thread.put(recording, batch)
        if not self._clock.is_real:
            self._thread.wait_until_written(self.should_stop)

    def should_stop(self) -> bool:
        """Tell whether to end: because somebody asked to, or because nothing will be written any more.

        Sampling on without a writer would be a night for nothing: the service starts anew.
        """
        is_stuck = not self._clock.is_real and self._thread.failures >= EMULATED_TRIES
        return self._stop() or is_stuck or not self._thread.is_alive

    @property
    def is_in_trouble(self) -> bool:
        """Whether the database refused what was last put."""
        return self._thread.failures > 0

    def close(self) -> list[int]:
        """Write what waits and end the thread; return the recordings' ids.

        Raises
        ------
        StoreError
            Where the database did not take everything.
        """
        lost = self._thread.close()
        if lost:
            raise StoreError(
                f"database {self._path}: the last {lost} could not be stored "
                f"({self._thread.trouble}); check the disk"
            )
        ids = [one.recording_id for one in self._recordings if one.recording_id is not None]
        for recording_id in ids:
            log.info("recording %d ended", recording_id)
        return ids
