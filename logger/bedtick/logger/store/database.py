"""Opens a bedtick database for writing: new, known, or refused with a line that says why."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import sqlite_utils

from bedtick.firmware.errors import StoreError
from bedtick.logger.store.schema import APPLICATION_ID, SCHEMA_VERSION, migrations

BUSY_TIMEOUT_S = 5.0
FILE_MODE = 0o660  # the group writes its notes into the same file


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite and the file system say into a StoreError that names the file."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"database {path}: {_in_words(error)}") from error


def _in_words(error: sqlite3.Error | OSError) -> str:
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE")):
        return "the disk is full; make room, or choose another place with --db"
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return "can not be written there; check the folder's permissions, or choose another place with --db"
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return "is no SQLite database, or is damaged; choose another file with --db"
    if name.startswith("SQLITE_BUSY"):
        return "another program holds it; try again"
    return f"{getattr(error, 'strerror', None) or error}; check the file, or choose another with --db"


def open_database(path: Path) -> sqlite_utils.Database:
    """Open or create the database, migrated to this version, in WAL mode with synchronous FULL.

    The connection may move between threads; only one may use it at a time.

    Raises
    ------
    StoreError
        For a file that is no bedtick database or one of a newer version, and where it can not be written.
    """
    with store_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(_open_file(path))
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        with ExitStack() as undo:  # a connection that turns out to be unfit is closed again
            undo.callback(connection.close)
            db = _prepare(connection, path)
            undo.pop_all()
        return db


def _open_file(path: Path) -> int:
    """Open the file; make it with its mode, whatever the umask, where SQLite would make it without."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, FILE_MODE)
    except FileExistsError:
        return os.open(path, os.O_RDWR)
    os.fchmod(handle, FILE_MODE)
    return handle


def _prepare(connection: sqlite3.Connection, path: Path) -> sqlite_utils.Database:
    _check_identity(connection, path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")  # the daemon's alone: see `checkpoint_by_itself`
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    db = sqlite_utils.Database(connection, execute_plugins=False)
    if migrations.pending(db):
        with immediate(db):  # as one: a plug pulled meanwhile leaves an empty file or a whole one
            migrations.apply(db)
    return db


def checkpoint_by_itself(db: sqlite_utils.Database) -> None:
    """Let this connection move the log into the file as it grows: the daemon's part, and nobody else's."""
    db.execute("PRAGMA wal_autocheckpoint = 1000")  # pages, SQLite's own default


def _check_identity(connection: sqlite3.Connection, path: Path) -> None:
    application_id = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if tables and application_id != APPLICATION_ID:
        raise StoreError(f"database {path}: belongs to another program; choose another file with --db")
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"database {path}: was written by a newer bedtick (schema {version}); update bedtick"
        )


@contextmanager
def immediate(db: sqlite_utils.Database) -> Iterator[None]:
    """Run one transaction that takes the write lock at its start, not half-way."""
    db.conn.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.conn.execute("COMMIT")
    finally:
        if db.conn.in_transaction:
            db.conn.execute("ROLLBACK")


@contextmanager
def recording_lock(path: Path) -> Iterator[bool]:
    """Hold the lock that tells daemons apart; yields whether it was free.

    The kernel frees it with the process, so that a crash leaves nothing behind. It is taken with flock,
    which SQLite's own locks do not meet. Enter this before the database is opened and leave it after it
    is closed: closing a handle drops the locks that SQLite holds on the file.
    """
    with store_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = _open_file(path)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)
