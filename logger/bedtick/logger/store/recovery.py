"""Closes the recordings that the plug ended, and completes what their last seconds left open.

An event is committed at its end, its tilt and its bout follow within 10 s; a plug pulled in between
leaves them open. Where the raw samples around such an event were stored, its tilt is taken from them,
by the same rule as the detector's; where they were not, it stays unknown.
"""

from __future__ import annotations

import logging
import sqlite3

import numpy as np
import sqlite_utils
from numpy.typing import NDArray

from bedtick.logger.detector.bouts import BoutTracker
from bedtick.logger.detector.events import final_kind
from bedtick.logger.detector.layout import TILT_QUARTERS
from bedtick.logger.detector.parameters import samples_per_quarter
from bedtick.logger.settings import DetectorSettings
from bedtick.logger.store.database import immediate
from bedtick.logger.store.raw import read_raw
from bedtick.logger.store.writer import settings_from, write_bout

SAMPLES_MISSING_S = 10  # at most: younger raw samples may not have been on the disk yet
EVENTS_MISSING_S = 1  # the same for events, counted from their end

log = logging.getLogger(__name__)


def close_unplugged(db: sqlite_utils.Database) -> list[int]:
    """Close every night that is still open as `unplugged`; return the recordings' ids.

    The caller holds the recording lock: an open night is one that a plug or a crash ended. A replay may
    be running beside it, and is left alone.
    """
    rows = db.execute("SELECT id FROM recordings WHERE ended IS NULL AND source <> 'replay'").fetchall()
    ids = [int(row[0]) for row in rows]
    for recording_id in ids:
        with immediate(db):
            _complete(db, recording_id)
            end = db.execute(
                "SELECT coalesce(max(first_sample + sample_count), 0) FROM raw_chunks WHERE recording_id = ?",
                [recording_id],
            ).fetchone()[0]
            db.table("recordings").update(recording_id, {"end_sample": end, "ended": "unplugged"})
        log.info(
            "recording %d was unplugged: closed; at most its last %d s of samples, and events of its last "
            "%d s, are missing", recording_id, SAMPLES_MISSING_S, EVENTS_MISSING_S,
        )  # fmt: skip
    return ids


def _complete(db: sqlite_utils.Database, recording_id: int) -> None:
    """Give the last events of each scoring their tilt, their final kind and their bout."""
    rate_hz = db.execute("SELECT nominal_hz FROM recordings WHERE id = ?", [recording_id]).fetchone()[0]
    scorings = db.execute(
        "SELECT id, settings FROM scorings WHERE recording_id = ?", [recording_id]
    ).fetchall()
    for scoring_id, text in scorings:
        settings = settings_from(text)
        rows = db.execute(
            "SELECT id, onset_sample, end_sample, kind FROM events WHERE scoring_id = ? AND complete = 0",
            [scoring_id],
        ).fetchall()
        for event_id, onset, end, kind in rows:
            tilt = _tilt_deg(db.conn, recording_id, onset, end, samples_per_quarter(rate_hz))
            values = {"tilt_deg": tilt, "kind": final_kind(kind, tilt, settings), "complete": 1}
            db.table("events").update(event_id, values)
        if rows:
            _join_bouts(db, scoring_id, settings, rate_hz)


def _tilt_deg(
    connection: sqlite3.Connection, recording_id: int, onset: int, end: int, quarter: int
) -> float | None:
    """Return the angle between gravity before and after an event; None where raw samples are missing."""
    span = TILT_QUARTERS * quarter
    before = (onset // quarter) * quarter - span
    after = -(-end // quarter) * quarter
    first, second = (_gravity(connection, recording_id, start, span, quarter) for start in (before, after))
    if first is None or second is None:
        return None
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(first, second)), first @ second)))


def _gravity(
    connection: sqlite3.Connection, recording_id: int, start: int, span: int, quarter: int
) -> NDArray[np.float64] | None:
    """Return the median over 4 s of quarter-second means, (3,) counts; None where a sample is missing.

    A damaged chunk is a missing one: it must not keep the daemon from its next night.
    """
    window = np.full((span, 3), np.nan)
    for chunk in read_raw(connection, recording_id, start, start + span):
        if chunk.counts is not None:
            low, high = max(chunk.first_sample, start), min(chunk.end_sample, start + span)
            part = chunk.counts[low - chunk.first_sample : high - chunk.first_sample]
            window[low - start : high - start] = part
    medians = np.median(window.reshape(-1, quarter, 3).mean(axis=1), axis=0)
    return None if np.isnan(medians).any() else medians


def _join_bouts(
    db: sqlite_utils.Database, scoring_id: int, settings: DetectorSettings, rate_hz: float
) -> None:
    """Run the bouts of a scoring again over its events; bouts that are there keep their ids."""
    tracker = BoutTracker(settings, rate_hz)
    bout_ids = dict(
        db.execute("SELECT onset_sample, id FROM bouts WHERE scoring_id = ?", [scoring_id]).fetchall()
    )
    events = db.execute(
        "SELECT id, kind, onset_sample, end_sample FROM events WHERE scoring_id = ? ORDER BY onset_sample",
        [scoring_id],
    ).fetchall()
    for event in events:
        bout = tracker.add(*event)
        if bout is not None:
            known = bout_ids.get(bout.onset_sample)
            bout_ids[bout.onset_sample] = write_bout(db, scoring_id, bout, known, list(bout.joined))
