"""Walks the trees of pages in which SQLite keeps tables and indexes, and goes on behind a damaged page."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from bedtick.analysis.verify.page_format import (
    INNER_INDEX,
    INNER_TABLE,
    LEAF_INDEX,
    LEAF_TABLE,
    Cell,
    Page,
    parse_page,
)
from bedtick.analysis.verify.records import DamagedError, LostTail, Value, decode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bedtick.analysis.verify.pages import Image

KEYS_OF_64_BITS = (-(1 << 63), (1 << 63) - 1)


@dataclass(frozen=True)
class Row:
    """A row as it is stored; `row_id` is None in an index."""

    row_id: int | None
    values: list[Value | LostTail]


def read_page(image: Image, number: int) -> Page:
    """Return a page of a tree.

    Raises
    ------
    DamagedError
        Where it is missing, or no sound page of a tree.
    """
    data = image.page(number)
    if data is None:
        raise DamagedError(f"page {number} is missing")
    return parse_page(data, number, image.usable)


def whole_record(image: Image, cell: Cell) -> bytes:
    """Return the record of a cell; only its beginning where the chain that it goes on in is broken."""
    parts = [cell.record]
    missing = cell.size - len(cell.record)
    number = cell.overflow
    while missing > 0:
        page = image.page(number)
        if page is None:
            return cell.record
        parts.append(page[4 : 4 + min(missing, image.usable - 4)])
        missing -= len(parts[-1])
        number = int.from_bytes(page[:4], "big")
        if (number == 0) != (missing == 0):
            return cell.record
    return b"".join(parts)


def rows_of(image: Image, page: Page) -> list[Row]:
    """Return the rows on a page, in the order of their keys.

    Raises
    ------
    DamagedError
        Where one of them is no row.
    """
    if page.kind == INNER_TABLE:
        return []
    return [Row(cell.row_id, decode(whole_record(image, cell), cell.size)) for cell in page.cells]


class Walk:
    """One way through a tree: gives its pages, and keeps what it met.

    `seen` are the numbers of its sound pages, `damage` says in words what is wrong with others.
    """

    def __init__(self, image: Image) -> None:
        self._image = image
        self.seen: set[int] = set()
        self.damage: list[str] = []

    def pages(self, root: int) -> Iterator[tuple[int, Page]]:
        """Give the sound pages below a root, in the order of their keys as far as they have row ids."""
        kinds: tuple[int, ...] = (INNER_TABLE, LEAF_TABLE, INNER_INDEX, LEAF_INDEX)
        waiting = [(root, KEYS_OF_64_BITS)]
        while waiting:
            number, keys = waiting.pop()
            try:
                page = self._sound_page(number, kinds, keys)
            except DamagedError as error:
                self.damage.append(str(error))
                continue
            self.seen.add(number)
            kinds = kinds[:2] if page.kind in kinds[:2] and len(kinds) == 4 else kinds
            waiting += reversed(_below(page, keys))
            yield number, page

    def _sound_page(self, number: int, kinds: tuple[int, ...], keys: tuple[int, int]) -> Page:
        if number in self.seen:
            raise DamagedError(f"page {number} is named twice")
        page = read_page(self._image, number)
        if page.kind not in kinds:
            raise DamagedError(f"page {number} belongs elsewhere")
        row_ids = [cell.row_id for cell in page.cells if cell.row_id is not None]
        in_order = all(one < other for one, other in pairwise(row_ids))
        if row_ids and not (in_order and keys[0] <= row_ids[0] and row_ids[-1] <= keys[1]):
            raise DamagedError(f"page {number} holds rows that belong elsewhere")
        return page


def _below(page: Page, keys: tuple[int, int]) -> list[tuple[int, tuple[int, int]]]:
    """Return the children of a page, each with the row ids that it may hold."""
    if page.kind in (LEAF_INDEX, LEAF_TABLE):
        return []
    if page.kind == INNER_INDEX:
        return [(child, keys) for child in page.children]
    edges = [keys[0], *(cell.row_id + 1 for cell in page.cells if cell.row_id is not None)]
    ends = [*(edge - 1 for edge in edges[1:]), keys[1]]
    return list(zip(page.children, zip(edges, ends, strict=True), strict=True))
