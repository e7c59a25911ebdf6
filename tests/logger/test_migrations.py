"""Files of every released version are read as they were, brought up to date, and read the same again."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from bedtick.analysis.cli import main
from bedtick.analysis.database import KNOWN_VERSION
from bedtick.logger.store.database import open_database
from bedtick.logger.store.raw import read_raw
from bedtick.logger.store.recovery import close_unplugged
from bedtick.logger.store.schema import SCHEMA_VERSION

STORED = Path(__file__).parent / "databases"
VERSIONS = sorted(int(path.name[1:-6]) for path in STORED.glob("v*.db.gz"))
NIGHTS = ("2026-02-03", "r2", "r3")


@pytest.fixture
def old(tmp_path):
    """Return a function that unpacks the stored file of a version."""

    def unpack(version, name="old.db"):
        path = tmp_path / name
        path.write_bytes(gzip.decompress((STORED / f"v{version}.db.gz").read_bytes()))
        return path

    return unpack


def ask(path, sql, *values):
    """All rows of a query."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql, values).fetchall()


def migrate(path):
    """Open a file as the daemon does, which brings it up to date."""
    open_database(path).conn.close()


def told_then(version):
    """Return what the bedtick of that version said of its file."""
    return json.loads(gzip.decompress((STORED / f"v{version}.json.gz").read_bytes()))


def bedtick(*arguments):
    """Run a command; give what it prints."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def told_now(path):
    """Return what the bedtick of today says of a file."""
    told = {
        f"{command} {night}": json.loads(bedtick(command, night, "--json", "--db", path))
        for night in NIGHTS
        for command in ("events", "summary")
    }
    told["nights"] = json.loads(bedtick("nights", "--json", "--db", path))
    with closing(sqlite3.connect(path)) as connection:
        told["raw"] = {str(recording): raw_digest(connection, recording) for recording in (1, 2, 3)}
    return told


def raw_digest(connection, recording):
    """SHA-256 of the samples of a recording."""
    digest = hashlib.sha256()
    for chunk in read_raw(connection, recording, 0, 1 << 40):
        digest.update(chunk.counts.astype("<i4").tobytes())
    return digest.hexdigest()


def differences(then, now, where=""):
    """List the places in which something that was said then is not said now; more may be said."""
    if isinstance(then, dict):
        return [
            found
            for key, value in then.items()
            for found in (
                differences(value, now[key], f"{where}/{key}") if key in now else [f"{where}/{key}"]
            )
        ]
    if isinstance(then, list) and len(then) == len(now):
        return [
            found
            for at, pair in enumerate(zip(then, now, strict=True))
            for found in differences(*pair, f"{where}/{at}")
        ]
    is_same = then == pytest.approx(now, abs=1e-9) if isinstance(then, float) else then == now
    return [] if is_same else [f"{where}: {then} is now {now}"]


def columns(path):
    """Names and types of all columns, by table, in their order."""
    tables = ask(path, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%sqlite%'")
    return {name: [row[1:4] for row in ask(path, f"PRAGMA table_info({name})")] for (name,) in tables}


def test_every_released_version_is_stored():
    """Each version before today's has its file, and reader and writer know the same newest one."""
    assert set(range(1, SCHEMA_VERSION)) <= set(VERSIONS)
    assert KNOWN_VERSION == SCHEMA_VERSION


@pytest.mark.parametrize("version", VERSIONS)
def test_old_file_says_what_it_always_said(old, version):
    """Today's commands read an older version's file, as it is and brought up to date, as it was read then."""
    path = old(version)
    assert ask(path, "PRAGMA user_version") == [(version,)]
    before = path.read_bytes()
    assert differences(told_then(version), told_now(path)) == []
    assert bedtick("verify", "--db", path) == f"{path} is sound.\n"
    assert path.read_bytes() == before
    migrate(path)
    assert ask(path, "PRAGMA user_version") == [(SCHEMA_VERSION,)]
    assert differences(told_then(version), told_now(path)) == []
    assert bedtick("verify", "--db", path) == f"{path} is sound.\n"


def test_a_difference_would_be_seen():
    """The comparison finds a changed number, a missing key and a lost event."""
    then = told_then(VERSIONS[0])
    for change in (
        lambda told: told["events r2"].pop(),
        lambda told: told["events r2"][3].update(peak_mg=1.0),
        lambda told: told["summary r3"].pop("ended"),
        lambda told: told["raw"].update({"1": ""}),
    ):
        now = told_then(VERSIONS[0])
        change(now)
        assert len(differences(then, now)) == 1


@pytest.mark.parametrize("version", VERSIONS)
def test_migrated_file_has_the_tables_of_a_new_one(old, tmp_path, version):
    """Tables, columns, indexes and the list of migrations are those of a file that is made today."""
    path, new = old(version), tmp_path / "new.db"
    migrate(path)
    migrate(new)
    names = "SELECT type, name, tbl_name FROM sqlite_master ORDER BY 1, 2"
    assert ask(path, names) == ask(new, names)
    assert columns(path) == columns(new)
    steps = "SELECT name FROM _sqlite_migrations ORDER BY id"
    assert ask(path, steps) == ask(new, steps)


@pytest.mark.parametrize("version", VERSIONS)
def test_columns_are_only_added_at_the_end(old, tmp_path, version):
    """Each table of an older file is the beginning of today's: `verify --repair` counts on it."""
    new = tmp_path / "new.db"
    migrate(new)
    today = columns(new)
    for table, then in columns(old(version)).items():
        assert today[table][: len(then)] == then
        assert all(not is_needed for _, _, is_needed in today[table][len(then) :])


@pytest.mark.parametrize("version", VERSIONS)
def test_next_start_closes_the_night_of_an_older_version(old, version):
    """What a plug left open under an older version is completed and closed after the migration."""
    path = old(version)
    events = ask(path, "SELECT id, onset_sample, peak_mg FROM events")
    assert ask(path, "SELECT count(*) FROM events WHERE complete = 0") == [(1,)]
    db = open_database(path)
    assert close_unplugged(db) == [3]
    db.conn.close()
    assert ask(path, "SELECT id, onset_sample, peak_mg FROM events") == events
    assert ask(path, "SELECT count(*) FROM events WHERE complete = 0") == [(0,)]
    assert ask(path, "SELECT ended FROM recordings WHERE id = 3") == [("unplugged",)]
    assert bedtick("verify", "--db", path) == f"{path} is sound.\n"


def migrate_and_die(path, number):
    """Migrate in a child that is killed before its statement of a number; tell whether it was."""
    child = os.fork()
    if child == 0:
        count = 0

        def on_statement(_text):
            nonlocal count
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)

        connect = sqlite3.connect

        def traced(*arguments, **options):
            connection = connect(*arguments, **options)
            connection.set_trace_callback(on_statement)
            return connection

        sqlite3.connect = traced
        migrate(path)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def check_interruptions(old, version, every):
    """Kill a migration before every few of its statements, and start again on what that left."""
    statements = 1
    seen = set()
    while migrate_and_die(path := old(version), statements):
        (left,) = ask(path, "PRAGMA user_version")
        seen |= set(left)
        assert len(ask(path, "SELECT 1 FROM _sqlite_migrations")) == left[0]
        migrate(path)
        assert ask(path, "PRAGMA user_version") == [(SCHEMA_VERSION,)]
        assert ask(path, "PRAGMA integrity_check") == [("ok",)]
        statements += every
    assert statements > 15
    assert seen <= {version, SCHEMA_VERSION}
    assert differences(told_then(version)["events r2"], told_now(path)["events r2"]) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_interrupted_migration_is_completed_at_the_next_start(old, version):
    """Killed within a migration, a file is the old or the new one, and the next start completes it."""
    check_interruptions(old, version, every=9)


@pytest.mark.long
@pytest.mark.parametrize("version", VERSIONS)
def test_migration_may_be_interrupted_anywhere(old, version):
    """The same before each statement."""
    check_interruptions(old, version, every=1)
