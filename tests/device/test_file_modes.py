"""Who may read and write the database."""

from __future__ import annotations

import os
import stat

from bedtick.logger.store.database import open_database


def test_the_group_may_write_the_database_whatever_the_umask(tmp_path):
    """The file and its `-wal` and `-shm` are 0660, so that members of the group add their notes."""
    before = os.umask(0o077)
    try:
        db = open_database(tmp_path / "bedtick.db")
        db.execute("CREATE TABLE made (x)")
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
        db.conn.close()
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(("bedtick.db", "bedtick.db-wal", "bedtick.db-shm"), 0o660)


def test_a_database_that_is_there_keeps_its_mode(tmp_path):
    """Opening changes no mode: an owner who made a file private meant it."""
    path = tmp_path / "bedtick.db"
    open_database(path).conn.close()
    path.chmod(0o600)
    open_database(path).conn.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
