"""Takes one page of a tree apart, and refuses what is none.

The first byte of a page says what it is: 5 and 13 are inner pages and leaves of a table, 2 and 10 those of an
index, or of a table without row ids. Behind its header stands an array of the places of its cells, in the
order of their keys. Inner pages name their children; a long record goes on in a chain of overflow pages
(SQLite, Database File Format, section 1.6).

A page is taken only where every byte of it is accounted for, as SQLite's own integrity check does it: header,
array, cells, free blocks, and as many stray bytes as the header says. A page of rubbish is no such page.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from bedtick.analysis.verify.records import DamagedError, varint

INNER_INDEX, INNER_TABLE, LEAF_INDEX, LEAF_TABLE = 2, 5, 10, 13


@dataclass(frozen=True)
class Cell:
    """One entry of a page: a child, a row id, a record; each None where this kind of page has none.

    `record` is the part of it that is on this page; the rest begins on page `overflow`, 0 for none.
    """

    child: int | None = None
    row_id: int | None = None
    size: int = 0
    record: bytes = b""
    overflow: int = 0


@dataclass(frozen=True)
class Page:
    """A sound page of a tree; `last_child` is 0 on a leaf."""

    kind: int
    cells: tuple[Cell, ...]
    last_child: int

    @property
    def children(self) -> list[int]:
        """The pages below it, in the order of their keys."""
        return [cell.child for cell in self.cells if cell.child is not None] + [self.last_child]


def parse_page(data: bytes, number: int, usable: int) -> Page:
    """Return what a page holds.

    Parameters
    ----------
    data
        The page.
    number
        Its number; page 1 begins with the header of the file.
    usable
        How many of its bytes hold data.

    Raises
    ------
    DamagedError
        Where it is no sound page of a tree.
    """
    start = 100 if number == 1 else 0
    kind, first_free, count, content, stray, last_child = struct.unpack_from(">BHHHBI", data, start)
    if kind not in (INNER_INDEX, INNER_TABLE, LEAF_INDEX, LEAF_TABLE):
        raise DamagedError(f"page {number} is no page of a table")
    is_inner = kind in (INNER_INDEX, INNER_TABLE)
    array = start + (12 if is_inner else 8)
    content = content or 65536
    if not array + 2 * count <= content <= usable:
        raise DamagedError(f"page {number} has no room for what it holds")
    places = struct.unpack_from(f">{count}H", data, array)
    spans = _free_blocks(data, first_free, usable)
    cells = []
    for place in places:
        cell, length = _cell(data, place, kind, usable)
        cells.append(cell)
        spans.append((place, place + max(length, 4)))
    _account(spans, content, usable, stray)
    return Page(kind, tuple(cells), last_child if is_inner else 0)


def _free_blocks(data: bytes, at: int, usable: int) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    while at:
        if at + 4 > usable or (spans and at < spans[-1][1]):
            raise DamagedError("the free blocks of a page lead nowhere")
        following, length = struct.unpack_from(">HH", data, at)
        spans.append((at, at + max(length, 4)))
        at = following
    return spans


def _account(spans: list[tuple[int, int]], content: int, usable: int, stray: int) -> None:
    at = content
    found = 0
    for start, end in sorted(spans):
        if start < at:
            raise DamagedError("cells of a page overlap")
        found += start - at
        at = end
    if at > usable or found + usable - at != stray:
        raise DamagedError("a page has stray bytes")


def _cell(data: bytes, place: int, kind: int, usable: int) -> tuple[Cell, int]:
    """Read the cell at a place; return it and its length."""
    child = row_id = None
    at = place
    if kind in (INNER_INDEX, INNER_TABLE):
        child, at = int.from_bytes(data[at : at + 4], "big"), at + 4
    if kind == INNER_TABLE:
        row_id, at = varint(data, at)
        return Cell(child, row_id), at - place
    size, at = varint(data, at)
    if kind == LEAF_TABLE:
        row_id, at = varint(data, at)
    local = _local_size(size, kind, usable)
    record, end = data[at : at + local], at + local
    overflow = 0
    if local < size:
        overflow, end = int.from_bytes(data[end : end + 4], "big"), end + 4
    if size < 1 or end > usable:
        raise DamagedError("a cell reaches beyond its page")
    return Cell(child, row_id, size, record, overflow), end - place


def _local_size(size: int, kind: int, usable: int) -> int:
    """Return how much of a record of a size stands in its cell."""
    least = (usable - 12) * 32 // 255 - 23
    most = usable - 35 if kind == LEAF_TABLE else (usable - 12) * 64 // 255 - 23
    if size <= most:
        return size
    some = least + (size - least) % (usable - 4)
    return some if some <= most else least
