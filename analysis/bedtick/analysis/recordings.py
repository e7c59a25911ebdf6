"""The recordings of a database: what is known of each, how it ended, and its clock.

A night has thousands of raw chunks and a database hundreds of nights, so a recording is listed with
its first and last chunk only. Its clock knows the anchors of these two and of the table `anchors`;
a clock that is set always leaves a row there. `full_clock` loads the chunks of one part.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bedtick.analysis.times import SECOND_NS, Anchor, Chunk, Clock, with_anchors, with_chunks

if TYPE_CHECKING:
    import sqlite3

RUNNING_WITHIN_NS = 30 * SECOND_NS  # a recording seen later than this ago is no longer running
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Machine:
    """A boot and its CLOCK_BOOTTIME in ns; both None where there is none (a laptop without Linux)."""

    boot_id: str | None
    boot_ns: int | None


@dataclass(frozen=True)
class Recording:
    """One unbroken run of the daemon on one sensor.

    `ended` is `stopped`, `unplugged` or `running`; `end_sample` is one past the last sample or event
    known; `scoring` is the id of the live scoring, or None before there is one. `boot_id` is None for an
    import.
    """

    id: int
    place: str
    chip: str
    time_zone: str | None
    nominal_hz: float
    end_sample: int
    ended: str
    scoring: int | None
    boot_id: str | None
    clock: Clock

    @property
    def boot_span_ns(self) -> tuple[int, int]:
        """Boot times of its start and its end."""
        return self.clock.start_boot_ns, self.clock.boot_ns(self.end_sample)


def this_machine() -> Machine:
    """Say which boot this machine is in, to tell a recording that is still running."""
    try:
        boot_id = _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return Machine(None, None)
    return Machine(boot_id, time.clock_gettime_ns(time.CLOCK_BOOTTIME))


def load_recordings(connection: sqlite3.Connection, machine: Machine) -> list[Recording]:
    """All recordings in the order they were begun, each with its sparse clock."""
    anchors = _anchors(connection)
    return [
        _recording(row, anchors.get(row[0], []), machine)
        for row in connection.execute(_RECORDINGS).fetchall()
    ]


def full_clock(connection: sqlite3.Connection, recording: Recording, first: int, end: int) -> Clock:
    """Give the clock of a recording that is exact from sample `first` to `end`."""
    rows = connection.execute(_CHUNKS, {"recording": recording.id, "first": first, "end": end})
    return with_chunks(recording.clock, [Chunk._make(row) for row in rows])


def clock_at(connection: sqlite3.Connection, recording: Recording, sample: int) -> Clock:
    """Give the clock of a recording that is exact at one sample."""
    return full_clock(connection, recording, sample, sample)


_RECORDINGS = """
    SELECT r.id, s.place, s.chip, r.time_zone, r.nominal_hz, r.start_boot_ns, r.end_sample, r.ended,
        r.boot_id, r.seen_boot_ns, c.id,
        (SELECT end_sample FROM events WHERE scoring_id = c.id ORDER BY onset_sample DESC LIMIT 1),
        f.first_sample, f.sample_count, f.boot_ns, f.rate_hz, f.utc_ns, f.synced,
        l.first_sample, l.sample_count, l.boot_ns, l.rate_hz, l.utc_ns, l.synced
    FROM recordings r
    JOIN sensors s ON s.id = r.sensor_id
    LEFT JOIN scorings c ON c.recording_id = r.id AND c.live = 1
    LEFT JOIN raw_chunks f ON f.recording_id = r.id AND f.first_sample =
        (SELECT min(first_sample) FROM raw_chunks WHERE recording_id = r.id)
    LEFT JOIN raw_chunks l ON l.recording_id = r.id AND l.first_sample =
        (SELECT max(first_sample) FROM raw_chunks WHERE recording_id = r.id)
    ORDER BY r.id
"""

_CHUNKS = """
    SELECT first_sample, sample_count, boot_ns, rate_hz, utc_ns, synced FROM raw_chunks
    WHERE recording_id = :recording AND first_sample <= :end
        AND first_sample >= coalesce((SELECT max(first_sample) FROM raw_chunks
            WHERE recording_id = :recording AND first_sample <= :first), 0)
    ORDER BY first_sample
"""


def _anchors(connection: sqlite3.Connection) -> dict[int, list[Anchor]]:
    anchors: dict[int, list[Anchor]] = {}
    rows = connection.execute("SELECT recording_id, boot_ns, utc_ns, synced, cause FROM anchors ORDER BY id")
    for recording_id, *anchor in rows:
        anchors.setdefault(recording_id, []).append(Anchor(*anchor))
    return anchors


def _recording(row: tuple[Any, ...], anchors: list[Anchor], machine: Machine) -> Recording:
    identity, place, chip, time_zone, nominal_hz, start_boot_ns, end_sample, ended = row[:8]
    boot_id, seen_boot_ns, scoring, last_event_end = row[8:12]
    chunks = [Chunk(*part) for part in (row[12:18], row[18:24]) if part[0] is not None]
    if end_sample is None:
        end_sample = chunks[-1].first_sample + chunks[-1].sample_count if chunks else 0
    clock = with_anchors(with_chunks(Clock(start_boot_ns, nominal_hz), chunks), anchors)
    return Recording(
        id=identity,
        place=place,
        chip=chip,
        time_zone=time_zone,
        nominal_hz=nominal_hz,
        # Events are committed sooner than raw samples, so an open recording may end with one.
        end_sample=max(end_sample, last_event_end or 0),
        ended=ended or _open_state(boot_id, seen_boot_ns, machine),
        scoring=scoring,
        boot_id=boot_id,
        clock=clock,
    )


def _open_state(boot_id: str | None, seen_boot_ns: int | None, machine: Machine) -> str:
    if boot_id is None or seen_boot_ns is None or machine.boot_ns is None or boot_id != machine.boot_id:
        return "unplugged"
    return "running" if machine.boot_ns - seen_boot_ns < RUNNING_WITHIN_NS else "unplugged"
