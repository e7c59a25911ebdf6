"""How much room the database takes, how much it has left, and whether its file is still the same.

A page of the file that holds nothing is room as good as free disk: it is used again before the file grows.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import sqlite_utils


@dataclass(frozen=True)
class Room:
    """What the database uses, the pages inside it that are free, and what its disk has free, in bytes."""

    used_bytes: int
    inside_bytes: int
    disk_bytes: int

    @property
    def left_bytes(self) -> int:
        """What can still be written."""
        return self.inside_bytes + self.disk_bytes


def look_for_room(db: sqlite_utils.Database, path: Path) -> Room:
    """Return the room of a database.

    Raises
    ------
    sqlite3.Error, OSError
        Where it, or its folder, can not be read.
    """
    pages, free, page_bytes = (
        int(db.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    disk = os.statvfs(path)  # of the file: its name may be a link to another disk
    return Room((pages - free) * page_bytes, free * page_bytes, disk.f_bavail * disk.f_frsize)


def watch_file(path: Path) -> Callable[[], bool]:
    """Return a function that tells whether the file of this path was removed or replaced since.

    Raises OSError where it can not be looked at now.
    """
    known = path.stat()

    def is_gone() -> bool:
        try:
            return not os.path.samestat(known, path.stat())
        except FileNotFoundError:
            return True
        except OSError:  # a disk in trouble may have it again
            return False

    return is_gone
