"""Scores stored recordings again, and keeps what is found beside the old scoring.

Detection comes first; what it found is then written in one short transaction, so that a daemon that
records into the same file hardly notices.

A recording has one scoring for each settings and version of bedtick. Where there is one already, nothing
changes; only one that was made here while the recording still ran is made anew, under its own id, once
more samples are there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import sqlite_utils

from bedtick.firmware.errors import SettingsError, StoreError
from bedtick.logger.settings import DetectorSettings, Settings, parse_settings, with_ring_down
from bedtick.logger.store.database import immediate, open_database, store_errors
from bedtick.logger.store.raw import stored_end
from bedtick.logger.store.writer import RecordingWriter, add_scoring, settings_from, settings_text, software
from bedtick.logger.stored_scoring import Progress, StoredScoring, load_origin, newest_tap, score_stored

GROWN_S = 1.0  # a scoring that ends this much before its recording was made while that still ran


@dataclass(frozen=True)
class Job:
    """One recording to score again, and what the database knew of it before.

    Attributes
    ----------
    recording_id, live_scoring_id
        Keys in the database; None where the recording has no live scoring.
    settings
        What to detect with.
    end_sample
        One past the last sample that is there to score.
    is_open
        Whether the recording has no end yet: then only what was committed so far is scored.
    nominal_hz
        What turns samples into seconds.
    """

    recording_id: int
    live_scoring_id: int | None
    settings: DetectorSettings
    end_sample: int
    is_open: bool
    nominal_hz: float


@dataclass(frozen=True)
class Rescored:
    """What became of one recording.

    `scoring_id` is the scoring with the job's settings, None where no sample could be read any more;
    `is_new` says whether it was made (anew) just now, going without `unreadable_samples` that are pruned
    or damaged.
    """

    job: Job
    scoring_id: int | None
    is_new: bool
    unreadable_samples: int


def changed_settings(base: DetectorSettings, changes: dict[str, object], origin: str) -> DetectorSettings:
    """Return settings with some keys changed, checked as those of a file; `origin` names them in errors.

    Parameters
    ----------
    base
        What to change.
    changes
        New values by key, such as `high_ratio` or `detector.high_ratio`.
    origin
        Where they come from.

    Raises
    ------
    SettingsError
        For a key that the detector does not have, and for a value that it may not have.
    """
    values: dict[str, object] = {}
    for key, value in changes.items():
        table, _, name = key.rpartition(".")
        if table not in ("", DetectorSettings.TABLE):
            raise SettingsError(
                f"settings {origin}: {key} can not change: the samples are taken; only keys of [detector] can"
            )
        values[name] = value
    checked = parse_settings({DetectorSettings.TABLE: values}, origin).detector
    return replace(base, **{name: getattr(checked, name) for name in values})


def rescore(
    path: Path,
    recording_ids: Sequence[int],
    wanted: Callable[[DetectorSettings], DetectorSettings],
    progress: Progress,
) -> list[Rescored]:
    """Score recordings again, in the order given; where that fails for one, nothing changes for any.

    Parameters
    ----------
    path
        The database; it must be there.
    recording_ids
        Which recordings.
    wanted
        Gives the new settings for those of the live scoring, or for the defaults where there is none.
    progress
        Told how many samples are done, over all recordings.

    Raises
    ------
    StoreError
        Where the database does not take it, or not one raw sample of the recordings can be read.
    SettingsError
        As `wanted` raises it.
    """
    db = open_database(path)
    with closing(db.conn), store_errors(path):
        jobs = [_job(db.conn, recording_id, wanted) for recording_id in recording_ids]
        found = _detect(db.conn, jobs, progress)
        if found and not any(scoring.read_samples for scoring in found.values()):
            raise StoreError(
                f"database {path}: no raw samples can be read of {_named(jobs)} (pruned, damaged or never "
                "stored): it can not be scored again"
            )
        if not found:
            return [_outcome(db, job, None) for job in jobs]
        with immediate(db):
            return [_outcome(db, job, found.get(job.recording_id)) for job in jobs]


def _job(
    connection: sqlite3.Connection,
    recording_id: int,
    wanted: Callable[[DetectorSettings], DetectorSettings],
) -> Job:
    live = connection.execute(
        "SELECT id, settings FROM scorings WHERE recording_id = ? AND live = 1", (recording_id,)
    ).fetchone()
    (ended,) = connection.execute("SELECT ended FROM recordings WHERE id = ?", (recording_id,)).fetchone()
    asked = wanted(DetectorSettings() if live is None else settings_from(live[1]))
    tapped = newest_tap(connection, recording_id)
    return Job(
        recording_id=recording_id,
        live_scoring_id=None if live is None else int(live[0]),
        settings=with_ring_down(
            Settings(detector=asked), None if tapped is None else tapped.ring_down_s
        ).detector,
        end_sample=stored_end(connection, recording_id),
        is_open=ended is None,
        nominal_hz=load_origin(connection, recording_id).nominal_hz,
    )


def _detect(
    connection: sqlite3.Connection, jobs: Sequence[Job], progress: Progress
) -> dict[int, StoredScoring]:
    """Score what has no such scoring yet; the result is by recording."""
    found: dict[int, StoredScoring] = {}
    done = 0
    for job in jobs:
        if _find_scoring(connection, job, complete=True) is None:
            found[job.recording_id] = score_stored(
                connection, job.recording_id, job.settings, job.end_sample, _counting_on(done, progress)
            )
        done += job.end_sample
    return found


def _counting_on(done: int, progress: Progress) -> Progress:
    return lambda samples: progress(done + samples)


def _find_scoring(connection: sqlite3.Connection, job: Job, *, complete: bool) -> int | None:
    """Return the recording's scoring with these settings and this version, complete or not yet."""
    reaches_s = job.end_sample / job.nominal_hz - GROWN_S if complete else 0.0
    row = connection.execute(
        _FIND, (job.recording_id, settings_text(job.settings), software(), reaches_s)
    ).fetchone()
    return None if row is None else int(row[0])


# A live scoring grows with its recording, so it is as complete as it will be.
_FIND = """
    SELECT id FROM scorings s WHERE recording_id = ? AND settings = ? AND software = ? AND (live = 1 OR (
        SELECT coalesce(sum(valid_s + gap_s + saturated_s + settling_s + hum_s + floor_s), 0)
        FROM minutes WHERE scoring_id = s.id
    ) >= ?) ORDER BY live DESC, id LIMIT 1
"""


def _outcome(db: sqlite_utils.Database, job: Job, found: StoredScoring | None) -> Rescored:
    """Write what was found, unless somebody else did meanwhile."""
    known = _find_scoring(db.conn, job, complete=True)
    if found is None or known is not None:
        return Rescored(job, known, is_new=False, unreadable_samples=0)
    if not found.read_samples:
        return Rescored(job, None, is_new=False, unreadable_samples=found.unreadable_samples)
    scoring_id = _find_scoring(db.conn, job, complete=False)
    # What was found in samples that were pruned since stays: nobody could find it again.
    if scoring_id is None or found.unreadable_samples:
        scoring_id = add_scoring(db, job.recording_id, job.settings, live=False)
    else:
        _clear(db.conn, scoring_id)
    RecordingWriter(db, job.recording_id, scoring_id).write_scored(found.batch())
    return Rescored(job, scoring_id, is_new=True, unreadable_samples=found.unreadable_samples)


def _clear(connection: sqlite3.Connection, scoring_id: int) -> None:
    connection.execute("DELETE FROM events WHERE scoring_id = ?", (scoring_id,))
    connection.execute("DELETE FROM bouts WHERE scoring_id = ?", (scoring_id,))
    connection.execute("DELETE FROM minutes WHERE scoring_id = ?", (scoring_id,))


def _named(jobs: Sequence[Job]) -> str:
    return "recording " + ", ".join(str(job.recording_id) for job in jobs)
