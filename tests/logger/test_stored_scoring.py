"""Stored samples give the events that were found while they came, to the sample, however they came."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import numpy as np
import pytest

from bedtick.logger.daemon import Control, record
from bedtick.logger.emulated import emulated_rig, mattress_world, recording_world
from bedtick.logger.importer import import_recording
from bedtick.logger.recorder import Recorder
from bedtick.logger.replay import replay_recording
from bedtick.logger.rig import site_of
from bedtick.logger.settings import Settings
from bedtick.logger.store.batch import WallTime
from bedtick.logger.store.database import open_database
from bedtick.logger.store.raw import read_raw, stored_end
from bedtick.logger.store.writer import Origin, RecordingWriter, add_recording, add_scoring, settings_from
from bedtick.logger.stored_scoring import score_stored

SETTINGS = Settings()
EVENTS = """
    SELECT e.onset_sample, e.end_sample, e.kind, e.peak_mg, e.rms_mg, e.dominant_hz, e.snr, e.tilt_deg,
        e.complete, e.sub_bursts, e.direction_ratio, e.train_hz, b.onset_sample
    FROM events e LEFT JOIN bouts b ON b.id = e.bout_id WHERE e.scoring_id = ? ORDER BY e.onset_sample
"""
MINUTES = """
    SELECT minute, activity_mg, floor_mg, weakest_mg, valid_s, gap_s, saturated_s, settling_s, hum_s, floor_s
    FROM minutes WHERE scoring_id = ? ORDER BY minute
"""
BOUTS = """
    SELECT onset_sample, end_sample, event_count, median_interval_s FROM bouts
    WHERE scoring_id = ? ORDER BY onset_sample
"""


@pytest.fixture
def holed(recording_of, made):
    """150 s with ten jerks and a turn; samples are missing amid them, after one, and just before the end."""
    counts = made.chip_noise(150, 100.0, seed=8)
    for k in range(10):
        made.add_jerk(counts, 100.0, 12.3 + 12 * k, 60.0 + 5 * k)
    made.add_sway(counts, 100.0, 131.0, 2.0, 90.0)
    made.add_tilt(counts, 100.0, 131.5, 2.0)
    t_s = np.arange(len(counts)) / 100.0
    keep = np.ones(len(t_s), bool)
    for first, end in ((2010, 2016), (3700, 4400), (6120, 6290), (14700, 14990)):
        keep[first:end] = False
    return recording_of(np.rint(counts)[keep] / 256, t_s=t_s[keep])


def by_import(recording, path):
    """Import as the emulated chip would count."""
    return import_recording(recording, SETTINGS, path, chip="adxl345").recording_id


def by_replay(recording, path):
    """Replay through the emulated chip."""
    return replay_recording(recording, SETTINGS, path, chip="adxl345", control=Control()).recording_id


def by_run(recording, path):
    """Let the daemon record it."""
    rig = emulated_rig(recording_world(recording, "emulated"), SETTINGS.sensor, at_real_speed=False)
    return record(site_of(rig), SETTINGS, path, Control())[0]


def by_mattress(_recording, path):
    """Let the daemon record ten minutes of a synthetic sleeper, from a chip that is too fast."""
    done = [0]
    rig = emulated_rig(mattress_world(3, rate_error=0.02), SETTINGS.sensor, at_real_speed=False)
    control = Control(lambda: done[0] > 600 * 10**9, lambda ns: done.__setitem__(0, ns))
    return record(site_of(rig), SETTINGS, path, control)[0]


def by_hand(recording, path):
    """Record it by hand: the first samples never came, nor did the last, and one loss follows another."""
    origin = Origin("bed", "adxl345", "i2c-1", 83, "chip", None, None, None, 1 / 256, None, 100.0, 0)
    recorder = Recorder(SETTINGS, origin, Ticks(), lambda ns: WallTime(ns, synced=True))
    counts = np.rint(recording.acc_g[:9000] * 256).astype(np.int32)
    batches = [recorder.lose(333, "overrun", ""), recorder.take(counts[:4000]), recorder.lose(40, "bus", "")]
    batches += [
        recorder.lose(1200, "stalled", ""),
        recorder.take(counts[4000:]),
        recorder.lose(777, "silent", ""),
    ]
    batches.append(recorder.finish())
    db = open_database(path)
    with closing(db.conn):
        recording_id = add_recording(db, origin, None)
        writer = RecordingWriter(
            db, recording_id, add_scoring(db, recording_id, SETTINGS.detector, live=True)
        )
        for batch in batches:
            writer.commit(batch, seen_boot_ns=None)
    return recording_id


class Ticks:
    """A sample each hundredth of a second."""

    rate_hz = 100.0

    def time_ns(self, sample_index):
        """Return the boot time of a sample."""
        return sample_index * 10**7


def scored_anew(db, recording_id):
    """Score the stored samples with the live scoring's settings, and write that whatever there is."""
    ((text,),) = db.execute("SELECT settings FROM scorings WHERE recording_id = ?", [recording_id]).fetchall()
    settings = settings_from(text)
    end = stored_end(db.conn, recording_id)
    scoring = score_stored(db.conn, recording_id, settings, end, lambda _samples: None)
    scoring_id = add_scoring(db, recording_id, settings, live=False)
    RecordingWriter(db, recording_id, scoring_id).write_scored(scoring.batch())
    return scoring, scoring_id


@pytest.mark.parametrize("come", [by_import, by_replay, by_run, by_hand, by_mattress])
def test_the_same_settings_find_the_same(holed, tmp_path, come):
    """Events with all they have, bouts and minutes are those of the live scoring, gaps and end included."""
    path = tmp_path / "bed.db"
    recording_id = come(holed, path)
    db = open_database(path)
    with closing(db.conn):
        _, scoring_id = scored_anew(db, recording_id)
        for query in (EVENTS, MINUTES, BOUTS):
            live, again = (db.execute(query, [number]).fetchall() for number in (1, scoring_id))
            assert again == live
        events = db.execute(EVENTS, [scoring_id]).fetchall()
        lost = db.execute("SELECT sum(lost_samples) FROM faults").fetchone()[0]
    assert len(events) >= 5
    assert come is by_mattress or lost > 900


def test_unreadable_chunks_are_missing_samples(holed, tmp_path):
    """A pruned and a damaged chunk are counted, and are gaps for the detector; the indices stay."""
    path = tmp_path / "bed.db"
    recording_id = by_run(holed, path)
    with closing(sqlite3.connect(path)) as connection, connection:
        chunks = connection.execute(
            "SELECT id, first_sample, sample_count FROM raw_chunks ORDER BY 2"
        ).fetchall()
        jerks = connection.execute("SELECT onset_sample FROM events ORDER BY 1").fetchall()
        hit = [next(c for c in chunks if c[1] + c[2] > onset) for (onset,) in (jerks[0], jerks[-2])]
        connection.execute("UPDATE raw_chunks SET data = NULL WHERE id = ?", (hit[0][0],))
        connection.execute("UPDATE raw_chunks SET data = substr(data, 1, 40) WHERE id = ?", (hit[1][0],))
    db = open_database(path)
    with closing(db.conn):
        whole = db.execute(EVENTS, [1]).fetchall()
        scoring, scoring_id = scored_anew(db, recording_id)
        again = db.execute(EVENTS, [scoring_id]).fetchall()
        gap_s = [
            db.execute("SELECT sum(gap_s) FROM minutes WHERE scoring_id = ?", [number]).fetchone()[0]
            for number in (1, scoring_id)
        ]
    assert scoring.unreadable_samples == hit[0][2] + hit[1][2]
    assert scoring.read_samples == sum(chunk[2] for chunk in chunks) - scoring.unreadable_samples
    assert gap_s[1] - gap_s[0] == pytest.approx(scoring.unreadable_samples / 100.0, abs=2.0)
    assert {row[0] for row in again} < {row[0] for row in whole}


def test_raw_samples_come_back_as_they_were(holed, tmp_path):
    """Chunks are handed out in order, with their indices and counts; only those that touch the span."""
    path = tmp_path / "bed.db"
    recording_id = by_import(holed, path)
    counts = np.rint(holed.acc_g * 256)
    with closing(sqlite3.connect(path)) as connection:
        chunks = list(read_raw(connection, recording_id, 0, 10**9))
        some = list(read_raw(connection, recording_id, chunks[1].end_sample - 1, chunks[2].first_sample + 1))
        end = stored_end(connection, recording_id)
    assert np.array_equal(np.vstack([chunk.counts for chunk in chunks]), counts)
    assert [chunk.first_sample for chunk in some] == [chunks[1].first_sample, chunks[2].first_sample]
    assert end == chunks[-1].end_sample == 15000


def test_overlapping_chunk_is_left_out(holed, tmp_path):
    """A chunk that begins inside the one before it is damage: its samples are not handed out twice."""
    path = tmp_path / "bed.db"
    recording_id = by_import(holed, path)
    with closing(sqlite3.connect(path)) as connection:
        before = [chunk.first_sample for chunk in read_raw(connection, recording_id, 0, 10**9)]
        connection.execute(
            "INSERT INTO raw_chunks"
            " (recording_id, first_sample, sample_count, boot_ns, rate_hz, synced, data)"
            " SELECT recording_id, first_sample + 5, sample_count, boot_ns, rate_hz, synced, data"
            " FROM raw_chunks ORDER BY id LIMIT 1"
        )
        assert [chunk.first_sample for chunk in read_raw(connection, recording_id, 0, 10**9)] == before
