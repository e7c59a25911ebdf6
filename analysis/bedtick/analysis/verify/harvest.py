"""Gathers the rows of a damaged file: along the trees as far as they lead, then from pages that nobody names.

Where an inner page is lost, or the list of tables on page 1, the leaves below are still there. Each page that
no tree led to and that is not free is looked at: one whose every row has the shape of one table of ours is a
leaf of that table. That is done only for tables in whose tree something is missing, and never where the list
of free pages can be read and names the page: a freed page may hold rows that were deleted.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from bedtick.analysis.verify.page_format import INNER_TABLE, Page
from bedtick.analysis.verify.records import DamagedError, Value
from bedtick.analysis.verify.roots import likely_roots
from bedtick.analysis.verify.tables import Table, entries_of, fitted, owner_of, without_lost_tail
from bedtick.analysis.verify.trees import Row, Walk, read_page, rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bedtick.analysis.verify.pages import Image


class Harvest:
    """What is gathered from one file, and what was met on the way.

    `damage` says in words which pages could not be used; `unfit` counts rows of sound pages that no table of
    ours could hold, by table.

    Parameters
    ----------
    image
        The file.
    tables
        What is looked for.
    progress
        Told how many pages are done.
    """

    def __init__(self, image: Image, tables: dict[str, Table], progress: Callable[[int], None]) -> None:
        self._image = image
        self._tables = tables
        self._progress = progress
        self._seen: set[int] = set()
        self._torn: set[str] = set()  # tables in whose tree something is missing
        self.damage: list[str] = []
        self.unfit: dict[str, int] = {}
        self._whole_indexes: set[str] = set()
        self._roots = self._read_roots()
        self._find_other_roots()

    def _read_roots(self) -> dict[str, int]:
        """Return the first pages of tables and indexes by their names, as far as page 1 tells."""
        roots: dict[str, int] = {}
        for page in self._walk(1, "the list of tables"):
            for row in self._rows(page):
                if len(row.values) == 5 and isinstance(row.values[1], str) and isinstance(row.values[3], int):
                    roots[row.values[1]] = row.values[3]
        return roots

    def _find_other_roots(self) -> None:
        """Look for the first pages of the tables that page 1 does not name."""
        if all(name in self._roots for name in self._tables) or "the list of tables" not in self._torn:
            return
        for name, root in likely_roots(self._image, self._tables).items():
            if name not in self._roots:
                self._roots[name] = root.page
                if not root.is_alone:
                    self._torn.add(name)

    def rows_by_tree(self, table: Table) -> Iterator[list[Value]]:
        """Give the rows that the tree of a table leads to."""
        root = self._roots.get(table.name)
        if root is None:
            self._torn.add(table.name)
            return
        for page in self._walk(root, table.name):
            yield from self._fitting(table, self._rows(page, table.name))

    def rows_without_a_tree(self) -> Iterator[tuple[Table, list[Value]]]:
        """Give the rows of leaves that no tree leads to, of tables that miss some; the trees come first."""
        if not self._torn:
            return
        free = self._free_pages()
        for number in range(2, self._image.page_count + 1):
            if number in self._seen or number in free:
                continue
            rows = self._stray_rows(number)
            table = owner_of(self._tables, rows)
            if table is not None and table.name in self._torn:
                for values in self._fitting(table, rows):
                    yield table, values

    def index_entries(self, table: Table, index: str) -> Iterator[Row]:
        """Give all that can be read of an index; whether that was all, `is_whole` knows afterwards.

        Where nothing says where it begins, its pages are told by their shape, if it can bring rows back.
        """
        if index not in self._roots:
            shape = entries_of(table, index)
            for number in range(2, self._image.page_count + 1) if shape else ():
                rows = self._stray_rows(number)
                if shape and rows and all(fitted(shape, row) for row in rows):
                    yield from rows
            return
        walk = Walk(self._image)
        is_whole = True
        for _, page in walk.pages(self._roots[index]):
            try:
                yield from rows_of(self._image, page)
            except DamagedError:
                is_whole = False
        if is_whole and not walk.damage:
            self._whole_indexes.add(index)

    def is_whole(self, index: str) -> bool:
        """Whether every entry of an index that was gone through could be read."""
        return index in self._whole_indexes

    def _walk(self, root: int, name: str) -> Iterator[Page]:
        walk = Walk(self._image)
        for _, page in walk.pages(root):
            self._progress(len(self._seen) + len(walk.seen))
            yield page
        self._seen |= walk.seen
        if walk.damage:
            self._torn.add(name)
            self.damage += [f"{name}: {damage}" for damage in walk.damage]

    def _rows(self, page: Page, name: str = "the list of tables") -> list[Row]:
        try:
            return rows_of(self._image, page)
        except DamagedError as error:
            self._torn.add(name)
            self.damage.append(f"{name}: {error}")
            return []

    def _stray_rows(self, number: int) -> list[Row]:
        try:
            page = read_page(self._image, number)
            return [] if page.kind == INNER_TABLE else rows_of(self._image, page)
        except DamagedError:
            return []

    def _fitting(self, table: Table, rows: list[Row]) -> Iterator[list[Value]]:
        for row in rows:
            values = fitted(table, row)
            if values is None:
                self.unfit[table.name] = self.unfit.get(table.name, 0) + 1
            else:
                yield without_lost_tail(values)

    def _free_pages(self) -> set[int]:
        """Return the pages that are free; none where their list can not be trusted."""
        head = self._image.page(1)
        if head is None or not self._image.has_header:
            return set()
        trunk, count = struct.unpack_from(">II", head, 32)
        free: set[int] = set()
        while trunk and len(free) < count:
            page = self._image.page(trunk)
            if page is None or trunk in free:
                return set()
            following, leaves = struct.unpack_from(">II", page)
            if leaves > self._image.usable // 4 - 2:
                return set()
            free |= {trunk, *struct.unpack_from(f">{leaves}I", page, 8)}
            trunk = following
        return free if len(free) == count and not trunk else set()
