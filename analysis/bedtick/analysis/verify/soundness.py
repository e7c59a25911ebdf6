"""Is a database sound? SQLite's own checks of pages and references, then what bedtick itself promises."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING

from bedtick.analysis.verify.finding import KEEP, RESCORE, SALVAGE, Finding
from bedtick.analysis.verify.invariants import INVARIANTS, SHARED, Invariant
from bedtick.analysis.verify.raw_samples import continuity, readability

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bedtick.analysis.verify.raw_samples import ReadRaw

MOST_LINES = 100  # of SQLite's own check
SALVAGED = "salvaged"  # kind of the fault with which a salvage marks what it could not bring back
SCORED = ("scorings", "events", "bouts", "minutes")  # what the detector made of raw samples
LOSSES = frozenset({"missing samples"} | {one.name for one in INVARIANTS if one.is_loss})


def findings(
    connection: sqlite3.Connection, read_raw: ReadRaw, progress: Callable[[str, int], None]
) -> Iterator[Finding]:
    """Check a database and give each thing that is wrong.

    Parameters
    ----------
    connection
        The database; reading is enough.
    read_raw
        Reads the chunks of a recording: `bedtick.logger.store.raw.read_raw`.
    progress
        Told what is being checked, and how many recordings are done of it.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    questions: list[tuple[str, Callable[[], Iterator[Finding]]]] = [
        ("pages", lambda: _pages(connection)),
        ("references", lambda: _references(connection)),
        *((one.name, lambda one=one: _broken(connection, one)) for one in INVARIANTS if one.since <= version),
        ("raw samples", lambda: continuity(connection)),
        (
            "raw samples",
            lambda: readability(connection, read_raw, lambda done: progress("raw samples", done)),
        ),
    ]
    salvaged = _salvaged(connection)
    for name, ask in questions:
        progress(name, 0)
        try:
            for finding in ask():
                yield replace(finding, is_known=finding.check in LOSSES and finding.recording in salvaged)
        except sqlite3.DatabaseError as error:
            yield Finding(name, None, f"can not be checked: {error}", SALVAGE)


def losses(connection: sqlite3.Connection) -> Iterator[Finding]:
    """Give what is wrong with a database that lost rows and is sound otherwise."""
    for invariant in INVARIANTS:
        if invariant.is_loss:
            yield from _broken(connection, invariant)
    yield from continuity(connection)


def _salvaged(connection: sqlite3.Connection) -> set[int]:
    try:
        rows = connection.execute("SELECT recording_id FROM faults WHERE kind = ?", (SALVAGED,))
        return {recording for (recording,) in rows}
    except sqlite3.DatabaseError:
        return set()


def _pages(connection: sqlite3.Connection) -> Iterator[Finding]:
    for (text,) in connection.execute(f"PRAGMA integrity_check({MOST_LINES})"):
        for line in text.splitlines():
            if line not in ("ok", "*** in database main ***"):
                yield Finding("pages", None, line, SALVAGE)


def _references(connection: sqlite3.Connection) -> Iterator[Finding]:
    for table, row_id, parent, _ in connection.execute("PRAGMA foreign_key_check").fetchmany(MOST_LINES):
        what = f"row {row_id} of {table} belongs to a row of {parent} that is not there"
        yield Finding("references", None, what, SALVAGE)


def _broken(connection: sqlite3.Connection, invariant: Invariant) -> Iterator[Finding]:
    for row in connection.execute(SHARED + invariant.query):
        advice = RESCORE if invariant.name in SCORED else KEEP
        yield Finding(invariant.name, row[0], invariant.says.format(*row), advice)
