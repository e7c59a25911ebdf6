"""A recording that begins: its row and its live scoring, inserted before its first other row.

The sensors that are there when the daemon starts are inserted at once, so that a database which can not be
written ends the start. One that is found later is inserted by the writer's thread, as its rows are: who
samples must not wait for the disk.
"""

from __future__ import annotations

import logging
from pathlib import Path

import sqlite_utils

from bedtick.logger.settings import Settings
from bedtick.logger.store.batch import Batch
from bedtick.logger.store.database import immediate
from bedtick.logger.store.writer import Origin, RecordingWriter, add_recording, add_scoring

log = logging.getLogger(__name__)


class NewRecording:
    """One recording of a daemon.

    Parameters
    ----------
    db, path
        The daemon's connection, and the file behind it.
    origin
        What the recording is.
    settings
        All settings, with the ring-down written out.
    """

    def __init__(self, db: sqlite_utils.Database, path: Path, origin: Origin, settings: Settings) -> None:
        self._db = db
        self._path = path
        self._origin = origin
        self._settings = settings
        self._writer: RecordingWriter | None = None

    @property
    def recording_id(self) -> int | None:
        """The recording's id; None until it was inserted."""
        return None if self._writer is None else self._writer.recording_id

    def begin(self, seen_boot_ns: int) -> RecordingWriter:
        """Insert the recording: whoever reads the file sees it running from here on.

        Raises
        ------
        sqlite3.Error
            Where the database did not take it; it can be tried again.
        """
        with immediate(self._db):
            recording_id = add_recording(self._db, self._origin, seen_boot_ns)
            scoring_id = add_scoring(self._db, recording_id, self._settings.detector, live=True)
        self._writer = RecordingWriter(self._db, recording_id, scoring_id)
        what = f"{self._origin.chip} at {self._origin.nominal_hz:g} Hz"
        log.info("recording %d: %s into %s, place %s", recording_id, what, self._path, self._origin.place)
        return self._writer

    def commit(self, batch: Batch, *, seen_boot_ns: int) -> None:
        """Write all rows of a batch in one transaction, the recording's own row before the first.

        Parameters
        ----------
        batch
            The rows; an empty batch begins the recording and no more.
        seen_boot_ns
            The machine's own boot clock now.

        Raises
        ------
        sqlite3.Error
            Where the database did not take them; the batch can be committed again later.
        """
        writer = self._writer or self.begin(seen_boot_ns)
        writer.commit(batch, seen_boot_ns=seen_boot_ns)
