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
PAGE_BYTES = 512  # a commit writes the pages it touches whole: measured in docs/storage.md
CHECKPOINT_BYTES, CHECKPOINT_PAGES = 2_000_000, 1000  # the larger counts: rarer, and reading gets slower
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
        _have_folder(path.parent)
        os.close(_open_file(path))
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        with ExitStack() as undo:  # a connection that turns out to be unfit is closed again
            undo.callback(connection.close)
            db = _prepare(connection, path)
            undo.pop_all()
        return db


def _have_folder(folder: Path) -> None:
    """Make a folder where there is none, and those above it.

    Each is flushed into the one that holds it: else a power cut could take it away with a whole night inside.
    """
    if folder.is_dir():
        return
    _have_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    above = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(above)
    finally:
        os.close(above)


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
    connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # of a new file; one that is there keeps its own
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":  # SQLite says so and no more where the disk would not take the change
        raise StoreError(f"database {path}: its log can not be set up; see to the disk, and try again")
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
    (page_bytes,) = db.execute("PRAGMA page_size").fetchone()
    pages = max(CHECKPOINT_BYTES // page_bytes, CHECKPOINT_PAGES)
    db.execute(f"PRAGMA wal_autocheckpoint = {pages}")


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
        _have_folder(path.parent)
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
