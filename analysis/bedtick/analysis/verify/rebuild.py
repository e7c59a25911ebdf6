"""Puts the rows of a damaged file into a new database, and counts what was lost on the way.

No row is made up. A row that stands twice, as some columns of most tables do in an index, must be the same
both times, or it is left out (but for sensors, recordings and scorings, on which all else hangs). One that
only the index still has comes back from there, where the index tells all columns but such as may be NULL. Raw
samples that do not unpack become NULL, as if pruned: their row still tells when they were taken. What belongs
to a lost row is lost with it, but for an event whose bout is lost: it stays, without.

Names of tables and columns are put into the SQL below: they are those of a database that bedtick just made.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bedtick.analysis.verify.tables import fitted, without_lost_tail
from bedtick.analysis.verify.trees import Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bedtick.analysis.verify.harvest import Harvest
    from bedtick.analysis.verify.records import Value
    from bedtick.analysis.verify.tables import Table

OWN_TABLE = "_sqlite_migrations"  # a new database has its own
FEW_ROWS, FEW_SHARE = 3, 0.1  # more contradictions than either come from a damaged index
TRUNKS = ("sensors", "recordings", "scorings")
_KEY_TAKEN = ("SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_ROWID")
_MINUTES_GONE = """
    SELECT coalesce(sum(max(wanted - there, 0)), 0) FROM (
        SELECT max(
            coalesce((SELECT max(minute) + 1 FROM minutes WHERE scoring_id = s.id), 0),
            CASE live WHEN 1 THEN coalesce(CAST(end_sample / (60 * nominal_hz) AS INTEGER), 0) ELSE 0 END
        ) AS wanted,
        (SELECT count(*) FROM minutes WHERE scoring_id = s.id) AS there
        FROM scorings s JOIN recordings r ON r.id = s.recording_id
    )
"""
_COVERS = """
    SELECT 1 FROM (
        SELECT id, first_sample + sample_count AS reached FROM raw_chunks
        WHERE recording_id = :recording_id AND first_sample < :first_sample + :sample_count
        ORDER BY first_sample DESC LIMIT 1
    ) WHERE reached > :first_sample AND id <> :id
"""


@dataclass
class Tally:
    """What became of the rows of one table.

    `kept` are in the new file; `restored` of them came back from an index. Not there are `gone` (something
    else tells that they were there), `contradicted` (two copies differ), `unfit` (values that this table can
    not hold) and `orphaned` (what they belong to is lost).
    """

    kept: int = 0
    restored: int = 0
    gone: int = 0
    contradicted: int = 0
    unfit: int = 0
    orphaned: int = 0
    disputed: int = 0

    @property
    def lost(self) -> int:
        """Rows that are known to have been there, and are not any more."""
        return self.gone + self.contradicted + self.unfit + self.orphaned


@dataclass
class Rebuilt:
    """What became of a file: by table, chunks without their samples, events without their bout."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    emptied_chunks: int = 0
    events_without_bout: int = 0

    @property
    def chunks_without_samples(self) -> int:
        """Chunks whose samples were damaged or lost, while their rows are there."""
        return self.emptied_chunks + self.tallies["raw_chunks"].restored


class Rebuild:
    """One new database in the making: inside one transaction, with foreign keys off."""

    def __init__(self, connection: sqlite3.Connection, tables: dict[str, Table]) -> None:
        self._connection = connection
        self._tables = {name: table for name, table in tables.items() if name != OWN_TABLE}
        self._gone: set[tuple[str, object]] = set()
        self.result = Rebuilt({name: Tally() for name in self._tables})

    def fill(self, harvest: Harvest) -> None:
        """Take all rows of a file, then compare them with its indexes."""
        for table in self._tables.values():
            for values in harvest.rows_by_tree(table):
                self._insert(table, values)
        self._fill_strays(harvest)
        for name, count in harvest.unfit.items():
            self.result.tallies[name].unfit += count
        for table in self._tables.values():
            for index in table.indexes:
                self._compare(table, index, harvest)

    def empty_chunks(self, first_samples: Iterable[tuple[int, int]]) -> None:
        """Take the samples out of chunks, each named by its recording and its first sample."""
        for identity in first_samples:
            self._connection.execute(
                "UPDATE raw_chunks SET data = NULL WHERE recording_id = ? AND first_sample = ?", identity
            )
            self.result.emptied_chunks += 1

    def drop_orphans(self) -> None:
        """Take out what belongs to a row that is not there, parents first; then count what is left."""
        for name, table in self._tables.items():
            for parent in table.parents:
                lost = f"{parent.column} NOT IN (SELECT id FROM {parent.table})"  # noqa: S608  our own names
                if parent.may_be_null:
                    known = f"{parent.column} IS NOT NULL"
                    sql = f"UPDATE {name} SET {parent.column} = NULL WHERE {known} AND {lost}"  # noqa: S608  the same
                    self.result.events_without_bout += self._connection.execute(sql).rowcount
                else:
                    sql = f"DELETE FROM {name} WHERE {lost}"  # noqa: S608  the same
                    self.result.tallies[name].orphaned += self._connection.execute(sql).rowcount
            self.result.tallies[name].kept = self._count(name)

    def count_minutes(self) -> None:
        """Count the minutes that are not there, though the recording lasted: no index tells of them."""
        (gone,) = self._connection.execute(_MINUTES_GONE).fetchone()
        self.result.tallies["minutes"].gone += gone

    def _fill_strays(self, harvest: Harvest) -> None:
        """Take the rows that no tree led to; of two that differ under one key, neither."""
        strays: set[tuple[Value, ...]] = set()
        disputed: set[tuple[Value, ...]] = set()
        for table, values in harvest.rows_without_a_tree():
            key = (table.name, *_key(table, values))
            if self._is_covered(table, values):
                continue
            if self._insert(table, values):
                strays.add(key)
            elif key in strays and not self._has(table, values):
                disputed.add(key)
        for name, *values in disputed:
            table = self._tables[str(name)]
            sql = f"DELETE FROM {table.name} WHERE {_where(table.key)}"  # noqa: S608  our own names
            self._connection.execute(sql, values)
            self.result.tallies[table.name].contradicted += 1

    def _insert(self, table: Table, values: Sequence[Value]) -> bool:
        """Insert a row; False where its key is taken, or the table refuses it, which is counted."""
        names = ", ".join(column.name for column in table.columns)
        places = ", ".join("?" * len(values))
        try:
            sql = f"INSERT INTO {table.name} ({names}) VALUES ({places})"  # noqa: S608  our own names
            self._connection.execute(sql, values)
        except sqlite3.IntegrityError as error:
            if error.sqlite_errorname not in _KEY_TAKEN:
                self.result.tallies[table.name].unfit += 1
            return False
        return True

    def _has(self, table: Table, values: Sequence[Value]) -> bool:
        where = _where([column.name for column in table.columns])
        sql = f"SELECT 1 FROM {table.name} WHERE {where}"  # noqa: S608  our own names
        return self._connection.execute(sql, values).fetchone() is not None

    def _is_covered(self, table: Table, values: Sequence[Value]) -> bool:
        """Whether another row tells of a chunk's samples: pruned ones are joined, the old rows deleted."""
        if table.name != "raw_chunks":
            return False
        row = dict(zip((column.name for column in table.columns), values, strict=True))
        return self._connection.execute(_COVERS, row).fetchone() is not None

    def _compare(self, table: Table, index: str, harvest: Harvest) -> None:
        """Compare a table with an index over it: what differs goes, what only the index has comes back."""
        columns = table.indexes[index]
        query = f"SELECT {', '.join(columns)} FROM {table.name} WHERE id = ?"  # noqa: S608  our own names
        self._connection.execute("CREATE TEMP TABLE confirmed (id INTEGER PRIMARY KEY)")
        is_like_ours = True
        for entry in harvest.index_entries(table, index):
            *values, row_id = entry.values
            is_like_ours = is_like_ours and len(values) == len(columns) and isinstance(row_id, int)
            if not is_like_ours:
                continue
            found = self._connection.execute(query, (row_id,)).fetchone()
            if list(found or ()) == values or (found is None and self._restore(table, columns, entry)):
                self._connection.execute("INSERT OR IGNORE INTO confirmed VALUES (?)", (row_id,))
        if is_like_ours and harvest.is_whole(index):
            self._settle_contradictions(table)
        self._connection.execute("DROP TABLE confirmed")

    def _settle_contradictions(self, table: Table) -> None:
        """Take out the rows that an index does not confirm; keep those on which all else hangs.

        An index that contradicts many is itself what is damaged: then its table is left alone.
        """
        tally = self.result.tallies[table.name]
        where = "WHERE id NOT IN (SELECT id FROM confirmed)"
        wrong, total = self._count(table.name, where), self._count(table.name)
        if table.name in TRUNKS or wrong > max(FEW_ROWS, FEW_SHARE * total):
            tally.disputed = max(tally.disputed, wrong)
        else:
            self._connection.execute(f"DELETE FROM {table.name} {where}")  # noqa: S608  our own names
            tally.contradicted += wrong

    def _count(self, name: str, where: str = "") -> int:
        (count,) = self._connection.execute(f"SELECT count(*) FROM {name} {where}").fetchone()  # noqa: S608  the same
        return int(count)

    def _restore(self, table: Table, columns: tuple[str, ...], entry: Row) -> bool:
        """Bring a row back from an index where that tells enough; else count it as gone."""
        *values, row_id = entry.values
        known = dict(zip(columns, values, strict=True))
        row = Row(
            row_id if isinstance(row_id, int) else None, [known.get(column.name) for column in table.columns]
        )
        whole = fitted(table, row)
        tally = self.result.tallies[table.name]
        if whole is not None and self._is_covered(table, without_lost_tail(whole)):
            return False
        if whole is not None and self._insert(table, without_lost_tail(whole)):
            tally.restored += 1
            return True
        if (table.name, row_id) not in self._gone:
            self._gone.add((table.name, row_id))
            tally.gone += 1
        return False


def _key(table: Table, values: Sequence[Value]) -> tuple[Value, ...]:
    return tuple(value for column, value in zip(table.columns, values, strict=True) if column.is_key)


def _where(names: Sequence[str]) -> str:
    return " AND ".join(f"{name} IS ?" for name in names)
