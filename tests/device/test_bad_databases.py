"""Databases that are not ours, newer, damaged, or out of reach: one line, and nothing changed."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from contextlib import closing

import pytest

READERS = {"summary": ("summary",), "nights": ("nights",), "events": ("events", "--json")}
WRITERS = {
    "run": ("run", "--bus", "emulated:{file}", "--speed", "max"),
    "import": ("import", "{file}"),
    "replay": ("replay", "{file}", "--chip", "adxl345"),
    "demo": ("demo",),
}
COMMANDS = READERS | WRITERS


@pytest.fixture
def night(bedtick, restless, tmp_path):
    """Make a database that holds one imported minute."""
    path = tmp_path / "night.db"
    assert bedtick("import", restless, "--start", "2026-02-03T22:00Z", "--db", path).exit_code == 0
    return path


def newer(path):
    """Say that a later bedtick changed the tables."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


def letter(path):
    """Put a text in the database's place."""
    path.write_text("Dear doctor,\n" * 1000)


def other_program(path):
    """Put another program's database in its place."""
    path.unlink()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
        connection.execute("INSERT INTO recipes VALUES ('pancakes')")


def half(path):
    """Cut it in the middle, as a copy that broke off."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 8192 * 4096])


BAD = {"newer": newer, "letter": letter, "other program": other_program, "half": half}
SAYS = {
    "newer": "newer bedtick",
    "letter": "",
    "other program": "",
    "half": "",
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", BAD)
def test_bad_database_is_refused_and_left_alone(refused, night, restless, name, command):
    """Every command that opens a database refuses what is no good one, names it, and changes no byte."""
    BAD[name](night)
    before = night.read_bytes()
    line = refused(*[part.format(file=restless) for part in COMMANDS[command]], "--db", night)
    assert str(night) in line
    assert SAYS[name] in line
    assert night.read_bytes() == before
    beside = {f"{night.name}-wal", f"{night.name}-shm"}  # SQLite's own, of a reader that may not remove them
    assert {path.name for path in night.parent.iterdir()} - beside == {night.name, restless.name}


@pytest.mark.parametrize("name", BAD)
def test_check_finds_a_bad_database(bedtick, night, name):
    """`check` says beforehand that nights could not be stored, and leaves the file alone."""
    BAD[name](night)
    before = night.read_bytes()
    result = bedtick("check", "--bus", "emulated", "--db", night)
    assert result.exit_code == 1
    assert f"failure database database {night}" in " ".join(result.stdout.split())
    assert result.stderr == "Error: 1 of these would cost a night; see above.\n"
    assert night.read_bytes() == before


@pytest.mark.parametrize("command", READERS)
def test_reader_without_a_database(refused, tmp_path, command):
    """A reader makes no database; it says where it looked and what to do."""
    line = refused(*READERS[command], "--db", tmp_path / "none.db")
    assert str(tmp_path / "none.db") in line
    assert "bedtick run" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_folder_is_no_database(refused, restless, tmp_path, command):
    """A folder in the place of the database is named."""
    folder = tmp_path / "nights"
    folder.mkdir()
    assert str(folder) in refused(*[part.format(file=restless) for part in COMMANDS[command]], "--db", folder)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("command", WRITERS)
def test_file_in_the_place_of_a_folder(refused, restless, tmp_path, command):
    """A database below a file can not be made; the line names it."""
    path = restless / "bed.db"
    before = sorted(tmp_path.iterdir())
    assert str(path) in refused(*[part.format(file=restless) for part in WRITERS[command]], "--db", path)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", ["2031-01-01", "r99"])
@pytest.mark.parametrize("command", ["summary", "events"])
def test_unknown_night(refused, night, contents, command, name):
    """A night that is not there is named, with the one that is."""
    before = contents(night)
    line = refused(command, name, "--db", night)
    assert f"no night {name}" in line
    assert "2026-02-03" in line
    assert contents(night) == before


def test_unknown_scoring(refused, night):
    """A scoring that is not there is named."""
    assert "no scoring 99" in refused("summary", "--scoring", "99", "--db", night)


def protect(folder):
    """Make a small disk read-only from here on."""
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)


@pytest.fixture
def protected(small_disk, night):
    """Put the night on a disk that can only be read."""
    folder = small_disk(2000)
    path = folder / "night.db"
    shutil.copy(night, path)
    protect(folder)
    return path


@pytest.mark.parametrize("command", WRITERS)
def test_writer_on_a_disk_that_can_only_be_read(refused, restless, protected, command):
    """Where nothing can be written, a writer says so before it begins."""
    for path in (protected, protected.with_name("new.db")):
        line = refused(*[part.format(file=restless) for part in WRITERS[command]], "--db", path)
        assert str(path) in line
        assert "ead-only" in line
    assert [path.name for path in protected.parent.iterdir()] == ["night.db"]


@pytest.mark.parametrize("command", READERS)
def test_reader_on_a_disk_that_can_only_be_read(bedtick, protected, command):
    """Reading needs no right to write."""
    result = bedtick(*READERS[command], "--db", protected)
    assert result.exit_code == 0, result.output
    assert "2026-02-03" in result.stdout


def test_check_on_a_disk_that_can_only_be_read(bedtick, protected):
    """`check` finds that nights could not be stored."""
    result = bedtick("check", "--bus", "emulated", "--db", protected)
    assert result.exit_code == 1
    assert "failure database" in " ".join(result.stdout.split())
