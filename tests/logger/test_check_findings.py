"""`check` touches a sensor only where nothing records with it, and always looks at the rest."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from bedtick.firmware.errors import BusError
from bedtick.logger.check.device import check_device
from bedtick.logger.check.finding import FAILURE, GOOD, WARNING
from bedtick.logger.settings import Settings
from bedtick.logger.store.database import recording_lock


@pytest.fixture
def findings():
    """Return a function that checks; gives the findings by what was looked at, and how often at the bus."""

    def check(path):
        opened = []

        def open_site():
            opened.append(1)
            raise BusError("no bus here")

        return {finding.what: finding for finding in check_device(open_site, Settings(), path)}, len(opened)

    return check


def test_no_database_leaves_the_sensor_alone(findings, tmp_path):
    """Where the file can not be opened, a night may be running elsewhere: the bus is not touched."""
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path, tmp_path / "file" / "bed.db"):
        found, opened = findings(path)
        assert opened == 0
        assert found["database"].state == FAILURE
        assert str(path) in found["database"].sentence
        assert found["sensor"].state == WARNING
        assert found["sensor"].sentence.startswith("left alone")


def test_running_recording_leaves_the_sensor_alone(findings, tmp_path):
    """A database that is being recorded into is well, and so is a sensor that is not touched."""
    path = tmp_path / "bed.db"
    with recording_lock(path) as is_free:
        assert is_free
        found, opened = findings(path)
    assert opened == 0
    assert (found["database"].state, found["sensor"].state) == (GOOD, GOOD)
    assert "a recording is running" in found["sensor"].sentence
    assert {"power", "detector", "clock", "disk"} <= set(found)


def test_sensor_is_looked_at_where_nothing_records(findings, tmp_path):
    """With a good database, and with one of another program that nobody records into, the bus is opened."""
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE bread (id INTEGER PRIMARY KEY)")
    for name, state in (("bed.db", GOOD), ("other.db", FAILURE)):
        found, opened = findings(tmp_path / name)
        assert opened == 1
        assert found["database"].state == state
        assert (found["bus"].state, found["bus"].sentence) == (FAILURE, "no bus here")
