"""What a pulled plug left open is completed at the next start as the detector would have done it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from bedtick.logger.daemon import Control, record
from bedtick.logger.emulated import emulated_rig, recording_world
from bedtick.logger.importer import import_recording
from bedtick.logger.rig import site_of
from bedtick.logger.settings import DetectorSettings, Settings, StoreSettings
from bedtick.logger.store.codec import pack
from bedtick.logger.store.database import open_database
from bedtick.logger.store.recovery import close_unplugged
from bedtick.logger.store.writer import settings_from, settings_text

SETTINGS = Settings(store=StoreSettings(chunk_s=5.0))  # so short that a damaged chunk touches one jerk
BOUTS = "SELECT id, onset_sample, end_sample, event_count, median_interval_s FROM bouts ORDER BY id"
JOINED = "SELECT id, bout_id FROM events ORDER BY id"
FINALS = "SELECT onset_sample, kind, tilt_deg, complete FROM events ORDER BY id"
TILTED_S = 20.0  # when the sensor of the tests is tilted for good
GAP_S = (40.0, 40.6)  # when its samples are missing, where they are
JERKS_S = (3.5, 12.0, TILTED_S, 28.0, 42.0, 50.0, 57.5)  # of the first the 4 s before are not there


def rows(path, sql):
    """All rows of a query."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def change(path, *statements):
    """Change a database behind bedtick's back."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for sql, *values in statements:
            connection.execute(sql, values)


def pull_plug(path, *, where="1"):
    """Leave a finished recording as a plug would: not ended, its events `where` neither final nor joined."""
    movement = "CASE kind WHEN 'turn' THEN 'movement' ELSE kind END"
    still_open = f"complete = 0, tilt_deg = NULL, bout_id = NULL, kind = {movement}"
    change(
        path,
        ("UPDATE recordings SET ended = NULL, end_sample = NULL",),
        (f"UPDATE events SET {still_open} WHERE {where}",),  # noqa: S608  our own words
    )


def recover(path):
    """Do what a daemon does first; give the ids of what it closed."""
    db = open_database(path)
    try:
        return close_unplugged(db)
    finally:
        db.conn.close()


@pytest.fixture
def tilted(recording_of, made):
    """Return a function that makes a minute with seven jerks and a tilt of 2 degrees; whole or with a gap."""

    def make(rate_hz=100.0, *, has_gap=False):
        counts = made.chip_noise(60, rate_hz, seed=11)
        for onset_s in JERKS_S:
            made.add_jerk(counts, rate_hz, onset_s, 120.0)
        made.add_tilt(counts, rate_hz, TILTED_S, 2.0)
        t_s = np.arange(len(counts)) / rate_hz
        keep = (t_s < GAP_S[0]) | (t_s >= GAP_S[1]) if has_gap else np.ones(len(t_s), bool)
        return recording_of(np.rint(counts[keep]) / 256, t_s=t_s[keep])

    return make


@pytest.fixture
def recorded(tilted, tmp_path):
    """Record the whole minute, in raw chunks of about 5 s; return its database."""
    path = tmp_path / "bed.db"
    assert record(site_of(emulated(tilted())), SETTINGS, path, Control()) == [1]
    return path


def emulated(recording):
    """Return an emulated chip that feels a recording."""
    world = recording_world(recording, "emulated")
    return emulated_rig(world, SETTINGS.sensor, at_real_speed=False)


@pytest.mark.parametrize("has_gap", [False, True], ids=["whole", "with a gap"])
@pytest.mark.parametrize("rate_hz", [64.0, 197.24, 400.0])
def test_recovered_tilt_is_the_detector_s_own(tilted, tmp_path, rate_hz, has_gap):
    """At any rate, tilts and kinds completed late are those found in time, the unknown ones included."""
    path = tmp_path / "bed.db"
    import_recording(tilted(rate_hz, has_gap=has_gap), SETTINGS, path, chip="adxl345")
    found = rows(path, FINALS)
    assert len(found) >= 6
    assert found[0][2] is None
    assert ("turn", pytest.approx(2.0, abs=0.2)) in [row[1:3] for row in found]
    assert sum(row[2] is None for row in found) == (3 if has_gap else 2)
    pull_plug(path)
    assert recover(path) == [1]
    late = rows(path, FINALS)
    assert [(onset, kind, done) for onset, kind, _, done in late] == [
        (onset, kind, 1) for onset, kind, _, _ in found
    ]
    for (_, _, tilt, _), (_, _, own, _) in zip(late, found, strict=True):
        assert tilt is None if own is None else tilt == pytest.approx(own, abs=1e-6)


def still(count):
    """Return packed samples of a sensor that feels nothing."""
    return pack(np.zeros((count, 3), np.int32))


@pytest.mark.parametrize(
    "damaged",
    [
        pytest.param(lambda _count: b"", id="empty"),
        pytest.param(lambda _count: bytes(40), id="no deflate"),
        pytest.param(lambda count: b"\x07" + still(count)[1:], id="unknown packing"),
        pytest.param(lambda count: still(count - 1), id="a sample short"),
        pytest.param(lambda count: still(count)[:-6], id="cut off"),
        pytest.param(lambda _count: None, id="thinned out"),
    ],
)
def test_a_damaged_chunk_is_a_missing_one(recorded, damaged):
    """Raw samples that can not be read leave the tilts next to them unknown, and every other one known."""
    tilts = "SELECT tilt_deg FROM events WHERE complete = 1 ORDER BY id"
    own = [tilt for (tilt,) in rows(recorded, tilts)]
    end = rows(recorded, "SELECT end_sample FROM recordings")
    pull_plug(recorded)
    # Around 31 s: within 4 s of the end of the jerk at 28 s, and of no other.
    chunk = "first_sample <= 3100 AND first_sample + sample_count > 3100"
    ((count,),) = rows(recorded, f"SELECT sample_count FROM raw_chunks WHERE {chunk}")  # noqa: S608  as above
    change(recorded, (f"UPDATE raw_chunks SET data = ? WHERE {chunk}", damaged(count)))  # noqa: S608  as above
    assert recover(recorded) == [1]
    assert rows(recorded, "SELECT ended FROM recordings") == [("unplugged",)]
    assert rows(recorded, "SELECT end_sample FROM recordings") == end
    late = [tilt for (tilt,) in rows(recorded, tilts)]
    assert own[3] is not None
    own[3] = None
    assert late == [None if tilt is None else pytest.approx(tilt, abs=1e-6) for tilt in own]


@pytest.mark.parametrize("known", [5, 7], ids=["up to the fifth", "after the seventh"])
def test_bouts_keep_their_ids(recording_of, made, tmp_path, known):
    """Last events join the bout that is there, and no bout is made anew; all are as found in time."""
    counts = made.chip_noise(110, 100.0, seed=12)
    onsets_s = [*np.arange(5.0, 27.0, 3.0), *np.arange(75.0, 98.0, 3.0)]
    for onset_s in onsets_s:
        made.add_jerk(counts, 100.0, onset_s, 120.0)
    path = tmp_path / "bed.db"
    import_recording(recording_of(np.rint(counts) / 256, fs_hz=100.0), SETTINGS, path)
    change(
        path,
        ("UPDATE bouts SET id = id * 10",),
        ("UPDATE events SET bout_id = bout_id * 10",),
    )
    bouts, joined = rows(path, BOUTS), rows(path, JOINED)
    assert [bout[3] for bout in bouts] == [8, 8]
    assert [bout[0] for bout in bouts] == [10, 20]
    pull_plug(path, where=f"id > {8 + known}")
    change(path, ("UPDATE bouts SET event_count = ?, end_sample = onset_sample + 1 WHERE id = 20", known))
    assert recover(path) == [1]
    assert rows(path, BOUTS) == bouts
    assert rows(path, JOINED) == joined


def other_version(text, *, added=(), without=()):
    """Return stored settings as another version might have written them."""
    values = {key: value for key, value in json.loads(text).items() if key not in without}
    return json.dumps(values | dict(added), sort_keys=True)


def test_settings_of_another_version_are_read():
    """Keys that this version does not know are left out, those it misses take the default, the rest holds."""
    ours = DetectorSettings(turn_deg=5.0, bout_min_events=9)
    text = other_version(settings_text(ours), added=[("heart_hz", 1.1)], without=["bout_min_events"])
    assert settings_from(settings_text(ours)) == ours
    assert settings_from(text) == DetectorSettings(turn_deg=5.0)


@pytest.mark.parametrize(
    ("other", "tilted_kind"),
    [
        pytest.param({"added": [("heart_hz", 1.1)]}, "turn", id="unknown key"),
        pytest.param({"without": ["turn_deg"]}, "turn", id="missing key"),
        pytest.param({"added": [("heart_hz", 1.1), ("turn_deg", 5.0)]}, "movement", id="and others hold"),
    ],
)
def test_a_night_of_another_version_is_closed(recorded, tilted, other, tilted_kind):
    """A night that another version left open is closed at the next start, by its own settings."""
    ((text,),) = rows(recorded, "SELECT settings FROM scorings")
    change(recorded, ("UPDATE scorings SET settings = ?", other_version(text, **other)))
    pull_plug(recorded)
    assert record(site_of(emulated(tilted())), SETTINGS, recorded, Control(lambda: True)) == [2]
    assert rows(recorded, "SELECT ended FROM recordings") == [("unplugged",), ("stopped",)]
    near_tilt = "SELECT kind, complete FROM events WHERE onset_sample BETWEEN 1900 AND 2100"
    assert rows(recorded, near_tilt) == [(tilted_kind, 1)]
