"""`bedtick sensitivity`: large jerks are found and tiny ones are not, and the night stays as it was."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

NOISE_MG = 4.0


@pytest.fixture
def still(bedtick, recording_file, tmp_path):
    """Return a function that imports some minutes of an ADXL345 at rest, jerks in the middle of them."""

    def make(minutes, jerk_every_s=None):
        count = round(minutes * 6000)
        acc_g = np.random.default_rng(7).normal((0, 0, 1), NOISE_MG / 1000, (count, 3))
        if jerk_every_s:
            since_s = np.arange(count) / 100.0 % jerk_every_s
            acc_g[:, 2] += 0.08 * np.exp(-since_s / 0.15) * np.sin(2 * np.pi * 7.0 * since_s)
        path = tmp_path / "still.db"
        file = recording_file(acc_g, "still.npz")
        assert bedtick("import", file, "--as", "adxl345", "--db", path).exit_code == 0
        return path

    return make


@pytest.fixture
def change():
    """Return a function that changes a database by hand."""

    def run(path, sql):
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(sql)

    return run


def test_large_jerks_are_found_and_tiny_ones_are_not(bedtick, still):
    """On a still recording the share rises from about none to about all, around what the floor promises."""
    value = json.loads(bedtick("sensitivity", "--db", still(12), "--json").stdout)
    sizes = value["sizes"]
    assert value["measured"]
    assert min(size["injected"] for size in sizes) >= 38
    assert max(size["injected"] for size in sizes) - min(size["injected"] for size in sizes) <= 12
    assert sizes[0]["share"] <= 0.05
    assert [size["share"] for size in sizes[-3:]] == pytest.approx([1.0] * 3, abs=0.03)
    assert all(size["low"] <= size["share"] <= size["high"] for size in sizes)
    assert sizes[0]["peak_mg"] < value["half_mg"] < value["nine_in_ten_mg"] < sizes[-1]["peak_mg"]
    assert value["nine_in_ten_mg"] == pytest.approx(value["weakest_mg"], rel=0.35)
    assert value["false_per_hour"] <= 2.0
    assert 600 < value["quiet_s"] <= value["valid_s"] <= 720
    assert (value["live_events"], value["bed"], value["dithered"]) == (0, "any", True)


def test_every_key_of_the_json_is_explained(bedtick, still):
    """Each key, those of a size included, stands in `docs/json.md`."""
    value = json.loads(bedtick("sensitivity", "--db", still(7), "--json").stdout)
    page = (Path(__file__).parents[2] / "docs" / "json.md").read_text()
    assert {key for key in {*value, *value["sizes"][0]} if f"`{key}`" not in page} == set()


def test_the_night_stays_as_it_was(bedtick, contents, still):
    """Not a row of the database changes, nor a byte of the file."""
    db = still(7)
    before, rows = db.read_bytes(), contents(db)
    assert bedtick("sensitivity", "--db", db).exit_code == 0
    assert db.read_bytes() == before
    assert contents(db) == rows


def test_same_seed_gives_the_same(bedtick, still):
    """The seed decides the jerks: the same gives the same answer, another gives another."""
    db = still(7)
    answers = [bedtick("sensitivity", "--db", db, "--json", "--seed", seed).stdout for seed in (1, 1, 2)]
    assert answers[0] == answers[1]
    assert json.loads(answers[0])["sizes"] != json.loads(answers[2])["sizes"]


def test_screen_fits_a_terminal(bedtick, still):
    """The screen has a line a size and says where half and nine in ten are found, in 80 columns."""
    result = bedtick("sensitivity", "--db", still(7))
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "Night r1, a recording without a clock: what it could have found"
    assert "Half of the jerks are found from " in result.stdout
    assert "False events: " in result.stdout
    assert "The stored night is as it was." in lines


@pytest.mark.parametrize(("minutes", "jerk_every_s"), [(4, None), (8, 6.0)])
def test_too_little_quiet_is_not_measured(bedtick, still, minutes, jerk_every_s):
    """With under 5 minutes that were quiet, short or full of jerks, it says that nothing was measured."""
    db = still(minutes, jerk_every_s)
    result = bedtick("sensitivity", "--db", db)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[2] == "NOT MEASURED"
    value = json.loads(bedtick("sensitivity", "--db", db, "--json").stdout)
    assert (value["measured"], value["sizes"], value["half_mg"], value["false_per_hour"]) == (
        False,
        [],
        None,
        None,
    )


def test_no_raw_samples_is_refused(refused, still, change):
    """Without a raw sample there is nothing to add jerks to: one line, exit code 1."""
    db = still(7)
    change(db, "UPDATE raw_chunks SET data = NULL")
    assert "no raw samples of this night can be read" in refused("sensitivity", "--db", db)


def test_tapped_bed_is_used(bedtick, still, change):
    """Where the sensor has been tapped, the jerks are those of that bed."""
    db = still(7)
    change(db, "INSERT INTO calibrations VALUES (1, 1, NULL, 'bedtick', 5, 0.3, 5.0, 0.1)")
    value = json.loads(bedtick("sensitivity", "--db", db, "--json").stdout)
    assert value["bed"] == "tapped"
    assert "on this bed, as `bedtick tap` knows it" in " ".join(
        bedtick("sensitivity", "--db", db).stdout.split()
    )


def test_file_of_version_1_is_measured(bedtick, still, change):
    """A file that has no calibrations yet is measured all the same."""
    db = still(7)
    change(db, "DROP TABLE calibrations")
    change(db, "PRAGMA user_version = 1")
    assert json.loads(bedtick("sensitivity", "--db", db, "--json").stdout)["measured"]
