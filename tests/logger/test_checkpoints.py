"""The log is moved into the database by whoever holds the recording lock, and by nobody else."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import numpy as np
import pytest

from bedtick.logger import daemon
from bedtick.logger.daemon import Control, record
from bedtick.logger.emulated import emulated_rig, recording_world
from bedtick.logger.rig import site_of
from bedtick.logger.settings import Settings
from bedtick.logger.store.database import checkpoint_by_itself, open_database, recording_lock

SETTINGS = Settings()
PAGES = "PRAGMA wal_autocheckpoint"


def write_much(db):
    """Write 6 MB in transactions of their own: more than the two at which the daemon checkpoints."""
    db.execute("CREATE TABLE IF NOT EXISTS much (data BLOB)")
    for _ in range(6):
        db.execute("INSERT INTO much VALUES (zeroblob(1000000))")


def test_only_who_asks_for_it_checkpoints(tmp_path):
    """What one connection writes stays in the log; the daemon's connection moves it into the file."""
    path = tmp_path / "bed.db"
    with closing(open_database(path).conn):  # the last to close would checkpoint in any case
        small = path.stat().st_size
        other = open_database(path)
        with closing(other.conn):
            write_much(other)
            assert path.stat().st_size == small
        holder = open_database(path)
        with closing(holder.conn):
            checkpoint_by_itself(holder)
            write_much(holder)
            assert path.stat().st_size > 6_000_000


@pytest.mark.parametrize(("page_bytes", "pages"), [(512, 3906), (4096, 1000)])
def test_checkpoints_come_after_so_many_bytes_or_pages(tmp_path, page_bytes, pages):
    """Small pages are moved after two megabytes, the larger ones of older files after as many as ever."""
    path = tmp_path / "bed.db"
    with closing(sqlite3.connect(path)) as old:
        old.execute(f"PRAGMA page_size = {page_bytes}")
        old.execute("VACUUM")
    db = open_database(path)
    with closing(db.conn):
        checkpoint_by_itself(db)
        assert db.execute("PRAGMA page_size").fetchone() == (page_bytes,)
        assert db.execute(PAGES).fetchone() == (pages,)


@pytest.mark.parametrize(("source", "pages"), [("emulated", 3906), ("replay", 0)])
def test_daemon_checkpoints_and_replay_does_not(recording_of, tmp_path, monkeypatch, source, pages):
    """A recording under the lock checkpoints as its log grows, a replay beside a daemon never does."""
    seen = []
    rest = daemon.Journal

    def look(db, *others):
        with recording_lock(tmp_path / "bed.db") as is_free:
            seen.append((db.execute(PAGES).fetchone()[0], is_free))
        return rest(db, *others)

    monkeypatch.setattr(daemon, "Journal", look)
    world = recording_world(recording_of(np.zeros((500, 3))), source)
    rig = emulated_rig(world, SETTINGS.sensor, at_real_speed=False)
    record(site_of(rig), SETTINGS, tmp_path / "bed.db", Control())
    assert seen == [(pages, source == "replay")]
