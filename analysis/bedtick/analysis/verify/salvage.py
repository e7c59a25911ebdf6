"""Reads out what is left of a damaged database, into a new one that is whole or not there at all.

The damaged file is only read, page by page, so it may be on a card that can not be written any more. The new
one is made under a name of its own and gets its place once it is complete and on the disk. What could not be
brought back stands in the new file too: each recording that lost something has a fault of the kind
`salvaged`, so that missing samples have a reason, and `verify` knows what is missing from what is wrong.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import tempfile
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bedtick.analysis.database import APPLICATION_ID
from bedtick.analysis.errors import NewerDatabaseError, NoDatabaseError, NotBedtickError, SalvageError
from bedtick.analysis.verify.harvest import Harvest
from bedtick.analysis.verify.pages import Image, open_image
from bedtick.analysis.verify.raw_samples import unexplained_breaks, unreadable_chunks
from bedtick.analysis.verify.rebuild import Rebuild, Rebuilt
from bedtick.analysis.verify.soundness import SALVAGED, losses
from bedtick.analysis.verify.tables import read_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bedtick.analysis.verify.raw_samples import ReadRaw

DETAIL = "the file was damaged, and not all of this recording could be read out of it"
_MARKED = "SELECT DISTINCT recording_id FROM faults WHERE kind = ?"
_NOTE = """
    INSERT INTO faults (recording_id, kind, sample, boot_ns, lost_samples, detail)
    SELECT id, ?, ?, coalesce((
        SELECT boot_ns FROM raw_chunks WHERE recording_id = r.id AND first_sample <= ?
        ORDER BY first_sample DESC LIMIT 1
    ), start_boot_ns), ?, ? FROM recordings r WHERE id = ?
"""
_BESIDE = ("-wal", "-shm", "-journal")
_LOGS = ("-wal", "-journal")  # these may hold rows that are nowhere else


@dataclass(frozen=True)
class Tools:
    """What the night's side lends: how a new database is made, and how raw samples are read."""

    make_database: Callable[[Path], sqlite3.Connection]
    read_raw: ReadRaw
    newest_version: int


@dataclass(frozen=True)
class Salvaged:
    """What came of it: the rows, the pages that were of no use, and samples that no row has any more."""

    rebuilt: Rebuilt
    damage: list[str]
    missing_samples: int
    incomplete_recordings: int


def salvage(
    source: Path, target: Path, tools: Tools, *, overwrite: bool, progress: Callable[[str, float], None]
) -> Salvaged:
    """Read a database out into a new file.

    Parameters
    ----------
    source
        The database; it is not written to, and nobody may be recording into it.
    target
        The new file.
    tools
        See there.
    overwrite
        Whether a file that is there already may be replaced.
    progress
        Told what is being done, and which share of it is.

    Raises
    ------
    AnalysisError
        Where there is nothing to read, somebody records into either, or the new one can not be written.
    """
    with ExitStack() as held:
        held.enter_context(_nobody_records(source))
        _check_target(source, target, overwrite=overwrite)
        image = held.enter_context(_opened(source, tools.newest_version))
        with _new_file(target) as partial:
            salvaged = _fill(partial, image, tools, progress)
            if not any(tally.kept for tally in salvaged.rebuilt.tallies.values()):
                raise NotBedtickError(
                    f"nothing of a bedtick database was found in {source}; no file was made"
                )
            _check_target(source, target, overwrite=overwrite)
    return salvaged


@contextmanager
def _nobody_records(path: Path) -> Iterator[None]:
    """Keep daemons away from a file, by the lock that they take themselves."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise NoDatabaseError(f"{path} can not be read ({error.strerror})") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise SalvageError(
            f"bedtick records into {path}; stop it first (sudo systemctl stop bedtick)"
        ) from error
    finally:
        os.close(handle)


def _check_target(source: Path, target: Path, *, overwrite: bool) -> None:
    real = source.resolve()
    if any(_is_same(target, one) for one in (real, *(Path(f"{real}{ending}") for ending in _BESIDE))):
        raise SalvageError(f"{target} is the database itself, or its log; name a new file")
    if not _is_there(target):
        _check_lone_log(source, target, overwrite=overwrite)
        return
    if not overwrite or not target.is_file():
        raise SalvageError(f"{target} is there already; name another file, or add --force")
    with _nobody_records(target):
        return


def _check_lone_log(source: Path, target: Path, *, overwrite: bool) -> None:
    """Keep a log whose database is not there: it may be the damaged file's, under its old name."""
    log = next((f"{target}{ending}" for ending in _LOGS if _is_there(f"{target}{ending}")), None)
    if log and not overwrite:
        raise SalvageError(
            f"{log} is there without its database, and would go: if it is the log of {source}, name both"
            " alike; else name another file, or add --force"
        )


def _is_there(path: Path | str) -> bool:
    return os.path.exists(path)  # noqa: PTH110  Path.exists raises on a closed folder


def _is_same(one: Path, other: Path) -> bool:
    """Say whether two names mean one file, also where it is not there yet."""
    return one.resolve() == other or (_is_there(one) and _is_there(other) and one.samefile(other))


@contextmanager
def _opened(source: Path, newest_version: int) -> Iterator[Image]:
    try:
        with open_image(source) as image:
            _refuse_foreign(source, image, newest_version)
            yield image
    except OSError as error:
        raise NoDatabaseError(f"{source} can not be read ({error.strerror})") from error


def _refuse_foreign(source: Path, image: Image, newest_version: int) -> None:
    """Refuse what is another program's, or a newer bedtick's; a header that is lost tells neither."""
    head = image.page(1)
    if head is None or not image.has_header:
        return
    version, application = (int.from_bytes(head[at : at + 4], "big") for at in (60, 68))
    if application != APPLICATION_ID:
        raise NotBedtickError(f"{source} is no bedtick database; name another with --db")
    if version > newest_version:
        raise NewerDatabaseError(
            f"{source} was written by a newer bedtick (tables version {version}); update bedtick"
        )


@contextmanager
def _new_file(target: Path) -> Iterator[Path]:
    """Give the name of a file in the making, which takes its place at the end, or is gone."""
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as folder:
            partial = Path(folder, target.name)
            yield partial
            _flush(partial)
            for ending in _BESIDE:
                Path(f"{target}{ending}").unlink(missing_ok=True)
            partial.replace(target)
            _flush(target.parent)
    except OSError as error:
        raise SalvageError(f"{target} can not be written ({error.strerror}); name another place") from error
    except sqlite3.OperationalError as error:
        raise SalvageError(f"{target} can not be written ({error}); name another place") from error


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _fill(partial: Path, image: Image, tools: Tools, progress: Callable[[str, float], None]) -> Salvaged:
    with closing(tools.make_database(partial)) as new:
        new.execute("PRAGMA foreign_keys = OFF")
        new.execute("PRAGMA journal_mode = MEMORY")  # no log: it would hold everything once more
        new.execute("PRAGMA synchronous = OFF")  # flushed as a whole, before it gets its name
        tables = read_tables(new)
        rebuild = Rebuild(new, tables)
        pages = max(image.page_count, 1)
        harvest = Harvest(image, tables, lambda done: progress("reading pages", done / pages))
        new.execute("BEGIN")
        rebuild.fill(harvest)
        rebuild.empty_chunks(
            [chunk[:2] for chunk in unreadable_chunks(new, tools.read_raw, lambda _done: None)]
        )
        rebuild.drop_orphans()
        missing = _explain_breaks(new)
        rebuild.count_minutes()
        incomplete = _mark_incomplete(new)
        new.execute("COMMIT")
        new.execute("PRAGMA journal_mode = WAL")
    return Salvaged(rebuild.result, harvest.damage, missing, incomplete)


def _explain_breaks(new: sqlite3.Connection) -> int:
    """Note a fault wherever raw samples are missing without one; return how many samples that are."""
    missing = 0
    for recording, reached, first in list(unexplained_breaks(new)):
        if first > reached:
            _note(new, recording, reached, first - reached)
            missing += first - reached
    return missing


def _mark_incomplete(new: sqlite3.Connection) -> int:
    """Note a fault in each recording that lacks something else; return how many lack anything."""
    wrong = {one.recording for one in losses(new)}
    known = {recording for (recording,) in new.execute(_MARKED, (SALVAGED,))}
    for recording in sorted(one for one in wrong - known if one is not None):
        _note(new, recording, 0, 0)
    return len(new.execute(_MARKED, (SALVAGED,)).fetchall())


def _note(new: sqlite3.Connection, recording: int, sample: int, lost: int) -> None:
    """Add a fault; its boot time is that of the last anchor before it, else of the recording's start."""
    new.execute(_NOTE, (SALVAGED, sample, sample, lost, DETAIL, recording))
