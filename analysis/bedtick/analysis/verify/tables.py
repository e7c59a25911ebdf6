"""What the rows of each table look like: enough to tell whose a page is that nobody names any more.

Migrations only ever add columns at the end, so the record of an older file is the beginning of today's:
what is missing in it is NULL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bedtick.analysis.verify.records import LOST, LostTail, Value

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from bedtick.analysis.verify.trees import Row

KINDS_OF_VALUES: dict[str, tuple[type, ...]] = {
    "INTEGER": (int,),
    "REAL": (float, int),  # a whole number is stored as one, to save room
    "TEXT": (str,),
    "BLOB": (bytes, LostTail),
}


@dataclass(frozen=True)
class Column:
    """One column; `is_row_id` where the row id stands for it, and its place in the record is empty."""

    name: str
    kind: str
    may_be_null: bool
    is_key: bool
    is_row_id: bool


@dataclass(frozen=True)
class Parent:
    """A column of a table whose value is the id of a row of another table."""

    column: str
    table: str
    may_be_null: bool


@dataclass(frozen=True)
class Table:
    """A table: its columns in the order in which a record holds them, and its parents.

    `indexes` maps the name of each index to its columns.
    """

    name: str
    columns: tuple[Column, ...]
    has_row_ids: bool
    parents: tuple[Parent, ...]
    indexes: dict[str, tuple[str, ...]]

    @property
    def key(self) -> list[str]:
        """Names of the columns that tell its rows apart."""
        return [column.name for column in self.columns if column.is_key]


def read_tables(connection: sqlite3.Connection) -> dict[str, Table]:
    """Return the tables of a new database, parents before their children."""
    found = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"
    ).fetchall()
    waiting = {name: _table(connection, name) for (name,) in found}
    tables: dict[str, Table] = {}
    while waiting:
        for name, table in list(waiting.items()):
            if all(parent.table in tables for parent in table.parents):
                tables[name] = waiting.pop(name)
    return tables


def _table(connection: sqlite3.Connection, name: str) -> Table:
    query = "SELECT wr FROM pragma_table_list WHERE name = ?"
    (has_no_row_ids,) = connection.execute(query, (name,)).fetchone()
    columns = [
        Column(column, kind, not (not_null or key), bool(key), bool(key) and not has_no_row_ids)
        for _, column, kind, not_null, _, key in connection.execute(f"PRAGMA table_info({name})")
    ]
    nullable = {column.name: column.may_be_null for column in columns}
    parents = [
        Parent(row[3], row[2], nullable[row[3]])
        for row in connection.execute(f"PRAGMA foreign_key_list({name})")
    ]
    return Table(name, tuple(columns), not has_no_row_ids, tuple(parents), _indexes(connection, name))


def _indexes(connection: sqlite3.Connection, name: str) -> dict[str, tuple[str, ...]]:
    query = "SELECT name FROM pragma_index_list(?) WHERE origin <> 'pk'"
    found = [index for (index,) in connection.execute(query, (name,)).fetchall()]
    return {
        index: tuple(row[2] for row in connection.execute(f"PRAGMA index_info({index})")) for index in found
    }


def entries_of(table: Table, index: str) -> Table | None:
    """Return an index as a table of its own, its last column the row id; None where it can bring no row back.

    It can where it holds every column that may not be NULL.
    """
    known = table.indexes[index]
    if any(not (c.name in known or c.may_be_null or c.is_row_id) for c in table.columns):
        return None
    by_name = {column.name: column for column in table.columns}
    row_id = Column("row_id", "INTEGER", may_be_null=False, is_key=True, is_row_id=False)
    return Table(
        index, (*(by_name[name] for name in known), row_id), has_row_ids=False, parents=(), indexes={}
    )


def fitted(table: Table, row: Row) -> list[Value | LostTail] | None:
    """Return a row's values, one for each column of the table; None where it is no row of this table."""
    if (row.row_id is not None) != table.has_row_ids or len(row.values) > len(table.columns):
        return None
    values: list[Value | LostTail] = [*row.values, *[None] * (len(table.columns) - len(row.values))]
    for at, (column, value) in enumerate(zip(table.columns, values, strict=True)):
        if not _can_hold(column, value):
            return None
        if column.is_row_id:
            values[at] = row.row_id
        elif column.kind == "REAL" and isinstance(value, int):
            values[at] = float(value)
    return values


def _can_hold(column: Column, value: Value | LostTail) -> bool:
    if column.is_row_id:
        return value is None
    return column.may_be_null if value is None else isinstance(value, KINDS_OF_VALUES[column.kind])


def without_lost_tail(values: Sequence[Value | LostTail]) -> list[Value]:
    """Return the values, with NULL for one that was cut off."""
    return [None if value is LOST or isinstance(value, LostTail) else value for value in values]


def owner_of(tables: dict[str, Table], rows: Sequence[Row]) -> Table | None:
    """Return the one table that all rows of a page fit; None where there is none, or more than one."""
    fitting = [table for table in tables.values() if all(fitted(table, row) is not None for row in rows)]
    return fitting[0] if rows and len(fitting) == 1 else None
