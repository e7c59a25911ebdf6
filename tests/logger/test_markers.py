"""Markers land in the database with their sample and their time, in old files too, and stay there."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys

import pytest

from bedtick.firmware.sample_clock import SampleClock
from bedtick.logger.bedside.markers import marker_batch
from bedtick.logger.settings import DetectorSettings
from bedtick.logger.store.batch import Batch, Marker
from bedtick.logger.store.database import immediate, open_database
from bedtick.logger.store.writer import Origin, RecordingWriter, add_recording, add_scoring

S = 1_000_000_000
ORIGIN = Origin("bed", "adxl345", "i2c-1", 0x53, "chip", None, None, None, 1 / 256, 1023, 400.0, 5 * S)
# What a daemon does until somebody pulls the plug, just after a marker was committed.
PULLED = """
import os, signal, sys
from pathlib import Path
from bedtick.logger.bedside.markers import marker_batch
from bedtick.logger.settings import DetectorSettings
from bedtick.logger.store.database import open_database
from bedtick.logger.store.writer import Origin, RecordingWriter, add_recording, add_scoring
db = open_database(Path(sys.argv[1]))
origin = Origin("bed", "adxl345", "i2c-1", 0x53, "chip", None, None, None, 1 / 256, 1023, 400.0, 0)
recording = add_recording(db, origin, 0)
writer = RecordingWriter(db, recording, add_scoring(db, recording, DetectorSettings(), live=True))
writer.commit(marker_batch("felt", 123, next_sample=0, times=None), seen_boot_ns=1)
os.kill(os.getpid(), signal.SIGKILL)
"""


def markers_in(path):
    """All markers of a file, as a stranger reads them."""
    with sqlite3.connect(path) as db:
        return db.execute("SELECT recording_id, kind, sample, boot_ns, source FROM markers").fetchall()


def observed():
    """Return a sample clock that has seen ten seconds at 400 Hz from boot time 5 s on."""
    times = SampleClock(400.0)
    for k in range(1, 300):
        times.observe(k * 13, 5 * S + round((k * 13 + 0.5) / 400 * S), 1_000_000)
    return times


@pytest.mark.parametrize("at_s", [0.25, 3.0, 9.5, 9.8])
def test_a_marker_stands_at_the_sample_of_its_time(at_s):
    """The sample index is that of the moment at which the button was pressed, to one sample."""
    (marker,) = marker_batch("felt", round((5 + at_s) * S), next_sample=3900, times=observed()).markers
    assert marker.sample == pytest.approx(at_s * 400 - 1, abs=1)
    assert marker.boot_ns == round((5 + at_s) * S)


def test_a_marker_before_the_first_sample_stands_at_it():
    """A press before anything was sampled is kept at sample 0, with its own time."""
    early = marker_batch("lights_off", 4 * S, next_sample=0, times=None)
    assert early.markers == [Marker("lights_off", 0, 4 * S, "button")]
    assert marker_batch("lights_off", 4 * S, next_sample=3900, times=observed()).markers == early.markers


def test_a_batch_with_a_marker_alone_is_worth_writing():
    """A marker is written for itself, however quiet the bed is."""
    assert not Batch()
    assert marker_batch("felt", 0, next_sample=0, times=None)


def test_markers_are_stored_by_recording(tmp_path):
    """One press is a row in each recording that ran, with one boot time."""
    db = open_database(tmp_path / "a.db")
    with immediate(db):
        ids = [add_recording(db, ORIGIN, 0) for _ in range(2)]
        writers = [RecordingWriter(db, k, add_scoring(db, k, DetectorSettings(), live=True)) for k in ids]
    for writer, next_sample in zip(writers, (3900, 0), strict=True):
        writer.commit(
            marker_batch("felt", 7 * S, next_sample=next_sample, times=observed()), seen_boot_ns=8 * S
        )
    rows = markers_in(tmp_path / "a.db")
    assert [(row[0], row[1], *row[3:]) for row in rows] == [(k, "felt", 7 * S, "button") for k in ids]
    assert [row[2] for row in rows] == [pytest.approx(800, abs=1), 0]


def test_a_marker_outlives_a_pulled_plug(tmp_path):
    """A process that is killed right after the commit leaves the marker in the file."""
    path = tmp_path / "a.db"
    killed = subprocess.run([sys.executable, "-c", PULLED, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert markers_in(path) == [(1, "felt", 0, 123, "button")]


def test_a_file_of_version_2_gets_the_table(tmp_path):
    """A file from before there were markers is migrated when it is opened for writing, and keeps its rows."""
    path = tmp_path / "a.db"
    db = open_database(path)
    with immediate(db):
        add_recording(db, ORIGIN, 0)
        db.execute("DROP TABLE markers")
        db.execute("DELETE FROM _sqlite_migrations WHERE name = 'v3_markers'")
        db.execute("PRAGMA user_version = 2")
    db.conn.close()
    open_database(path).conn.close()
    assert markers_in(path) == []
    with sqlite3.connect(path) as again:
        assert again.execute("PRAGMA user_version").fetchone() == (3,)
        assert again.execute("SELECT count(*) FROM recordings").fetchone() == (1,)


@pytest.mark.parametrize("row", [("dreamt", "button"), ("felt", "cat")])
def test_unknown_markers_are_refused(tmp_path, row):
    """Only the known kinds and sources can be stored."""
    db = open_database(tmp_path / "a.db")
    with immediate(db):
        add_recording(db, ORIGIN, 0)
    with pytest.raises(sqlite3.IntegrityError):
        db.execute(
            "INSERT INTO markers (recording_id, kind, sample, boot_ns, source) VALUES (1, ?, 0, 0, ?)", row
        )
