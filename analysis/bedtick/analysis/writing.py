"""How a note gets into a database that the daemon may be writing at this moment.

One short transaction that takes the write lock at its start; whoever holds that is waited for. A note never
moves the log into the file while others have it open: that is the daemon's part.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

from bedtick.analysis.errors import NotWritableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUSY_TIMEOUT_S = 10.0  # a commit of the daemon takes a slow card's second at most
_HINTS = {
    "SQLITE_BUSY": "another program holds it; try again",
    "SQLITE_FULL": "the disk is full; make room",
    "SQLITE_READONLY": "members of the group bedtick may write it (sudo usermod -aG bedtick $USER)",
    "SQLITE_CANTOPEN": "members of the group bedtick may write it (sudo usermod -aG bedtick $USER)",
}


@contextmanager
def writing(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database for one transaction: committed at the end, undone where anything is raised.

    The caller has looked with `database.reading` before whether it is one of bedtick's.

    Raises
    ------
    NotWritableError
        The file took nothing.
    """
    try:
        with closing(_opened(path)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        family = "_".join(getattr(error, "sqlite_errorname", "").split("_")[:2])
        hint = _HINTS.get(family, "check the disk")
        raise NotWritableError(f"{path} was not changed ({error}); {hint}") from error


def _opened(path: Path) -> sqlite3.Connection:
    uri = f"file:{quote(str(path.absolute()))}?mode=rw"
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection
