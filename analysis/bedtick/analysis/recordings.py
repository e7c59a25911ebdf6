"""The recordings of a database: what is known of each, how it ended, and its clock.

A night has thousands of raw chunks and a database hundreds of nights, so a recording is listed with
its first and last chunk only. `full_clock` loads the chunks of one part, for the boot times of its samples.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bedtick.analysis.boot_clocks import CHIP, Time, times_of
from bedtick.analysis.times import SECOND_NS, Chunk, Clock

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
    known; `scoring` is the id of the live scoring, or None before there is one. `source` is `chip`,
    `emulated`, `import` or `replay`; `boot_id` is None for an import. Recordings with the same
    `shared_clock` share one boot clock.
    """

    id: int
    place: str
    chip: str
    time_zone: str | None
    nominal_hz: float
    end_sample: int
    ended: str
    scoring: int | None
    source: str
    boot_id: str | None
    shared_clock: str
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


def load_recordings(
    connection: sqlite3.Connection, machine: Machine, time_zone: str | None = None
) -> list[Recording]:
    """All recordings in the order they were begun, each with its sparse clock.

    Parameters
    ----------
    connection
        The database.
    machine
        Where it is read, to tell a recording that is still running.
    time_zone
        To take in place of each recording's own; None leaves that.
    """
    rows = [_row(columns) for columns in connection.execute(_RECORDINGS)]
    times = times_of(connection, rows)
    recordings = [_recording(row, times[row.shared_clock], machine) for row in rows]
    return [replace(one, time_zone=time_zone) for one in recordings] if time_zone else recordings


def full_clock(connection: sqlite3.Connection, recording: Recording, first: int, end: int) -> Clock:
    """Give the clock of a recording that is exact from sample `first` to `end`."""
    rows = connection.execute(_CHUNKS, {"recording": recording.id, "first": first, "end": end})
    return replace(recording.clock, chunks=tuple(Chunk._make(row) for row in rows))


def clock_at(connection: sqlite3.Connection, recording: Recording, sample: int) -> Clock:
    """Give the clock of a recording that is exact at one sample."""
    return full_clock(connection, recording, sample, sample)


_RECORDINGS = """
    SELECT r.id, s.place, s.chip, r.time_zone, r.nominal_hz, r.start_boot_ns, r.end_sample, r.ended,
        r.boot_id, r.source, r.seen_boot_ns, c.id,
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


class Row(NamedTuple):
    """What _RECORDINGS tells of one recording."""

    id: int
    place: str
    chip: str
    time_zone: str | None
    nominal_hz: float
    start_boot_ns: int
    end_sample: int | None
    ended: str | None
    boot_id: str | None
    source: str
    seen_boot_ns: int | None
    scoring: int | None
    last_event_end: int | None
    chunks: tuple[Chunk, ...]  # the first and the last, as far as there are any

    @property
    def shared_clock(self) -> str:
        """Name of its boot clock: a boot's, else its own."""
        is_shared = self.source == CHIP and self.boot_id is not None
        return f"boot {self.boot_id}" if is_shared else f"recording {self.id}"


def _row(columns: tuple[Any, ...]) -> Row:
    size = len(Chunk._fields)
    first, last = columns[-2 * size : -size], columns[-size:]
    chunks = tuple(Chunk(*chunk) for chunk in (first, last) if chunk[0] is not None)
    return Row._make([*columns[: -2 * size], chunks])


def _recording(row: Row, time: Time, machine: Machine) -> Recording:
    end_sample = row.end_sample
    if end_sample is None:
        end_sample = row.chunks[-1].first_sample + row.chunks[-1].sample_count if row.chunks else 0
    return Recording(
        id=row.id,
        place=row.place,
        chip=row.chip,
        time_zone=row.time_zone,
        nominal_hz=row.nominal_hz,
        # Events are committed sooner than raw samples, so an open recording may end with one.
        end_sample=max(end_sample, row.last_event_end or 0),
        ended=row.ended or _open_state(row.boot_id, row.seen_boot_ns, machine),
        scoring=row.scoring,
        source=row.source,
        boot_id=row.boot_id,
        shared_clock=row.shared_clock,
        clock=Clock(row.start_boot_ns, row.nominal_hz, row.chunks, time.offsets, time.hand_offset_ns),
    )


def _open_state(boot_id: str | None, seen_boot_ns: int | None, machine: Machine) -> str:
    if boot_id is None or seen_boot_ns is None or machine.boot_ns is None or boot_id != machine.boot_id:
        return "unplugged"
    return "running" if machine.boot_ns - seen_boot_ns < RUNNING_WITHIN_NS else "unplugged"
