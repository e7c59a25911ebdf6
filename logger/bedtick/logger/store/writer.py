"""Writes the rows of one recording under one scoring; the caller decides about transactions."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from typing import Any

import sqlite_utils

from bedtick.logger.detector.bouts import Bout
from bedtick.logger.detector.events import Event, Minute
from bedtick.logger.settings import DetectorSettings
from bedtick.logger.store.batch import Batch, Chunk
from bedtick.logger.store.database import immediate

SEEN_WITHIN_NS = 12_000_000_000  # readers take a recording for running until 30 s after
SEEN_CHUNKS = 2  # the same in chunks, of 8 s at most: emulated nights pass faster than the machine's clock


@dataclass(frozen=True)
class Origin:
    """What a recording is and where it comes from; fields as in the table `recordings`."""

    place: str
    chip: str
    bus: str
    address: int | None
    source: str
    source_digest: str | None
    boot_id: str | None
    time_zone: str | None
    scale_g: float
    full_scale_counts: int | None
    nominal_hz: float
    start_boot_ns: int


def software() -> str:
    """Return the name of this program and its version, as stored beside all that it computed."""
    return f"bedtick {version('bedtick')}"


def settings_text(settings: DetectorSettings) -> str:
    """Return the settings of a scoring as they are stored: JSON with sorted keys."""
    return json.dumps(asdict(settings), sort_keys=True)


def settings_from(text: str) -> DetectorSettings:
    """Return the settings of a stored scoring; another version's keys are left out, or take the default."""
    known = {field.name for field in fields(DetectorSettings)}
    return DetectorSettings(**{key: value for key, value in json.loads(text).items() if key in known})


def insert(db: sqlite_utils.Database, table: str, row: dict[str, Any]) -> int:
    """Insert a row and return its id."""
    db.table(table).insert(row)
    return int(db.execute("SELECT last_insert_rowid()").fetchone()[0])


def find_sensor(db: sqlite_utils.Database, sensor: dict[str, Any]) -> int | None:
    """Return the id of a sensor by its `place`, `chip`, `bus` and `address`; None where it is new."""
    row = db.execute(
        "SELECT id FROM sensors WHERE place = :place AND chip = :chip AND bus = :bus AND address IS :address",
        sensor,
    ).fetchone()
    return None if row is None else int(row[0])


def have_sensor(db: sqlite_utils.Database, sensor: dict[str, Any]) -> int:
    """Return the id of a sensor, inserted where it is new."""
    known = find_sensor(db, sensor)
    return insert(db, "sensors", sensor) if known is None else known


def add_recording(db: sqlite_utils.Database, origin: Origin, seen_boot_ns: int | None) -> int:
    """Insert a recording (and its sensor, where new) and return its id."""
    values = asdict(origin)
    sensor = {key: values.pop(key) for key in ("place", "chip", "bus", "address")}
    values |= {"sensor_id": have_sensor(db, sensor), "software": software(), "seen_boot_ns": seen_boot_ns}
    return insert(db, "recordings", values)


def add_scoring(
    db: sqlite_utils.Database, recording_id: int, settings: DetectorSettings, *, live: bool
) -> int:
    """Insert a scoring of a recording and return its id."""
    values = {
        "recording_id": recording_id,
        "software": software(),
        "settings": settings_text(settings),
        "live": int(live),
    }
    return insert(db, "scorings", values)


def write_bout(
    db: sqlite_utils.Database, scoring_id: int, bout: Bout, bout_id: int | None, joined_ids: list[int]
) -> int:
    """Write a bout as far as it goes, new where `bout_id` is None, with its new events; return its id."""
    row = asdict(bout)
    del row["number"], row["joined"]
    if bout_id is None:
        bout_id = insert(db, "bouts", row | {"scoring_id": scoring_id})
    else:
        db.table("bouts").update(bout_id, row)
    for event_id in joined_ids:
        db.table("events").update(event_id, {"bout_id": bout_id})
    return bout_id


class RecordingWriter:
    """Knows which row each event and bout of a running recording became."""

    def __init__(self, db: sqlite_utils.Database, recording_id: int, scoring_id: int) -> None:
        self.db = db
        self.recording_id = recording_id
        self.scoring_id = scoring_id
        self._event_ids: dict[int, int] = {}
        self._bout_ids: dict[int, int] = {}
        self._rate_hz: float | None = None
        self._seen_boot_ns = -SEEN_WITHIN_NS
        self._unseen_chunks = 0

    def commit(self, batch: Batch, *, seen_boot_ns: int | None) -> None:
        """Write all rows of a batch in one transaction.

        Parameters
        ----------
        batch
            The rows.
        seen_boot_ns
            The machine's own boot clock now: readers tell a running daemon by it. None in an import.

        Raises
        ------
        sqlite3.Error
            Where the database did not take them; the batch can be committed again later.
        """
        bout_ids = dict(self._bout_ids)
        is_seen_due = self._is_seen_due(batch, seen_boot_ns)
        try:
            with immediate(self.db):
                self.write_recorded(batch)
                self.write_scored(batch)
                if is_seen_due:
                    self._update_recording(seen_boot_ns=seen_boot_ns, rate_hz=self._rate_hz)
        except sqlite3.Error:
            self._bout_ids = bout_ids  # those of this try were rolled back with their rows
            for event in batch.events:
                self._event_ids.pop(event.number, None)
            raise
        self._unseen_chunks += len(batch.chunks)
        if is_seen_due:
            self._seen_boot_ns, self._unseen_chunks = seen_boot_ns or 0, 0

    def write_recorded(self, batch: Batch) -> None:
        """Write what does not depend on a scoring: raw samples, anchors, faults, markers and the end."""
        for chunk in batch.chunks:
            self._insert_chunk(chunk)
        if batch.chunks:
            self._rate_hz = batch.chunks[-1].rate_hz
        for anchor in batch.anchors:
            row = asdict(anchor) | asdict(anchor.wall) | {"recording_id": self.recording_id}
            del row["wall"]
            self.db.table("anchors").insert(row)
        for fault in batch.faults:
            self.db.table("faults").insert({"recording_id": self.recording_id} | asdict(fault))
        for marker in batch.markers:
            self.db.table("markers").insert({"recording_id": self.recording_id} | asdict(marker))
        if batch.end_sample is not None:
            self._update_recording(end_sample=batch.end_sample, ended="stopped", rate_hz=self._rate_hz)

    def write_scored(self, batch: Batch) -> None:
        """Write what the detector made of the samples: events, their final kinds, bouts and minutes."""
        for event in batch.events:
            self._event_ids[event.number] = self._insert_event(event)
        for final in batch.finals:
            values = {"tilt_deg": final.tilt_deg, "kind": final.kind, "complete": 1}
            self.db.table("events").update(self._event_ids[final.number], values)
        for bout in batch.bouts:
            self._write_bout(bout)
        for minute in batch.minutes:
            self._write_minute(minute)

    def _is_seen_due(self, batch: Batch, seen_boot_ns: int | None) -> bool:
        """Tell whether to say anew that the daemon is alive: not with every chunk, for it rewrites a page."""
        if seen_boot_ns is None:
            return False
        is_old = seen_boot_ns - self._seen_boot_ns >= SEEN_WITHIN_NS
        return is_old or self._unseen_chunks + len(batch.chunks) >= SEEN_CHUNKS

    def _insert_chunk(self, chunk: Chunk) -> None:
        # Plain SQL: sqlite-utils looks the table up anew for every row, and there are 6000 of these a night.
        self.db.conn.execute(
            "INSERT INTO raw_chunks"
            " (recording_id, first_sample, sample_count, boot_ns, rate_hz, utc_ns, synced, data)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self.recording_id, chunk.first_sample, chunk.sample_count, chunk.boot_ns, chunk.rate_hz,
                chunk.wall.utc_ns, int(chunk.wall.synced), chunk.data,
            ),
        )  # fmt: skip

    def _update_recording(self, **values: float | str | None) -> None:
        self.db.table("recordings").update(self.recording_id, values)

    def _insert_event(self, event: Event) -> int:
        row = asdict(event) | {"scoring_id": self.scoring_id, "complete": 0}
        del row["number"], row["ring_down_s"]
        return insert(self.db, "events", row)

    def _write_bout(self, bout: Bout) -> None:
        joined = [self._event_ids[number] for number in bout.joined]
        known = self._bout_ids.get(bout.number)
        self._bout_ids[bout.number] = write_bout(self.db, self.scoring_id, bout, known, joined)

    def _write_minute(self, minute: Minute) -> None:
        row = asdict(minute)
        seconds = {f"{reason}_s": value for reason, value in row.pop("seconds").items()}
        self.db.conn.execute(
            "INSERT OR REPLACE INTO minutes (scoring_id, minute, activity_mg, floor_mg, weakest_mg,"
            " valid_s, gap_s, saturated_s, settling_s, hum_s, floor_s)"
            " VALUES (:scoring_id, :minute, :activity_mg, :floor_mg, :weakest_mg,"
            " :valid_s, :gap_s, :saturated_s, :settling_s, :hum_s, :floor_s)",
            row | seconds | {"scoring_id": self.scoring_id},
        )
