"""A replay is stored once for each settings, and neither it nor a daemon is in the other's way."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import numpy as np
import pytest

from bedtick.analysis.database import reading
from bedtick.analysis.nights import load_nights
from bedtick.firmware.emulator.chips import adxl345_output
from bedtick.logger.daemon import Control, record
from bedtick.logger.emulated import emulated_rig, recording_world
from bedtick.logger.replay import replay_recording
from bedtick.logger.rig import site_of
from bedtick.logger.settings import DetectorSettings, Settings
from bedtick.logger.store.database import open_database, recording_lock
from bedtick.logger.store.recovery import close_unplugged

FIRST = Settings()
SECOND = Settings(detector=DetectorSettings(high_ratio=6.0, long_ratio=6.0))
NIGHTS = "SELECT source, ended FROM recordings ORDER BY id"


@pytest.fixture
def jerky(recording_of, made):
    """Half a minute with two jerks."""
    counts = made.chip_noise(30, 100.0, seed=6)
    for onset_s in (8.0, 20.0):
        made.add_jerk(counts, 100.0, onset_s, 120.0)
    return recording_of(np.rint(counts) / 256, fs_hz=100.0)


@pytest.fixture
def replay(jerky, tmp_path):
    """Return a function that replays it, with a `stop` that may look around."""

    def run(settings=FIRST, stop=lambda: False):
        return replay_recording(jerky, settings, tmp_path / "bed.db", chip="adxl345", control=Control(stop))

    return run


def rows(path, sql):
    """All rows of a query."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def once(action):
    """Return a stop that never stops, but does something the 200th time it is asked: in mid-replay."""
    asked = []

    def stop():
        asked.append(1)
        if len(asked) == 200:
            action()
        return False

    return stop


def test_each_settings_are_replayed_once(replay, tmp_path):
    """Replayed with settings A, B, B and A again, there are two recordings, and the last two were there."""
    done = [replay(settings) for settings in (FIRST, SECOND, SECOND, FIRST)]
    assert [(replayed.recording_id, replayed.is_new) for replayed in done] == [
        (1, True), (2, True), (2, False), (1, False),
    ]  # fmt: skip
    assert all(replayed.is_whole for replayed in done)
    path = tmp_path / "bed.db"
    assert rows(path, NIGHTS) == [("replay", "stopped")] * 2
    scorings = rows(path, "SELECT recording_id, live, settings FROM scorings ORDER BY id")
    assert [scoring[:2] for scoring in scorings] == [(1, 1), (2, 1)]
    assert scorings[0][2] != scorings[1][2]
    digests = rows(path, "SELECT DISTINCT source_digest FROM recordings")
    assert len(digests) == 1


def test_a_replay_that_breaks_off_at_once_is_no_night(replay, monkeypatch, tmp_path):
    """What failed before its first sample is not listed as a night; the next try is one."""
    with monkeypatch.context() as patched:
        patched.setattr(adxl345_output.Output, "encode", _fail)
        with pytest.raises(RuntimeError, match="made to fail"):
            replay()
    assert rows(tmp_path / "bed.db", "SELECT count(*) FROM recordings") == [(1,)]
    with reading(tmp_path / "bed.db") as connection:
        assert load_nights(connection) == []
    assert replay().is_whole
    with reading(tmp_path / "bed.db") as connection:
        assert [night.name for night in load_nights(connection)] == ["r2"]


def _fail(*_):
    raise RuntimeError("made to fail")


def test_daemon_starts_while_a_replay_runs(replay, jerky, tmp_path):
    """A daemon records a whole night in mid-replay; the open replay is left alone; both become complete."""
    path = tmp_path / "bed.db"
    seen = []

    def start_daemon():
        world = recording_world(jerky, "emulated")
        rig = emulated_rig(world, FIRST.sensor, at_real_speed=False)
        seen.extend(record(site_of(rig), FIRST, path, Control()))
        seen.extend(rows(path, NIGHTS))

    replayed = replay(stop=once(start_daemon))
    assert seen == [2, ("replay", None), ("emulated", "stopped")]
    assert (replayed.recording_id, replayed.is_new, replayed.is_whole) == (1, True, True)
    assert rows(path, NIGHTS) == [("replay", "stopped"), ("emulated", "stopped")]
    events = "SELECT onset_sample, kind, tilt_deg FROM events e JOIN scorings s ON s.id = e.scoring_id"
    one, other = (rows(path, f"{events} WHERE recording_id = {number}") for number in (1, 2))
    assert one == other
    assert len(one) == 2


def test_replay_runs_while_a_daemon_holds_the_lock(replay, tmp_path):
    """A replay into the database of a running daemon is done, and the daemon's night stays open."""
    path = tmp_path / "bed.db"
    replay()
    with recording_lock(path) as is_free:
        assert is_free
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE recordings SET source = 'chip', ended = NULL WHERE id = 1")
        assert replay(SECOND).is_whole
        assert rows(path, NIGHTS) == [("chip", None), ("replay", "stopped")]


def test_closing_what_the_plug_ended_passes_over_replays(replay, tmp_path):
    """Of an open replay and an open night, only the night is closed; the replay keeps what is open in it."""
    path = tmp_path / "bed.db"
    replay()
    replay(SECOND)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE recordings SET ended = NULL, end_sample = NULL")
        connection.execute("UPDATE recordings SET source = 'chip' WHERE id = 2")
        connection.execute("UPDATE events SET complete = 0")
    db = open_database(path)
    with closing(db.conn):
        assert close_unplugged(db) == [2]
    assert rows(path, NIGHTS) == [("replay", None), ("chip", "unplugged")]
    complete = "SELECT recording_id, min(complete), max(complete) FROM events e JOIN scorings s"
    assert rows(path, f"{complete} ON s.id = e.scoring_id GROUP BY 1") == [(1, 0, 0), (2, 1, 1)]
