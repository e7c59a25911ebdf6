"""`bedtick rescore`: what is said, what is stored, what changed, and what is refused in one line."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bedtick.analysis.cli.rescore import _number

ROOT = Path(__file__).parents[2]
MOVED = "UPDATE events SET (onset_sample, end_sample) = (onset_sample + 250, end_sample + 250) WHERE id = 3"
STRICT = ("--set", "high_ratio=20", "--set", "detector.long_ratio=20")


@pytest.fixture
def db(bedtick, restless, tmp_path):
    """Import a minute with twelve jerks."""
    path = tmp_path / "bed.db"
    assert bedtick("import", restless, "--db", path).exit_code == 0
    return path


@pytest.fixture
def change():
    """Return a function that changes a database by hand."""

    def run(path, sql):
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(sql)

    return run


def keys_of(value):
    """All keys of a JSON value, at any depth, but for those of settings."""
    if isinstance(value, list):
        return {key for item in value for key in keys_of(item)}
    if not isinstance(value, dict):
        return set()
    return set(value) | {key for name, item in value.items() if name != "settings" for key in keys_of(item)}


def test_every_key_of_the_json_is_explained(bedtick, change, db):
    """Each key, at any depth, stands in `docs/json.md`."""
    change(
        db, "UPDATE events SET onset_sample = onset_sample + 250, end_sample = end_sample + 250 WHERE id = 3"
    )
    asked = ("--set", "ring_down_s=0.02", "--set", "movement_s=0.1", "--compare", "--json")
    result = bedtick("rescore", "--db", db, *asked)
    value = json.loads(result.stdout)
    assert list(value) == ["night", "recordings", "compare"]
    page = (ROOT / "docs" / "json.md").read_text()
    assert {key for key in keys_of(value) if f"`{key}`" not in page} == set()


def test_new_scoring_is_told_and_can_be_seen(bedtick, rows, db):
    """The answer names the new scoring and how to see it, and that command shows it."""
    result = bedtick("rescore", "--db", db, *STRICT)
    assert result.exit_code == 0, result.output
    first, second = result.stdout.splitlines()
    assert re.fullmatch(
        r"Recording 1: scored again as scoring 2, \d+ events where scoring 1 has \d+\.", first
    )
    assert second == f"See it: bedtick summary r1 --scoring 2 --db {db}"
    assert bedtick(*second.split()[3:]).exit_code == 0
    assert rows(db, "SELECT id, live FROM scorings") == [(1, 1), (2, 0)]


def test_default_database_needs_no_name(bedtick, db, monkeypatch):
    """Where the database is the one that every command takes, the hint leaves `--db` away."""
    monkeypatch.setenv("BEDTICK_DB", str(db))
    assert bedtick("rescore", *STRICT).stdout.endswith("summary r1 --scoring 2\n")


def test_same_settings_change_nothing(bedtick, contents, db):
    """Without other settings there is nothing to do; it says so, exit code 0, and not a row changes."""
    before = contents(db)
    result = bedtick("rescore", "--db", db)
    said = "Recording 1: scoring 1 has these settings and this version; nothing changed.\n"
    assert (result.exit_code, result.stdout) == (0, said)
    assert contents(db) == before


def test_comparison_counts_and_lists(bedtick, change, db):
    """`--compare` counts what is in both and in one alone, and shows each difference with its peak."""
    change(
        db, "UPDATE events SET onset_sample = onset_sample + 250, end_sample = end_sample + 250 WHERE id = 3"
    )
    asked = ("rescore", "--db", db, "--set", "ring_down_s=0.02", "--set", "movement_s=0.1", "--compare")
    lines = bedtick(*asked).stdout.splitlines()
    compare = json.loads(bedtick(*asked, "--json").stdout)["compare"]
    others = len(compare["other_kind"])
    assert (compare["matched"], others > 5) == (11, True)
    assert (len(compare["only_old"]), len(compare["only_new"]), compare["left_out"]) == (1, 1, 0)
    assert lines[2:5] == [
        f"in both           11   {others} of them of another kind",
        "only in old        1",
        "only in new        1",
    ]
    table = [line for line in lines if line.startswith("+0:0")]
    assert sorted(line[10:23].strip() for line in table) == ["in both"] * others + [
        "only in new",
        "only in old",
    ]
    assert sum("twitch -> movement" in line for line in table) == others
    assert [line[:9] for line in table] == sorted(line[:9] for line in table)
    assert max(map(len, table)) <= 80


def test_comparison_with_a_scoring_that_was_there(bedtick, contents, db):
    """What was scored before is compared again without a change."""
    first = json.loads(bedtick("rescore", "--db", db, *STRICT, "--compare", "--json").stdout)
    before = contents(db)
    second = json.loads(bedtick("rescore", "--db", db, *STRICT, "--compare", "--json").stdout)
    assert [first["recordings"][0]["is_new"], second["recordings"][0]["is_new"]] == [True, False]
    assert first["compare"] == second["compare"]
    assert contents(db) == before


def test_settings_come_from_a_file(bedtick, rows, db, tmp_path, monkeypatch):
    """`--config` takes the place of the night's own settings; the environment's file does not."""
    config = tmp_path / "other.toml"
    config.write_text("[detector]\nlow_ratio = 1.3\nhigh_ratio = 5\n")
    monkeypatch.setenv("BEDTICK_CONFIG", str(config))
    assert bedtick("rescore", "--db", db, "--set", "high_ratio=6").exit_code == 0
    assert bedtick("rescore", "--db", db, "--config", config, "--set", "high_ratio=6").exit_code == 0
    texts = [json.loads(text) for (text,) in rows(db, "SELECT settings FROM scorings ORDER BY id")]
    assert [(text["low_ratio"], text["high_ratio"]) for text in texts[1:]] == [
        (texts[0]["low_ratio"], 6.0),
        (1.3, 6.0),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("high_ratio=99", "detector.high_ratio = 99 is outside"),
        ("high_ratio=nan", "detector.high_ratio = nan is outside"),
        ("low_ratio=much", "detector.low_ratio = 'much' is not a number"),
        ("floor_window_s=20.5", "detector.floor_window_s = 20.5 is not a whole number"),
        ("nothing=1", "unknown key detector.nothing"),
        ("store.chunk_s=2", "store.chunk_s can not change"),
    ],
)
def test_bad_setting_is_one_line(refused, contents, db, text, said):
    """A setting that can not be is refused in one line that names it, and nothing changes."""
    before = contents(db)
    assert said in refused("rescore", "--db", db, "--set", text)
    assert contents(db) == before


@pytest.mark.parametrize("text", ["high_ratio", "=4", "high_ratio="])
def test_setting_without_a_value_is_wrong_usage(bedtick, db, text):
    """What is not KEY=VALUE is wrong usage."""
    result = bedtick("rescore", "--db", db, "--set", text)
    assert result.exit_code == 2
    assert "write KEY=VALUE" in result.stderr


def test_night_without_raw_samples_is_refused(refused, change, contents, db):
    """Where no raw sample is left it says so in one line, and nothing changes."""
    change(db, "UPDATE raw_chunks SET data = NULL")
    before = contents(db)
    assert "no raw samples can be read of recording 1" in refused("rescore", "--db", db, *STRICT)
    assert contents(db) == before


def test_missing_time_is_told(bedtick, change, rows, long_restless, tmp_path):
    """Where some raw samples are gone it says for how long, and goes on without them."""
    db = tmp_path / "long.db"
    assert bedtick("import", long_restless, "--db", db).exit_code == 0
    change(db, "UPDATE raw_chunks SET data = NULL WHERE first_sample = 0")
    ((gone,),) = rows(db, "SELECT sample_count FROM raw_chunks WHERE data IS NULL")
    result = bedtick("rescore", "--db", db, *STRICT)
    said = f"  {round(gone / 100)} s of its samples are pruned or damaged: missing time (gap) in it."
    assert result.stdout.splitlines()[1] == said


def test_running_recording_is_scored_so_far(bedtick, change, db):
    """A recording without an end is scored as far as it is stored, and that is said."""
    change(db, "UPDATE recordings SET ended = NULL, end_sample = NULL")
    result = bedtick("rescore", "--db", db, *STRICT)
    assert result.stdout.splitlines()[1] == (
        "  It has no end yet: this is its first 1 min; do it again for the rest."
    )


def test_daemon_records_on_meanwhile(bedtick, daemon, ended, until, rows, sound, tmp_path):
    """While a daemon records into the same file it is scored so far, and the daemon goes on to a good end."""
    db = tmp_path / "bed.db"
    count = "SELECT count(*) FROM raw_chunks"
    process = daemon("run", "--bus", "emulated", "--speed", "max", "--db", db)
    until(lambda: rows(db, count) > [(20,)], process)
    result = bedtick("rescore", "--db", db, *STRICT)
    assert (result.exit_code, "It has no end yet" in result.stdout) == (0, True), result.output
    (before,) = rows(db, count)
    until(lambda: rows(db, count) > [before], process)
    assert ended(process, signal.SIGTERM)[0] == 0
    sound(db)
    assert rows(db, "SELECT id, live FROM scorings") == [(1, 1), (2, 0)]


@pytest.mark.parametrize("command", ["rescore", "sensitivity"])
def test_no_night_and_no_database(bedtick, refused, change, db, tmp_path, command):
    """An unknown night or file is one line; a database without nights is told kindly."""
    assert "no night 1999-01-01" in refused(command, "1999-01-01", "--db", db)
    assert "does not exist" in refused(command, "--db", tmp_path / "none.db")
    assert not (tmp_path / "none.db").exists()
    for table in ("events", "bouts", "minutes", "scorings", "raw_chunks", "anchors", "faults", "recordings"):
        change(db, f"DELETE FROM {table}")  # noqa: S608  our own names
    result = bedtick(command, "--db", db)
    assert (result.exit_code, result.stdout) == (
        0,
        f"No nights yet in {db}. Start one with `bedtick run`.\n",
    )
    assert bedtick(command, "--db", db, "--json").stdout == "[]\n"


def test_numbers_are_read_as_such():
    """A value is a whole number where it can be, else a number, else left as text."""
    assert [_number(text) for text in ("4", "4.5", "1e1", "x")] == [4, 4.5, 10.0, "x"]
    assert isinstance(_number("4"), int)
