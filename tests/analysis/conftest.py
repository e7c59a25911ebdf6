"""Fabricated databases: the real tables, filled by hand with nights whose every number is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from typing import TYPE_CHECKING, Any

import pytest
from sqlite_utils import Database

from bedtick.logger.store.schema import migrations

if TYPE_CHECKING:
    from pathlib import Path

CHUNK_S = 5
OWN_BOOT = "a boot of its own"
REASONS = ("gap", "saturated", "settling", "hum", "floor")


def utc_ns(text: str) -> int:
    """Nanoseconds since 1970 of an ISO 8601 time with zone."""
    return round(datetime.fromisoformat(text).timestamp() * 1e9)


@dataclass(frozen=True)
class Recording:
    """What goes into one fabricated recording; seconds count from its start.

    `events` are (onset_s, duration_s, kind, peak_mg); `invalid` maps a minute to (reason, seconds);
    `synced` is the span of seconds in which the clock is synchronised; `wall` says whether the chunks
    carry a wall clock at all; `gaps` are spans of seconds without samples.
    """

    start: str = "2026-02-03T21:41:00+00:00"
    length_s: float = 8 * 3600
    nominal_hz: float = 100.0
    rate_hz: float = 100.0
    zone: str | None = "Europe/Berlin"
    place: str = "bed"
    events: tuple[tuple[float, float, str, float], ...] = ()
    bouts: tuple[tuple[float, float, int, float], ...] = ()
    invalid: dict[int, tuple[str, float]] = field(default_factory=dict)
    gaps: tuple[tuple[float, float], ...] = ()
    faults: tuple[tuple[str, float, int], ...] = ()
    synced: tuple[float, float] | None = (0.0, 1e9)
    wall: bool = True
    ended: str | None = "stopped"
    closed: bool = True
    source: str = "chip"
    boot_id: str | None = OWN_BOOT
    boot_s: float = 100.0
    seen_boot_ns: int | None = None
    scored_s: float | None = None


class Bed:
    """A database in the making."""

    def __init__(self, path: Path) -> None:
        """Make the file with today's tables."""
        self.path = path
        self.database = Database(path)
        self.database.enable_wal()
        migrations.apply(self.database)

    def add(self, **plan: Any) -> int:
        """Insert one recording with its live scoring; the result is its id."""
        recording = Recording(**plan)
        with self.database.atomic():
            identity = self._recording_row(recording)
            self._chunks(identity, recording)
            self._faults(identity, recording)
            self._score(identity, recording, live=1)
        return identity

    def score_again(self, identity: int, **plan: Any) -> int:
        """Insert a scoring beside the live one; the result is its id."""
        with self.database.atomic():
            return self._score(identity, Recording(**plan), live=0)

    def anchor(self, identity: int, at_s: float, utc: str, cause: str, synced: int) -> None:
        """Insert one row of `anchors`; `at_s` counts from the recording's start."""
        (start_boot_ns,) = self.database.execute(
            "SELECT start_boot_ns FROM recordings WHERE id = ?", [identity]
        ).fetchone()
        self._insert(
            "anchors",
            recording_id=identity,
            sample=0,
            boot_ns=start_boot_ns + round(at_s * 1e9),
            utc_ns=utc_ns(utc),
            synced=synced,
            cause=cause,
        )

    def _score(self, identity: int, recording: Recording, live: int) -> int:
        scoring = self._insert("scorings", recording_id=identity, software="0", settings="{}", live=live)
        self._minutes(scoring, recording)
        for onset_s, duration_s, count, interval_s in recording.bouts:
            self._insert(
                "bouts",
                scoring_id=scoring,
                onset_sample=round(onset_s * recording.rate_hz),
                end_sample=round((onset_s + duration_s) * recording.rate_hz),
                event_count=count,
                median_interval_s=interval_s,
            )
        for onset_s, duration_s, kind, peak_mg in recording.events:
            self._insert(
                "events",
                scoring_id=scoring,
                onset_sample=round(onset_s * recording.rate_hz),
                end_sample=round((onset_s + duration_s) * recording.rate_hz),
                kind=kind,
                peak_mg=peak_mg,
                rms_mg=peak_mg / 3,
                dominant_hz=6.5,
                snr=peak_mg / 2,
                tilt_deg=None,
                bout_id=None,
                complete=1,
            )
        return scoring

    def _insert(self, table: str, **row: Any) -> int:
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608  our own names
        return self.database.execute(statement, list(row.values())).lastrowid

    def _recording_row(self, recording: Recording) -> int:
        self.database.execute(
            "INSERT OR IGNORE INTO sensors (place, chip, bus, address) VALUES (?, 'adxl345', '1', 83)",
            [recording.place],
        )
        (sensor,) = self.database.execute(
            "SELECT id FROM sensors WHERE place = ?", [recording.place]
        ).fetchone()
        (before,) = self.database.execute("SELECT count(*) FROM recordings").fetchone()
        return self._insert(
            "recordings",
            sensor_id=sensor,
            source=recording.source,
            software="0",
            boot_id=f"boot-{before + 1}" if recording.boot_id == OWN_BOOT else recording.boot_id,
            time_zone=recording.zone,
            scale_g=0.0039,
            nominal_hz=recording.nominal_hz,
            start_boot_ns=round(recording.boot_s * 1e9),
            end_sample=round(recording.length_s * recording.rate_hz) if recording.closed else None,
            ended=recording.ended,
            seen_boot_ns=recording.seen_boot_ns,
        )

    def _chunks(self, identity: int, recording: Recording) -> None:
        at_s = 0.0
        while at_s < recording.length_s:
            length_s = min(CHUNK_S, recording.length_s - at_s)
            if not any(start <= at_s < end for start, end in recording.gaps):
                self._chunk(identity, recording, at_s, length_s)
            at_s += CHUNK_S

    def _chunk(self, identity: int, recording: Recording, at_s: float, length_s: float) -> None:
        wall_ns = utc_ns(recording.start) + round(at_s * 1e9) if recording.wall else None
        synced = recording.synced is not None and recording.synced[0] <= at_s < recording.synced[1]
        self._insert(
            "raw_chunks",
            recording_id=identity,
            first_sample=round(at_s * recording.rate_hz),
            sample_count=round(length_s * recording.rate_hz),
            boot_ns=round((recording.boot_s + at_s) * 1e9),
            rate_hz=recording.rate_hz,
            utc_ns=wall_ns,
            synced=int(synced),
        )

    def _faults(self, identity: int, recording: Recording) -> None:
        for kind, at_s, lost in recording.faults:
            sample = round(at_s * recording.rate_hz)
            self._insert(
                "faults",
                recording_id=identity,
                kind=kind,
                sample=sample,
                boot_ns=0,
                lost_samples=lost,
                detail="",
            )

    def _minutes(self, scoring: int, recording: Recording) -> None:
        scored_s = recording.length_s if recording.scored_s is None else recording.scored_s
        nominal_s = scored_s * recording.rate_hz / recording.nominal_hz
        for minute in range(ceil(nominal_s / 60)):
            covered_s = min(60.0, nominal_s - 60 * minute)
            reason, seconds = recording.invalid.get(minute, ("gap", 0.0))
            row = {f"{name}_s": seconds if name == reason else 0.0 for name in REASONS}
            self._insert(
                "minutes",
                scoring_id=scoring,
                minute=minute,
                activity_mg=1.0,
                floor_mg=1.0,
                weakest_mg=7.0,
                valid_s=covered_s - seconds,
                **row,
            )


@pytest.fixture
def bed(tmp_path):
    """Make an empty bedtick database to fill."""
    return Bed(tmp_path / "bedtick.db")
