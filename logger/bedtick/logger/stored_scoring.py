"""Runs the recorder over the stored samples of a recording, as it ran over them at night.

What was missing then is missing again, at the same samples, so the same settings find the same events,
to the sample. What can not be read any more, pruned or damaged, is missing as well, and counted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import sqlite_utils

from bedtick.logger.detector.bouts import Bout
from bedtick.logger.detector.events import Event, Minute
from bedtick.logger.recorder import Recorder
from bedtick.logger.settings import DetectorSettings, Settings
from bedtick.logger.store.batch import Batch, Final, WallTime
from bedtick.logger.store.raw import read_raw
from bedtick.logger.store.writer import Origin
from bedtick.logger.tap.judge import Calibration
from bedtick.logger.tap.stored import SensorName, newest_calibration

TAPPED_SINCE = 2  # PRAGMA user_version of the first files with the table `calibrations`
Progress = Callable[[int], None]  # told how many samples are done


@dataclass
class StoredScoring:
    """All that one pass of the detector found, each row once, and how many samples it went by.

    `read_samples` were there, `unreadable_samples` are pruned or damaged.
    """

    events: list[Event] = field(default_factory=list)
    finals: list[Final] = field(default_factory=list)
    bouts: dict[int, Bout] = field(default_factory=dict)
    minutes: dict[int, Minute] = field(default_factory=dict)
    read_samples: int = 0
    unreadable_samples: int = 0

    def add(self, batch: Batch) -> None:
        """Take what is scored of a batch; a minute or a bout takes the place of what it was before."""
        self.events += batch.events
        self.finals += batch.finals
        self.minutes |= {minute.minute: minute for minute in batch.minutes}
        for bout in batch.bouts:
            before = self.bouts.get(bout.number)
            joined = bout.joined if before is None else before.joined + bout.joined
            self.bouts[bout.number] = replace(bout, joined=joined)

    def batch(self) -> Batch:
        """Return the rows as the store takes them."""
        return Batch(
            events=self.events,
            finals=self.finals,
            bouts=list(self.bouts.values()),
            minutes=list(self.minutes.values()),
        )


class _NoTimes:
    """Stands in for a sample clock: a scoring has sample indices only, and the raw rows are there already."""

    rate_hz = 0.0

    def time_ns(self, sample_index: int) -> int:  # noqa: ARG002  the protocol's signature
        return 0


def load_origin(connection: sqlite3.Connection, recording_id: int) -> Origin:
    """Return what a stored recording is: detection takes its scale, full scale and nominal rate."""
    return Origin(*connection.execute(_ORIGIN, (recording_id,)).fetchone())


_ORIGIN = """
    SELECT s.place, s.chip, s.bus, s.address, r.source, r.source_digest, r.boot_id, r.time_zone,
        r.scale_g, r.full_scale_counts, r.nominal_hz, r.start_boot_ns
    FROM recordings r JOIN sensors s ON s.id = r.sensor_id WHERE r.id = ?
"""


def newest_tap(connection: sqlite3.Connection, recording_id: int) -> Calibration | None:
    """Return what was last tapped with a recording's sensor; None where nobody tapped."""
    if connection.execute("PRAGMA user_version").fetchone()[0] < TAPPED_SINCE:
        return None
    origin = load_origin(connection, recording_id)
    sensor = SensorName(origin.place, origin.chip, origin.bus, origin.address)
    stored = newest_calibration(sqlite_utils.Database(connection, execute_plugins=False), sensor)
    return None if stored is None else stored.calibration


def score_stored(
    connection: sqlite3.Connection,
    recording_id: int,
    settings: DetectorSettings,
    end_sample: int,
    progress: Progress,
) -> StoredScoring:
    """Detect on the stored samples of a recording; nothing is written.

    Parameters
    ----------
    connection
        The database; reading is enough.
    recording_id
        Which recording.
    settings
        What to detect with.
    end_sample
        How far: one past the last sample, missing ones included.
    progress
        Told how many samples are done.
    """
    scoring = StoredScoring()
    recorder = Recorder(
        Settings(detector=settings),
        load_origin(connection, recording_id),
        _NoTimes(),
        lambda _boot_ns: WallTime(None, synced=False),
    )
    for chunk in read_raw(connection, recording_id, 0, end_sample):
        _lose_until(chunk.first_sample, recorder, scoring)
        if chunk.counts is None:
            scoring.unreadable_samples += chunk.sample_count
            _lose_until(chunk.end_sample, recorder, scoring)
        else:
            scoring.read_samples += chunk.sample_count
            scoring.add(recorder.take(chunk.counts))
        progress(chunk.end_sample)
    _lose_until(end_sample, recorder, scoring)
    scoring.add(recorder.finish())
    return scoring


def _lose_until(sample: int, recorder: Recorder, scoring: StoredScoring) -> None:
    lost = sample - recorder.next_sample
    if lost > 0:
        scoring.add(recorder.lose(lost, "gap", ""))
