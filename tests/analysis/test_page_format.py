"""A page of an SQLite file is taken apart as SQLite would, and refused where its structure is wrong."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing

import pytest

from bedtick.analysis.verify.page_format import LEAF_TABLE, parse_page
from bedtick.analysis.verify.pages import open_image
from bedtick.analysis.verify.records import DamagedError, decode, varint
from bedtick.analysis.verify.trees import Walk, rows_of

PAGE = 4096


@pytest.fixture
def table(tmp_path):
    """Return a function that stores rows in a new file, and gives its path and their first page."""

    def store(rows, *then):
        path = tmp_path / "rows.db"
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("PRAGMA secure_delete = OFF")
            connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a, b, c)")
            connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows)
            for sql in then:
                connection.execute(sql)
            (root,) = connection.execute("SELECT rootpage FROM sqlite_master").fetchone()
        return path, root

    return store


def read(path, root):
    """All rows of a tree, read page by page."""
    with open_image(path) as image:
        walk = Walk(image)
        rows = [row for _, page in walk.pages(root) for row in rows_of(image, page)]
        assert walk.damage == []
    return [(row.row_id, *row.values[1:]) for row in rows]


def made_rows(count, seed=1):
    """Rows of every kind of value, some longer than a page."""
    chance = random.Random(seed)
    values = (
        lambda: None,
        lambda: chance.randrange(-(1 << 63), 1 << 63) >> chance.randrange(64),
        lambda: chance.uniform(-1e9, 1e9) + 0.5,
        lambda: "ä" * chance.randrange(40),
        lambda: chance.randbytes(chance.choice([0, 5, 3000, 4100, 20000])),
    )
    return [
        (chance.randrange(4) + 7 * n - 500, *(chance.choice(values)() for _ in "abc")) for n in range(count)
    ]


@pytest.mark.parametrize("count", [0, 1, 30, 400])
def test_rows_are_read_as_sqlite_reads_them(table, count):
    """Every kind of value, negative keys, records over many pages: all come back as they went in."""
    rows = made_rows(count)
    path, root = table(rows)
    assert read(path, root) == sorted(rows)


def test_a_page_with_holes_is_read(table):
    """Where rows were deleted and changed, what is left is read."""
    rows = [(n, n, "text", 0.25) for n in range(60)]
    path, root = table(rows, "DELETE FROM t WHERE id % 7 = 3", "UPDATE t SET b = 'longer text' WHERE id = 5")
    left = [(n, n, "longer text" if n == 5 else "text", 0.25) for n in range(60) if n % 7 != 3]
    assert read(path, root) == left


def test_a_wrong_byte_in_the_structure_is_seen(table):
    """Whatever byte of the header or the array of a page is changed, the page is refused."""
    path, root = table([(n, n, "text", 0.25) for n in range(60)], "DELETE FROM t WHERE id IN (7, 8, 30)")
    page = path.read_bytes()[(root - 1) * PAGE : root * PAGE]
    assert parse_page(page, root, PAGE).kind == LEAF_TABLE
    unused = range(5, 7)  # where the cells begin may be said too low: there is only free room below them
    for at in set(range(8 + 2 * 57)) - set(unused):
        damaged = bytearray(page)
        damaged[at] ^= 0x10
        with pytest.raises(DamagedError):
            parse_page(bytes(damaged), root, PAGE)


def test_records_that_are_none():
    """A record whose header does not fit its length is refused, as is a text that is none, and a NaN."""
    assert decode(b"\x03\x01\x09\x05", 4) == [5, 1]
    for record in (
        b"\x03\x01\x01\x05",
        b"\x09\x01\x09\x05",
        b"\x00\x01\x09\x05",
        b"\x03\x0a\x09\x05",
        b"\x02\x11\xff\xff",
        b"\x02\x07\x7f\xf8\x00\x00\x00\x00\x00\x00",
    ):
        with pytest.raises(DamagedError):
            decode(record, len(record))


def test_varints():
    """Numbers of one to nine bytes are read as SQLite writes them; one that is cut off is refused."""
    assert varint(b"\x7f", 0) == (127, 1)
    assert varint(b"\x81\x00", 0) == (128, 2)
    assert varint(b"\xff" * 9, 0) == (-1, 9)
    with pytest.raises(DamagedError):
        varint(b"\x81", 0)
