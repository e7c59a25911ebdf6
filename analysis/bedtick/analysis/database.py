"""Where the database is, and how a reader opens it without changing a byte.

A reader asks SQLite for `mode=ro`. A database in WAL mode needs its `-shm` file even then, so on a
read-only medium that open fails; with no `-wal` beside the file nothing can be missing from it, and
`immutable=1` is safe. With a `-wal` it would hide the newest events, so it is never used there.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from bedtick.analysis.errors import NewerDatabaseError, NoDatabaseError, NotBedtickError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

APPLICATION_ID = 0x6274696B  # "btik": PRAGMA application_id of every bedtick file
KNOWN_VERSION = 4  # the newest PRAGMA user_version this reader understands
SYSTEM_DATABASE = Path("/var/lib/bedtick/bedtick.db")


def find_database(option: Path | None, environ: Mapping[str, str], system: Path = SYSTEM_DATABASE) -> Path:
    """Say which database a command means.

    The first that applies: the option `--db`; `$BEDTICK_DB`; the state folder of the unit that is
    running; the system's database where it exists (or where its folder is closed to this user, so
    that the error names the right file); the user's data folder.

    Parameters
    ----------
    option
        The value of `--db`, or None.
    environ
        The environment variables.
    system
        The system's database; another one only in tests.

    Returns
    -------
    Path
        A path; whether a file is there is not checked.
    """
    if option is not None:
        return option
    if environ.get("BEDTICK_DB"):
        return Path(environ["BEDTICK_DB"])
    # systemd sets this inside the unit alone; INVOCATION_ID also reaches some desktop terminals.
    if environ.get("STATE_DIRECTORY"):
        return Path(environ["STATE_DIRECTORY"].split(":")[0], system.name)
    if os.path.exists(system) or _closed(system.parent):  # noqa: PTH110  Path.exists raises on a closed folder
        return system
    return _user_data(environ) / "bedtick" / "bedtick.db"


def _closed(folder: Path) -> bool:
    return folder.is_dir() and not os.access(folder, os.X_OK)


def _user_data(environ: Mapping[str, str]) -> Path:
    named = environ.get("XDG_DATA_HOME")
    return Path(named) if named else Path.home() / ".local" / "share"


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database for one reading: a single unchanging view of it, closed at the end.

    Raises
    ------
    AnalysisError
        Whatever `open_readonly` raises, and NotBedtickError where the file turns out damaged.
    """
    with closing(open_readonly(path)) as connection:
        try:
            connection.execute("BEGIN")
            yield connection
        except _SIGNS_OF_DAMAGE as error:
            raise _damaged(path, error) from error


# Arithmetic fails where a number in a row can not be: a rate of 0 Hz, a time beyond all years.
_SIGNS_OF_DAMAGE = (sqlite3.DatabaseError, ZeroDivisionError, OverflowError)


def _damaged(path: Path, error: Exception) -> NotBedtickError:
    return NotBedtickError(
        f"{path} cannot be read ({error}); copy it away, then: bedtick verify --db {path} --repair NEW.db"
    )


def open_readonly(path: Path) -> sqlite3.Connection:
    """Open a bedtick database that nothing will be written to.

    Raises
    ------
    NoDatabaseError
        There is no such file, or this user may not read it.
    NotBedtickError
        The file is not an SQLite database that bedtick made.
    NewerDatabaseError
        A later version of bedtick has changed its tables.
    """
    _refuse_missing(path)
    try:
        connection = _connect(path)
    except sqlite3.OperationalError as error:
        raise NoDatabaseError(f"{path} cannot be opened ({error}); {_GROUP_HINT}") from error
    except sqlite3.DatabaseError as error:
        raise NotBedtickError(
            f"{path} is no bedtick database, or a damaged one ({error}); name another with --db, "
            f"or copy it away, then: bedtick verify --db {path} --repair NEW.db"
        ) from error
    with closed_on_failure(connection):
        try:
            _refuse_foreign(path, connection)
        except sqlite3.DatabaseError as error:
            raise _damaged(path, error) from error
    return connection


@contextmanager
def closed_on_failure(connection: sqlite3.Connection) -> Iterator[None]:
    """Close a connection that turns out to be unfit on the way out."""
    with ExitStack() as undo:
        undo.callback(connection.close)
        yield
        undo.pop_all()


_GROUP_HINT = "members of the group bedtick may read it (sudo usermod -aG bedtick $USER)"


def _refuse_missing(path: Path) -> None:
    try:
        kind = path.stat().st_mode
    except PermissionError as error:
        raise NoDatabaseError(f"{path} may not be read by you; {_GROUP_HINT}") from error
    except OSError:
        kind = 0
    if not stat.S_ISREG(kind):
        what = "is a folder, not a database" if stat.S_ISDIR(kind) else "does not exist"
        raise NoDatabaseError(f"{path} {what}; record a night with `bedtick run` or name a file with --db")
    if not os.access(path, os.R_OK):
        raise NoDatabaseError(f"{path} may not be read by you; {_GROUP_HINT}")


def _connect(path: Path) -> sqlite3.Connection:
    try:
        return _opened(path, "mode=ro")
    except sqlite3.OperationalError:
        if Path(f"{path}-wal").exists() or os.access(path.parent, os.W_OK):
            raise
        return _opened(path, "immutable=1")


def _opened(path: Path, mode: str) -> sqlite3.Connection:
    """Connect and read the first page: SQLite looks at a file only when asked something."""
    connection = sqlite3.connect(f"file:{quote(str(path.absolute()))}?{mode}", uri=True)
    with closed_on_failure(connection):
        connection.execute("PRAGMA schema_version").fetchone()
    return connection


def _refuse_foreign(path: Path, connection: sqlite3.Connection) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not tables:
        raise NoDatabaseError(f"{path} is still empty; the next `bedtick run` fills it")
    if application != APPLICATION_ID:
        raise NotBedtickError(f"{path} is no bedtick database; name another with --db")
    if version > KNOWN_VERSION:
        raise NewerDatabaseError(
            f"{path} was written by a newer bedtick (tables version {version}, "
            f"this one knows {KNOWN_VERSION}); update bedtick"
        )
