"""The start after a cut: what it closes, what it completes, and what a reader is told then."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from click.testing import CliRunner
from scripted_night import bed_rig
from stored import Stored, changes, stored_in

from bedtick.analysis.cli import main
from bedtick.logger.daemon import Control, record
from bedtick.logger.rig import site_of
from bedtick.logger.settings import Settings

RAW_S, EVENTS_S = 10.0, 1.0  # of which the summary says that they may be missing

_OPEN_EVENTS = "SELECT count(*) FROM events WHERE complete = 0"
_WRONG_BOUTS = "SELECT * FROM bouts b WHERE event_count <> (SELECT count(*) FROM events WHERE bout_id = b.id)"


def faults_of_the_next_start(path: Path) -> Iterator[str]:
    """Start the daemon on a database that was cut, stop it as it begins to record, and look at the file."""
    before = stored_in(path)
    start_and_stop(path)
    after = stored_in(path)
    yield from changes(before, after)
    for number, ended in before.ends.items():
        should_be = ("unplugged", before.raw_end(number)) if ended[0] is None else ended
        if after.ends.get(number) != should_be:
            yield f"recording {number} is closed as {after.ends.get(number)}, not {should_be}"
    with closing(sqlite3.connect(path)) as connection:
        if connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
            yield "integrity_check fails after the next start"
        if connection.execute(_OPEN_EVENTS).fetchone()[0]:
            yield "events that the next start did not complete"
        if connection.execute(_WRONG_BOUTS).fetchall():
            yield "bouts that do not match their events"
    yield from _said(path, before)
    verified = CliRunner().invoke(main, ["verify", "--db", str(path)])
    if verified.exit_code:
        yield f"bedtick verify: {' '.join(verified.output.split())}"


def start_and_stop(path: Path) -> None:
    """Start the daemon, and stop it before its first sample."""
    settings = Settings()
    record(site_of(bed_rig(0, settings)), settings, path, Control(stop=lambda: True))


def _said(path: Path, before: Stored) -> Iterator[str]:
    """Ask the summary about a recording that was cut after it had stored samples."""
    cut = [number for number, ended in before.ends.items() if ended[0] is None and before.chunks[number]]
    if not cut:
        return
    result = CliRunner().invoke(main, ["summary", "--db", str(path), "--json"])
    if result.exit_code:
        yield f"the summary fails: {result.stderr or result.exception}"
        return
    told = json.loads(result.stdout)
    if "unplugged" not in [part["ended"] for part in told["recordings"] if part["id"] in cut]:
        yield "the summary does not say that the plug was pulled"
    missing_s = (told["samples_missing_at_most_s"], told["events_missing_at_most_s"])
    if told["ended"] == "unplugged" and missing_s != (RAW_S, EVENTS_S):
        yield "the summary does not say how much may be missing"
