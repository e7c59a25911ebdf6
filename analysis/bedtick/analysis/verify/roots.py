"""Finds where the trees of tables begin when the list of tables is lost.

A tree begins at a page that no other page names. A freed page is named by none either, and may still hold
rows that were deleted, so of all such pages the one that leads to most others is taken. It may also be a
branch of a tree whose own first page is lost: then there are others that hold rows of the same table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bedtick.analysis.verify.page_format import INNER_INDEX, INNER_TABLE
from bedtick.analysis.verify.records import DamagedError
from bedtick.analysis.verify.tables import Table, owner_of
from bedtick.analysis.verify.trees import Walk, read_page, rows_of

if TYPE_CHECKING:
    from bedtick.analysis.verify.pages import Image


class Root(NamedTuple):
    """The likeliest first page of a table, and whether it is the only one that could be."""

    page: int
    is_alone: bool


def likely_roots(image: Image, tables: dict[str, Table]) -> dict[str, Root]:
    """Return where each table begins, as far as its rows tell.

    Parameters
    ----------
    image
        The file.
    tables
        What is looked for.
    """
    found: dict[str, list[tuple[int, int]]] = {}
    for head in _heads(image):
        owner, size = _look_below(image, tables, head)
        if owner is not None:
            found.setdefault(owner.name, []).append((size, head))
    return {name: Root(max(heads)[1], len(heads) == 1) for name, heads in found.items()}


def _heads(image: Image) -> list[int]:
    """Return the pages of trees that no other page names."""
    pages: list[int] = []
    named: set[int] = set()
    for number in range(2, image.page_count + 1):
        try:
            page = read_page(image, number)
        except DamagedError:
            continue
        pages.append(number)
        if page.kind in (INNER_TABLE, INNER_INDEX):
            named.update(page.children)
    return [number for number in pages if number not in named]


def _look_below(image: Image, tables: dict[str, Table], head: int) -> tuple[Table | None, int]:
    """Return whose rows a tree has, by the first page with rows, and how many pages."""
    walk = Walk(image)
    owner = None
    for _, page in walk.pages(head):
        if owner is None and page.kind != INNER_TABLE:
            try:
                owner = owner_of(tables, rows_of(image, page))
            except DamagedError:
                continue
    return owner, len(walk.seen)
