"""The promise about a pulled plug, held against a database and what the chip had delivered until then.

    After a power cut at any moment the database opens and passes `integrity_check`; every event whose end
    was more than 1 s before is there (its tilt, turn and bout may be missing and are completed at the next
    start); at most 10 s of raw samples are missing; the next start closes the recording as `unplugged` and
    says at most how much is missing.

Besides, nothing is invented: each stored sample is the one that the chip delivered, each event one that a
detector finds in the samples delivered until then, and what earlier nights had stored is as it was.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import NoneType

import numpy as np
from click.testing import CliRunner
from next_start import faults_of_the_next_start
from numpy.typing import NDArray
from scripted_night import RATE_HZ
from stored import EventKey, Stored, changes, stored_in

from bedtick.analysis.cli import main
from bedtick.firmware.errors import BedtickError
from bedtick.logger.detector.detector import Detector
from bedtick.logger.settings import DetectorSettings, Settings
from bedtick.logger.store.raw import RawChunk, read_raw

EVENT_S = 1.0
RAW_S = 10.0
SCALE_G = 1 / 256  # of the ADXL345 in full resolution
FULL_SCALE_COUNTS = 16 * 256
NONE = -1  # the id of no recording
FAR = 1 << 40  # samples


@dataclass(frozen=True)
class Owed:
    """What the promise is about: the samples delivered, what was stored before, and the night's settings."""

    counts: NDArray[np.int32]
    earlier: Stored
    settings: Settings


def broken(path: Path, owed: Owed) -> list[str]:
    """Return what of the promise does not hold, a line each; the database is started again on the way."""
    if not path.exists():
        return ["the database is gone"] if owed.earlier.events or len(owed.counts) else []
    try:
        return [*_read_first(path, owed), *_faults_as_found(path, owed), *faults_of_the_next_start(path)]
    except (sqlite3.Error, BedtickError) as error:
        return [f"the database does not open: {error}"]


def _read_first(path: Path, owed: Owed) -> Iterator[str]:
    """Ask for the nights before anything has written to the file since the cut."""
    asked = CliRunner().invoke(main, ["nights", "--db", str(path)])
    is_plain = isinstance(asked.exception, SystemExit | NoneType) and len(asked.stderr.splitlines()) <= 1
    if not is_plain or (asked.exit_code and (len(owed.counts) or owed.earlier.events)):
        yield f"a reader is refused: {asked.stderr or asked.exception}"


def _faults_as_found(path: Path, owed: Owed) -> Iterator[str]:
    """Look at the file as the cut left it."""
    with closing(sqlite3.connect(path)) as connection:
        if (said := connection.execute("PRAGMA integrity_check").fetchall()) != [("ok",)]:
            yield f"integrity_check: {said[0][0]}"
        if connection.execute("PRAGMA foreign_key_check").fetchall():
            yield "a row without its parent"
        stored = stored_in(path)
        yield from changes(owed.earlier, stored, may_prune=bool(owed.settings.store.keep_raw))
        new = [number for number in stored.ends if number not in owed.earlier.ends]
        if len(new) > 1:
            yield f"{len(new)} recordings in place of one"
        recording = new[0] if new else NONE
        is_over = stored.ends.get(recording, (None,))[0] == "stopped"
        yield from _faulty_events(stored.events.get(recording, []), owed, is_over=is_over)
        chunks = read_raw(connection, recording, 0, FAR) if new else ()
        yield from _faulty_samples(chunks, owed.counts)


def _faulty_events(events: list[EventKey], owed: Owed, *, is_over: bool) -> Iterator[str]:
    found = detected(owed.counts, owed.settings.detector, is_over=is_over)
    if events != found[: len(events)]:
        yield "events that no detector finds"
    lost = [event for event in found[len(events) :] if event[1] < len(owed.counts) - EVENT_S * RATE_HZ]
    if lost:
        yield f"{len(lost)} events lost, from sample {lost[0][0]} on"


def detected(counts: NDArray[np.int32], settings: DetectorSettings, *, is_over: bool) -> list[EventKey]:
    """Return the events that a detector tells of once it has seen these samples, and maybe the end."""
    detector = Detector(settings, SCALE_G, RATE_HZ, FULL_SCALE_COUNTS)
    events = detector.push(counts).events + (detector.finish().events if is_over else [])
    return [(event.onset_sample, event.end_sample, event.peak_mg) for event in events]


def _faulty_samples(chunks: Iterable[RawChunk], counts: NDArray[np.int32]) -> Iterator[str]:
    end = 0
    for chunk in chunks:
        if chunk.first_sample != end:
            yield f"no raw samples from {end} to {chunk.first_sample}"
        end = chunk.end_sample
        if not np.array_equal(chunk.counts, counts[chunk.first_sample : end]):
            yield f"raw samples from {chunk.first_sample} on that the chip did not deliver"
    if len(counts) - end > RAW_S * RATE_HZ:
        yield f"{(len(counts) - end) / RATE_HZ:.1f} s of raw samples lost"
