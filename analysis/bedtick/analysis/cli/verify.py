"""`bedtick verify`: says whether the database is sound, and reads out what is left of one that is not."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bedtick.analysis.cli.night_errors import night_errors
from bedtick.analysis.cli.options import current_look, database_option, json_option, print_json
from bedtick.analysis.cli.progress import progress_bar
from bedtick.analysis.database import reading
from bedtick.analysis.screen.look import shown

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from bedtick.analysis.verify.finding import Finding
    from bedtick.analysis.verify.salvage import Salvaged, Tools

MOST_ALIKE = 5  # findings of one kind that are told one by one


@click.command("verify")
@click.option(
    "--repair",
    "new",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Read out what is left of the database into this new file.",
)
@click.option("--force", is_flag=True, help="Let --repair replace a file that is there already.")
@json_option
@database_option
def command(new: Path | None, *, force: bool, as_json: bool, db: Path) -> None:
    """Check whether the database is sound, row by row; exit code 1 where it is not.

    Nothing is changed, and a daemon that records is not disturbed. With --repair a damaged database is read
    out into a new file, as far as it can be, and what was lost is said; the damaged one stays as it is.

    \b
    bedtick verify
    bedtick verify --db damaged.db --repair saved.db
    """  # noqa: D301  click reads the character, not a backslash
    if new is not None:
        _repair(db, new, force=force, as_json=as_json)
    elif force:
        raise click.UsageError("--force goes with --repair.")
    else:
        _verify(db, as_json=as_json)


def _verify(db: Path, *, as_json: bool) -> None:
    found = _findings(db)
    wrong = [finding for finding in found if not finding.is_known]
    if as_json:
        print_json({"database": str(db), "sound": not wrong, "findings": [asdict(one) for one in found]})
    else:
        click.echo("\n".join(shown(line, current_look()) for line in _told(db, found)))
    if wrong:
        verb = "thing is" if len(wrong) == 1 else "things are"
        raise click.ClickException(f"{len(wrong)} {verb} wrong with {db}; see above.")


def _findings(db: Path) -> list[Finding]:
    with night_errors():
        from bedtick.logger.store.raw import read_raw  # noqa: PLC0415  the night's side
    from bedtick.analysis.verify.soundness import findings  # noqa: PLC0415  not needed for --repair

    with reading(db) as connection:
        (recordings,) = connection.execute("SELECT count(*) FROM recordings").fetchone()
        with progress_bar("checking", recordings) as show:
            found = findings(connection, read_raw, lambda _what, done: show(done))
            return [replace(one, advice=one.advice.format(db=db)) for one in found]


def _told(db: Path, found: list[Finding]) -> Iterator[str]:
    """Give a line for each finding, few where many are alike, and below those of a kind what to do."""
    kinds: dict[tuple[str, str], list[Finding]] = {}
    for finding in found:
        advice = "an earlier salvage could not bring it back" if finding.is_known else finding.advice
        kinds.setdefault((finding.check, advice), []).append(finding)
    for (check, advice), alike in kinds.items():
        for one in alike[:MOST_ALIKE]:
            yield f"{check if one.recording is None else f'recording {one.recording}'}: {one.what}"
        if len(alike) > MOST_ALIKE:
            yield f"{check}: {len(alike) - MOST_ALIKE} more of this kind; --json tells all"
        yield from _indented(advice)
    if all(finding.is_known for finding in found):
        yield f"{db} is sound."


def _indented(advice: str) -> Iterator[str]:
    """Give what to do below a finding, and a command on a line of its own, to be copied."""
    words, colon, command = advice.partition(": bedtick ")
    yield f"  {words}{colon[:1]}"
    if command:
        yield f"    bedtick {command}"


def _repair(db: Path, new: Path, *, force: bool, as_json: bool) -> None:
    from bedtick.analysis.verify.salvage import salvage  # noqa: PLC0415  seldom needed

    with night_errors(), progress_bar("reading", 1.0) as show:
        salvaged = salvage(db, new, _tools(), overwrite=force, progress=lambda _what, share: show(share))
    if as_json:
        print_json(_as_json(db, new, salvaged))
    else:
        click.echo("\n".join(_account(db, new, salvaged)))


def _tools() -> Tools:
    from bedtick.analysis.verify.salvage import Tools  # noqa: PLC0415  seldom needed
    from bedtick.logger.store.raw import read_raw  # noqa: PLC0415  the same
    from bedtick.logger.store.schema import SCHEMA_VERSION  # noqa: PLC0415  the same

    return Tools(_make_database, read_raw, SCHEMA_VERSION)


def _make_database(path: Path) -> sqlite3.Connection:
    from bedtick.firmware.errors import StoreError  # noqa: PLC0415  the night's side
    from bedtick.logger.store.database import open_database  # noqa: PLC0415  the same

    try:
        return open_database(path).conn
    except StoreError as error:  # it names a file that is not there any more when this is read
        raise error.__cause__ or error from None


def _account(db: Path, new: Path, salvaged: Salvaged) -> Iterator[str]:
    """Give what came of it: a table of rows, then what was lost in words."""
    yield f"Read out of {db} into {new}:"
    yield f"{'':14}{'kept':>10}{'lost':>10}"
    for name, tally in salvaged.rebuilt.tallies.items():
        yield f"{name:14}{tally.kept:10,}{tally.lost:10,}"
    losses = _losses(salvaged)
    yield from (f"{words}: {count:,}" for words, count in losses.items() if count)
    yield "Nothing was lost." if not any(losses.values()) else f"Look it over: bedtick verify --db {new}"


def _losses(salvaged: Salvaged) -> dict[str, int]:
    rebuilt = salvaged.rebuilt
    return {
        "Pages that could not be read, with rows that nobody can count": len(salvaged.damage),
        "Chunks of raw samples kept without their samples, which are damaged": rebuilt.chunks_without_samples,
        "Raw samples missing altogether": salvaged.missing_samples,
        "Events kept without their bout, which is lost": rebuilt.events_without_bout,
        "Rows brought back from their second copy": sum(one.restored for one in rebuilt.tallies.values()),
        "Rows kept though their second copy differs": sum(one.disputed for one in rebuilt.tallies.values()),
        "Rows lost": sum(one.lost for one in rebuilt.tallies.values()),
        "Recordings that lack something; their summary says `salvaged`": salvaged.incomplete_recordings,
    }


def _as_json(db: Path, new: Path, salvaged: Salvaged) -> dict[str, Any]:
    rebuilt = salvaged.rebuilt
    return {
        "database": str(db),
        "new": str(new),
        "tables": {name: asdict(tally) for name, tally in rebuilt.tallies.items()},
        "damaged_pages": salvaged.damage,
        "chunks_without_samples": rebuilt.chunks_without_samples,
        "missing_samples": salvaged.missing_samples,
        "events_without_bout": rebuilt.events_without_bout,
        "incomplete_recordings": salvaged.incomplete_recordings,
    }
