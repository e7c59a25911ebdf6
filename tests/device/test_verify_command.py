"""`bedtick verify`: a sound database is called sound, and each promise that bedtick makes is looked at."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from contextlib import closing

import pytest

RECORDING = """
    CREATE TEMP TABLE twin AS SELECT * FROM recordings;
    UPDATE twin SET id = 99, end_sample = 0;
    INSERT INTO recordings SELECT * FROM twin
"""
MINUTE = """
    CREATE TEMP TABLE twin AS SELECT * FROM minutes;
    UPDATE minutes SET valid_s = 1;
    UPDATE twin SET minute = 1, valid_s = 10, settling_s = 0;
    INSERT INTO minutes SELECT * FROM twin
"""
SPOILT = "CAST(substr(data, 1, 40) || x'00' || substr(data, 42) AS BLOB)"
EVENT = "UPDATE events SET {} WHERE id = 3"
# What is done to the rows, and what `verify` says of it.
BROKEN = {
    "reference": ("DELETE FROM sensors", "references: row 1 of recordings belongs to a row of sensors"),
    "migrations": ("DELETE FROM _sqlite_migrations WHERE id = 1", "migrations have run, but the file says"),
    "rate": ("UPDATE recordings SET nominal_hz = 0", "recording 1: its rate of 0.0 Hz"),
    "half ended": ("UPDATE recordings SET ended = NULL", "recording 1: it ended (None) at sample 6000"),
    "end too soon": ("UPDATE recordings SET end_sample = 5999", "raw samples go on to 6000"),
    "no scoring": (RECORDING, "recording 99: it has 0 live scorings"),
    "two live scorings": (
        "INSERT INTO scorings SELECT 99, recording_id, software, settings, 1 FROM scorings",
        "recording 1: it has 2 live scorings",
    ),
    "settings": ("UPDATE scorings SET settings = '{'", "the settings of scoring 1 can not be read"),
    "event before": (EVENT.format("onset_sample = -1"), "event 3, from sample -1 to"),
    "event behind": (EVENT.format("end_sample = 7000"), "to 7000, does not lie inside it"),
    "event without length": (EVENT.format("end_sample = onset_sample"), "event 3, from sample"),
    "rms over peak": (EVENT.format("rms_mg = 2 * peak_mg"), "event 3 has a size that no event has"),
    "tilt": (EVENT.format("tilt_deg = 200, kind = 'turn'"), "event 3 has a size that no event has"),
    "open event": (EVENT.format("complete = 0"), "event 3 is not complete, though the recording has ended"),
    "no turn": (EVENT.format("tilt_deg = 5.0"), "event 3 is a twitch, though the mattress was tilted by 5.0"),
    "turn": (EVENT.format("kind = 'turn', bout_id = NULL"), "event 3 is a turn, though"),
    "bout lacks one": (EVENT.format("bout_id = NULL"), "bout 1 says 12 events"),
    "bout begins elsewhere": ("UPDATE bouts SET onset_sample = 1", "bout 1 says 12 events from sample 1"),
    "large in a bout": (EVENT.format("kind = 'large'"), "event 3 is in bout 1, where it can not be"),
    "long minute": ("UPDATE minutes SET valid_s = 61", "minute 0 of scoring 1 has"),
    "negative minute": ("UPDATE minutes SET gap_s = -1", "minute 0 of scoring 1 has"),
    "missing minute": ("UPDATE minutes SET minute = 1", "scoring 1 has 1 minutes where the last is number 1"),
    "short minute": ("UPDATE minutes SET valid_s = 5", "cover"),
    "minutes not whole": (MINUTE, "minutes of scoring 1 are not whole"),
    "anchor": ("UPDATE anchors SET sample = 9000", "the anchor at sample 9000 does not lie inside it"),
    "marker": (
        "INSERT INTO markers VALUES (1, 1, 'felt', 9000, 0, 'hand')",
        "the mark at sample 9000 does not lie inside it",
    ),
    "fault": (
        "INSERT INTO faults VALUES (9, 1, 'bus', 5, 0, -3, '')",
        "the fault at sample 5, which cost -3",
    ),
    "empty chunk": ("UPDATE raw_chunks SET sample_count = 0 WHERE id = 2", "has 0 samples"),
    "overlap": (
        "UPDATE raw_chunks SET first_sample = first_sample - 7 WHERE id = 2",
        "before the one before it ends",
    ),
    "hole": ("DELETE FROM raw_chunks WHERE id = 2", "are missing and no fault says why"),
    "first missing": ("DELETE FROM raw_chunks WHERE id = 1", "samples 0 to"),
    "chunk rate": ("UPDATE raw_chunks SET rate_hz = 0 WHERE id = 2", "on can not be at"),
    "chunk time": (
        "UPDATE raw_chunks SET boot_ns = boot_ns + 60000000000 WHERE id = 2",
        "on can not be at",
    ),
    "bad samples": (
        f"UPDATE raw_chunks SET data = {SPOILT} WHERE id = 2",  # noqa: S608  our own words
        "are damaged and can not be read",
    ),
}


@pytest.fixture(scope="module")
def made():
    """Keep the bytes of a database that is made once."""
    return []


@pytest.fixture
def night(bedtick, restless, tmp_path, made):
    """Make a database that holds one imported minute with twelve events in one bout."""
    path = tmp_path / "night.db"
    if not made:
        assert bedtick("import", restless, "--start", "2026-02-03T22:00Z", "--db", path).exit_code == 0
        made.append(path.read_bytes())
    path.write_bytes(made[0])
    return path


@pytest.fixture
def verify(bedtick):
    """Return a function that runs `verify --json`, and gives its findings once it agrees with itself."""

    def run(path):
        result = bedtick("verify", "--json", "--db", path)
        told = json.loads(result.stdout)
        wrong = [finding for finding in told["findings"] if not finding["is_known"]]
        assert told["sound"] == (not wrong)
        assert result.exit_code == bool(wrong), result.output
        return wrong

    return run


def change(path, script):
    """Change a database behind bedtick's back; references are not looked at."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


def test_sound_database(bedtick, night):
    """A sound database is called so, with exit code 0, and no byte of it changes."""
    before = night.read_bytes()
    result = bedtick("verify", "--db", night)
    assert (result.exit_code, result.output) == (0, f"{night} is sound.\n")
    assert night.read_bytes() == before


@pytest.mark.parametrize("name", BROKEN)
def test_each_promise_is_looked_at(bedtick, night, name):
    """What is done to the rows behind bedtick's back is found: a line says where, one below what to do."""
    script, says = BROKEN[name]
    change(night, script)
    result = bedtick("verify", "--db", night)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    (at, *_) = [at for at, line in enumerate(lines) if says in line]
    assert not lines[at].startswith(" ")
    assert next(line for line in lines[at + 1 :] if line.startswith("  ")).strip()  # what to do
    assert "is sound" not in result.stdout
    (error,) = result.stderr.splitlines()
    assert error.startswith("Error: ")
    assert "wrong with" in error


def test_pruned_samples_are_no_damage(night, verify):
    """A chunk whose samples were pruned is as it should be."""
    change(night, "UPDATE raw_chunks SET data = NULL WHERE id < 3")
    assert verify(night) == []


def test_missing_samples_with_a_reason(night, verify):
    """Samples that faults account for, one after the other, are not missing; with one too few they are."""
    ((first, count),) = rows_of(night, "SELECT first_sample, sample_count FROM raw_chunks WHERE id = 2")
    change(
        night,
        "DELETE FROM raw_chunks WHERE id = 2;"  # noqa: S608  our own numbers
        f"INSERT INTO faults VALUES (1, 1, 'overrun', {first}, 0, 100, '');"
        f"INSERT INTO faults VALUES (2, 1, 'bus', {first + 100}, 0, {count - 100}, '');",
    )
    assert verify(night) == []
    change(night, "UPDATE faults SET lost_samples = lost_samples - 1 WHERE id = 2")
    (finding,) = verify(night)
    assert finding["what"].startswith(f"samples {first + count - 1} to {first + count} are missing")


def test_a_long_outage_is_counted_roughly(night, verify):
    """After eight hours without samples the times may be a minute off the count of lost samples."""
    ((rate_hz,),) = rows_of(night, "SELECT rate_hz FROM raw_chunks WHERE id = 2")
    change(
        night,
        f"UPDATE raw_chunks SET first_sample = first_sample + {round(28740 * rate_hz)},"  # noqa: S608  our own
        " boot_ns = boot_ns + 28800000000000 WHERE id >= 2",
    )
    assert not [finding for finding in verify(night) if "can not be at" in finding["what"]]


def rows_of(path, query):
    """All rows of a query."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def test_many_alike_are_counted(bedtick, night):
    """Of many findings of one kind five are told and the rest counted; JSON tells all."""
    change(night, "UPDATE events SET complete = 0")
    lines = bedtick("verify", "--db", night).stdout.splitlines()
    assert lines[5:] == [
        "events: 7 more of this kind; --json tells all",
        "  its raw samples can be scored again:",
        f"    bedtick rescore NIGHT --db {night}",
    ]
    assert all(line.startswith("recording 1: event ") for line in lines[:5])
    assert len(json.loads(bedtick("verify", "--json", "--db", night).stdout)["findings"]) == 12


def test_rubbish_in_a_page(bedtick, night):
    """Damage that SQLite itself sees is told by SQLite's words, and never ends in a traceback."""
    page = rows_of(night, "SELECT rootpage FROM sqlite_master WHERE name = 'events_by_scoring'")[0][0]
    size = rows_of(night, "PRAGMA page_size")[0][0]
    data = bytearray(night.read_bytes())
    data[(page - 1) * size : page * size] = bytes(size)
    night.write_bytes(data)
    result = bedtick("verify", "--db", night)
    assert isinstance(result.exception, SystemExit)
    assert result.exit_code == 1
    assert result.stdout.startswith("pages: ")
    assert result.stdout.count(f"    bedtick verify --db {night} --repair NEW.db\n") == 1


@pytest.mark.parametrize(("start", "end"), [(0, 100), (0, 5000), (100, 1000)])
def test_damaged_beginning_is_one_line(refused, night, start, end):
    """Where not even the list of tables can be read, each command says so and names the way out."""
    data = bytearray(night.read_bytes())
    data[start:end] = b"\x55" * (end - start)
    night.write_bytes(data)
    for command in ("verify", "summary", "nights", "events"):
        assert "--repair" in refused(command, "--db", night)


@pytest.mark.parametrize(
    "script",
    [
        "UPDATE raw_chunks SET rate_hz = 0",
        "UPDATE recordings SET nominal_hz = 0; DELETE FROM raw_chunks",
        "UPDATE raw_chunks SET rate_hz = 1e-300",
    ],
)
def test_impossible_numbers_are_one_line(bedtick, night, script):
    """A rate that can not be ends a command in the line of a damaged file, never in a traceback."""
    change(night, script)
    for command in ("summary", "nights", "events"):
        result = bedtick(command, "--db", night)
        assert isinstance(result.exception, SystemExit), (command, result.exception)
        (line,) = result.stderr.splitlines()
        assert line.endswith(f"bedtick verify --db {night} --repair NEW.db")


def test_reading_is_enough(bedtick, night, small_disk, tmp_path):
    """On a disk that can only be read, a database is verified, and read out to another."""
    folder = small_disk(2000)
    path = folder / "night.db"
    shutil.copy(night, path)
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    assert bedtick("verify", "--db", path).exit_code == 0
    result = bedtick("verify", "--db", path, "--repair", tmp_path / "new.db")
    assert result.exit_code == 0, result.output
    assert "Nothing was lost." in result.stdout


def test_force_alone_means_nothing(bedtick, night):
    """`--force` without `--repair` is wrong usage."""
    result = bedtick("verify", "--force", "--db", night)
    assert result.exit_code == 2
    assert "--force goes with --repair" in result.stderr


def test_no_database(refused, tmp_path):
    """Where there is no database, `verify` says where it looked, with and without `--repair`."""
    assert str(tmp_path / "no.db") in refused("verify", "--db", tmp_path / "no.db")
    assert str(tmp_path / "no.db") in refused(
        "verify", "--db", tmp_path / "no.db", "--repair", tmp_path / "n.db"
    )
    assert list(tmp_path.iterdir()) == []
