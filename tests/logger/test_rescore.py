"""A recording has one scoring for each settings; scoring again writes beside the old one, or nothing."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from bedtick.firmware.errors import SettingsError, StoreError
from bedtick.logger import importer
from bedtick.logger.rescore import changed_settings, rescore
from bedtick.logger.settings import DetectorSettings, Settings

LOOSE = {"high_ratio": 2.5}
STRICT = {"high_ratio": 20, "long_ratio": 20}


@pytest.fixture
def path(recording_of, made, tmp_path, monkeypatch):
    """Make a database with an imported recording: two minutes with ten jerks, from weak to strong."""
    monkeypatch.setattr(importer, "BLOCK_SAMPLES", 500)  # chunks of 5 s, as the daemon's
    counts = made.chip_noise(120, 100.0, seed=4)
    for k in range(10):
        made.add_jerk(counts, 100.0, 12.0 + 10 * k, 6.0 * 1.4**k)
    importer.import_recording(
        recording_of(np.rint(counts) / 256, fs_hz=100.0, scale_g=1 / 256), Settings(), tmp_path / "bed.db"
    )
    return tmp_path / "bed.db"


def rows(path, sql):
    """All rows of a query."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def change(path, sql):
    """Change a database by hand."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(sql)


def everything(path):
    """Return the whole content of a database, as SQL."""
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def again(path, changes=STRICT, progress=lambda _samples: None):
    """Score recording 1 again with some settings changed."""
    (outcome,) = rescore(path, [1], lambda own: changed_settings(own, changes, "--set"), progress)
    return outcome


def test_other_settings_make_a_scoring_of_their_own(path):
    """The new scoring stands beside the old one, which stays live, and names its settings."""
    before = rows(path, "SELECT * FROM events"), rows(path, "SELECT * FROM raw_chunks")
    outcome = again(path)
    assert (outcome.scoring_id, outcome.is_new, outcome.unreadable_samples) == (2, True, 0)
    assert rows(path, "SELECT id, live FROM scorings") == [(1, 1), (2, 0)]
    (text,) = rows(path, "SELECT settings FROM scorings WHERE id = 2")[0]
    assert json.loads(text)["high_ratio"] == 20.0
    old = rows(path, "SELECT * FROM events WHERE scoring_id = 1"), rows(path, "SELECT * FROM raw_chunks")
    assert old == before
    (first, second) = rows(path, "SELECT count(*) FROM events GROUP BY scoring_id ORDER BY scoring_id")
    assert 0 < second[0] < first[0]


@pytest.mark.parametrize("changes", [{}, STRICT])
def test_settings_that_are_there_change_nothing(path, changes):
    """With the live scoring's settings, or those of a scoring made before, not a row changes."""
    if changes:
        again(path, changes)
    before = everything(path)
    outcome = again(path, changes)
    assert (outcome.scoring_id, outcome.is_new) == (2 if changes else 1, False)
    assert everything(path) == before


def test_another_version_scores_anew(path):
    """The same settings by an older version are another scoring."""
    change(path, "UPDATE scorings SET software = 'bedtick 0.0.1'")
    assert again(path, {}).scoring_id == 2
    assert rows(path, "SELECT onset_sample, kind, peak_mg FROM events WHERE scoring_id = 1") == rows(
        path, "SELECT onset_sample, kind, peak_mg FROM events WHERE scoring_id = 2"
    )


def test_a_scoring_that_its_recording_outgrew_is_made_anew(path):
    """What was scored while it was recorded is scored whole the next time, under the same id."""
    change(path, "UPDATE recordings SET end_sample = NULL, ended = NULL")
    change(path, "CREATE TABLE later AS SELECT * FROM raw_chunks WHERE first_sample >= 6400")
    change(path, "DELETE FROM raw_chunks WHERE first_sample >= 6400")
    partial = again(path, LOOSE)
    some = rows(path, "SELECT onset_sample FROM events WHERE scoring_id = 2 ORDER BY 1")
    change(path, "INSERT INTO raw_chunks SELECT * FROM later")
    change(path, "UPDATE recordings SET end_sample = 12000, ended = 'stopped'")
    whole = again(path, LOOSE)
    all_of_them = rows(path, "SELECT onset_sample FROM events WHERE scoring_id = 2 ORDER BY 1")
    assert (partial.scoring_id, partial.job.end_sample, partial.job.is_open) == (2, 6400, True)
    assert (whole.scoring_id, whole.job.end_sample, whole.is_new) == (2, 12000, True)
    assert all_of_them[: len(some)] == some
    assert len(set(all_of_them)) == len(all_of_them) > len(some) > 1
    assert rows(path, "SELECT id, live FROM scorings") == [(1, 1), (2, 0)]
    assert rows(path, "SELECT sum(valid_s + settling_s) FROM minutes WHERE scoring_id = 2") == [(120.0,)]
    assert not again(path, LOOSE).is_new


def test_what_was_found_in_pruned_samples_stays(path):
    """Where samples of an outgrown scoring were pruned since, the new one gets an id of its own."""
    change(path, "UPDATE recordings SET end_sample = NULL, ended = NULL")
    change(path, "CREATE TABLE later AS SELECT * FROM raw_chunks WHERE first_sample >= 6400")
    change(path, "DELETE FROM raw_chunks WHERE first_sample >= 6400")
    again(path, LOOSE)
    change(path, "INSERT INTO raw_chunks SELECT * FROM later")
    change(path, "UPDATE recordings SET end_sample = 12000, ended = 'stopped'")
    change(path, "UPDATE raw_chunks SET data = NULL WHERE first_sample < 6400")
    before = rows(path, "SELECT * FROM events WHERE scoring_id = 2")
    assert len(before) > 1
    assert again(path, LOOSE).scoring_id == 3
    assert rows(path, "SELECT * FROM events WHERE scoring_id = 2") == before
    assert not again(path, LOOSE).is_new


def test_an_open_recording_is_scored_as_far_as_it_is_stored(path):
    """A recording without an end is said to be open, and ends with its last stored sample."""
    change(path, "UPDATE recordings SET end_sample = NULL, ended = NULL")
    outcome = again(path)
    assert (outcome.job.is_open, outcome.job.end_sample, outcome.is_new) == (True, 12000, True)


def test_writing_waits_for_detection(path):
    """While it detects nobody is kept from writing: it is the end that takes the lock."""
    told = []

    def write(samples):
        change(path, "UPDATE recordings SET rate_hz = 99.5")
        told.append(samples)

    assert again(path, progress=write).is_new
    assert told[-1] == 12000


def test_nothing_is_written_where_nothing_can_be_read(path):
    """Without a single raw sample it refuses, and leaves everything as it is."""
    change(path, "UPDATE raw_chunks SET data = NULL")
    before = everything(path)
    with pytest.raises(StoreError, match="no raw samples can be read of recording 1"):
        again(path)
    assert everything(path) == before


def test_ring_down_of_0_is_what_was_tapped(path):
    """A ring-down of 0 becomes the newest that was tapped with the sensor, else 0.2 s."""
    assert again(path, {"ring_down_s": 0}).job.settings.ring_down_s == 0.2
    change(path, "INSERT INTO calibrations VALUES (1, 1, NULL, 'bedtick', 5, 0.31, 6.0, 0.1)")
    assert again(path, {"ring_down_s": 0}).job.settings.ring_down_s == 0.31


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"high_ratio": 99}, r"settings --set: detector.high_ratio = 99 is outside"),
        ({"detector.low_ratio": "x"}, r"detector.low_ratio = 'x' is not a number"),
        ({"no_such": 1}, r"unknown key detector.no_such; there are band_low_hz"),
        ({"sensor.rate_hz": 100}, r"sensor.rate_hz can not change: the samples are taken"),
    ],
)
def test_bad_changes_are_named(changes, said):
    """A key or value that the detector may not have is refused by name."""
    with pytest.raises(SettingsError, match=said):
        changed_settings(DetectorSettings(), changes, "--set")


def test_changes_leave_the_rest():
    """A change keeps all other settings, also those that are not the defaults."""
    base = DetectorSettings(low_ratio=1.2, floor_window_s=60)
    changed = changed_settings(base, {"detector.high_ratio": 4, "floor_window_s": 50}, "--set")
    assert changed == DetectorSettings(low_ratio=1.2, floor_window_s=50, high_ratio=4.0)
    assert isinstance(changed.high_ratio, float)
