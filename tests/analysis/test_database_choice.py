"""Which database a command means, and what is said where it cannot be read."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from bedtick.analysis import database
from bedtick.analysis.database import find_database, open_readonly, reading
from bedtick.analysis.errors import NewerDatabaseError, NoDatabaseError, NotBedtickError
from bedtick.logger.store import schema

NOWHERE = Path("/nonexistent/bedtick.db")


def test_reader_and_writer_agree_about_the_file():
    """The reader's application id and version are the writer's."""
    assert database.APPLICATION_ID == schema.APPLICATION_ID
    assert database.KNOWN_VERSION == schema.SCHEMA_VERSION


def test_option_goes_before_environment(tmp_path):
    """`--db` wins over `$BEDTICK_DB`."""
    assert find_database(tmp_path / "a.db", {"BEDTICK_DB": "b.db"}, NOWHERE) == tmp_path / "a.db"


def test_environment_goes_before_the_unit(tmp_path):
    """`$BEDTICK_DB` wins over the unit's state folder."""
    environ = {"BEDTICK_DB": "b.db", "STATE_DIRECTORY": str(tmp_path)}
    assert find_database(None, environ, NOWHERE) == Path("b.db")


def test_unit_uses_its_state_folder(tmp_path):
    """Inside the unit the database is in its first state folder, even before it exists."""
    environ = {"STATE_DIRECTORY": f"{tmp_path}:/elsewhere"}
    assert find_database(None, environ, NOWHERE) == tmp_path / "bedtick.db"


def test_system_database_is_used_where_it_exists(tmp_path):
    """The system's database wins over the user's own."""
    system = tmp_path / "bedtick.db"
    system.touch()
    assert find_database(None, {"XDG_DATA_HOME": "/data"}, system) == system


def test_closed_system_folder_is_still_the_one_meant(tmp_path, monkeypatch):
    """A user outside the group is told about the system's database, not about one of their own."""
    monkeypatch.setattr(database.os, "access", lambda path, mode: False)  # noqa: ARG005
    assert find_database(None, {"XDG_DATA_HOME": "/data"}, tmp_path / "b.db") == tmp_path / "b.db"


def test_else_the_users_data_folder():
    """Without anything else the database is in the user's data folder."""
    assert find_database(None, {"XDG_DATA_HOME": "/data"}, NOWHERE) == Path("/data/bedtick/bedtick.db")
    assert find_database(None, {}, NOWHERE) == Path.home() / ".local/share/bedtick/bedtick.db"


def test_missing_file_is_named(tmp_path):
    """A file that is not there is named, with what to do, and is not made."""
    with pytest.raises(NoDatabaseError, match=r"no\.db does not exist; record a night"):
        open_readonly(tmp_path / "no.db")
    assert list(tmp_path.iterdir()) == []


def test_folder_is_no_database(tmp_path):
    """A folder is called a folder."""
    with pytest.raises(NoDatabaseError, match="is a folder"):
        open_readonly(tmp_path)


@pytest.mark.parametrize("content", [b"t_s,x_g,y_g,z_g\n", b"\0" * 5000])
def test_other_files_are_refused(tmp_path, content):
    """Text and binary files are no databases of ours."""
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(NotBedtickError, match="no bedtick database"):
        open_readonly(path)


def test_foreign_database_is_refused(tmp_path):
    """An SQLite database that another program made is refused."""
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    with pytest.raises(NotBedtickError, match="no bedtick database"):
        open_readonly(path)


def test_newer_database_asks_for_an_update(bed):
    """Tables of a later version are not guessed at."""
    bed.database.execute("PRAGMA user_version = 99")
    with pytest.raises(NewerDatabaseError, match=r"version 99.*update bedtick"):
        open_readonly(bed.path)


def test_reader_cannot_write(bed):
    """A reader's connection refuses to change anything."""
    connection = open_readonly(bed.path)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("DELETE FROM events")
    connection.close()


def test_damage_found_while_reading_is_one_line(bed):
    """A file that turns out damaged while it is read is reported as such."""
    with (
        pytest.raises(NotBedtickError, match="cannot be read"),
        reading(bed.path),
    ):
        raise sqlite3.DatabaseError("database disk image is malformed")


def refuse_shared_memory(monkeypatch, *, writable: bool) -> None:
    """Behave like a folder in which SQLite cannot make its `-shm` file."""
    real = database._opened

    def opened(path, mode):
        if mode == "mode=ro":
            raise sqlite3.OperationalError("unable to open database file")
        return real(path, mode)

    access = database.os.access
    monkeypatch.setattr(database, "_opened", opened)
    monkeypatch.setattr(
        database.os,
        "access",
        lambda path, mode: access(path, mode) and (writable or mode != database.os.W_OK),
    )


def test_read_only_medium_without_wal_is_read(bed, monkeypatch):
    """A finished database on a read-only medium opens as immutable."""
    bed.database.close()
    refuse_shared_memory(monkeypatch, writable=False)
    connection = open_readonly(bed.path)
    assert connection.execute("SELECT count(*) FROM events").fetchone() == (0,)
    connection.close()


@pytest.mark.parametrize(("writable", "wal"), [(True, False), (False, True)])
def test_immutable_is_never_used_where_events_could_be_hidden(bed, monkeypatch, writable, wal):
    """With a `-wal` beside the file, or a folder that can be written, the open fails in one line."""
    bed.database.close()
    if wal:
        Path(f"{bed.path}-wal").touch()
    refuse_shared_memory(monkeypatch, writable=writable)
    with pytest.raises(NoDatabaseError, match="group bedtick"):
        open_readonly(bed.path)
