"""Takes a recording file straight into the detector and the store, all or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sqlite_utils
from numpy.typing import NDArray

from bedtick.firmware.chips import CHIPS
from bedtick.firmware.chips.access import check_offered
from bedtick.firmware.errors import RecordingError, SettingsError
from bedtick.firmware.recording_file import Recording
from bedtick.logger.recorder import Recorder
from bedtick.logger.settings import Settings, with_ring_down
from bedtick.logger.store.batch import Anchor, Batch, WallTime
from bedtick.logger.store.database import immediate, open_database, store_errors
from bedtick.logger.store.writer import (
    Origin,
    RecordingWriter,
    add_recording,
    add_scoring,
    settings_text,
    software,
)
from bedtick.logger.wall_clock import time_zone

IMPORT_SCALE_G = 2.0**-18  # of a count where the file names no scale: 3.8 ug, below the noise of any sensor
MOST_COUNTS = 2**30  # so that a difference of two still fits the 32 bits in which raw samples are packed
BLOCK_SAMPLES = 65536


@dataclass(frozen=True)
class Imported:
    """What an import did: the recording, and whether it, or this scoring of it, is new."""

    recording_id: int
    is_new_recording: bool
    is_new_scoring: bool


@dataclass(frozen=True)
class Counts:
    """A recording in counts: what a chip would have given, or the file's own resolution without a range."""

    counts: NDArray[np.int32]
    scale_g: float
    full_scale_counts: int | None
    chip: str
    range_g: int | None = None


def as_counts(recording: Recording, chip: str | None, range_g: int) -> Counts:
    """Return the recording's samples as whole counts, (n, 3) int32.

    Parameters
    ----------
    recording
        What to convert.
    chip
        Round and clip as this chip would; None keeps the file's own scale, else 2^-18 g.
    range_g
        The chip's range; 0 takes its usual one.

    Raises
    ------
    SettingsError
        For a name that is no chip's, and for a range that the chip does not offer.
    RecordingError
        For values that are too large for their scale.
    """
    if chip is None:
        return _own_counts(recording, recording.scale_g or IMPORT_SCALE_G)
    if chip not in CHIPS:
        raise SettingsError(f"no chip is called {chip!r}; there are {', '.join(CHIPS)}")
    driver = CHIPS[chip]
    range_g = range_g or driver.usual_range_g
    check_offered(chip, "sensor.range_g", range_g, driver.ranges_g, "g")
    full = driver.full_scale_counts[range_g]
    acc_g = recording.acc_g.astype(np.float64)  # as an emulated chip feels it: halves round alike
    counts = np.clip(np.rint(acc_g / driver.scale_g[range_g]), -full - 1, full)
    return Counts(counts.astype(np.int32), driver.scale_g[range_g], full, chip, range_g)


def _own_counts(recording: Recording, scale_g: float) -> Counts:
    largest_g = float(np.abs(recording.acc_g).max())
    if largest_g >= MOST_COUNTS * scale_g:
        raise RecordingError(
            f"acc_g goes up to {largest_g:.3g} g, too much for a scale of {scale_g:.3g} g a count; "
            "write acc_g in g, and the size of one count as scale_g"
        )
    return Counts(np.rint(recording.acc_g / scale_g).astype(np.int32), scale_g, None, "recording")


class RowTimes:
    """Times of the samples of an unbroken run of rows; the run is moved on as the import goes."""

    def __init__(self, recording: Recording) -> None:
        self._t_s = recording.t_s
        self._first_row = self._first_sample = 0
        self._last_row = len(recording.t_s) - 1
        self.rate_hz = recording.nominal_hz

    def begin_run(self, first_row: int, last_row: int, first_sample: int) -> None:
        """Say that sample `first_sample` is row `first_row`, and that none is missing up to `last_row`."""
        self._first_row, self._last_row = first_row, last_row
        self._first_sample = first_sample
        length_s = float(self._t_s[last_row] - self._t_s[first_row])
        if length_s > 0:  # as measured: the nominal rate, of a median interval, may be off by percents
            self.rate_hz = (last_row - first_row) / length_s

    def time_ns(self, sample_index: int) -> int:
        """Return the time of a sample since the first row; just past the end of a run, one interval on."""
        row = self._first_row + sample_index - self._first_sample
        beyond_s = max(row - self._last_row, 0) / self.rate_hz
        return round((float(self._t_s[min(row, self._last_row)]) + beyond_s) * 1e9)


def import_recording(
    recording: Recording,
    settings: Settings,
    path: Path,
    *,
    chip: str | None = None,
    hand_start_utc_ns: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Imported:
    """Detect on a recording and store it; what is there already with the same settings stays as it is.

    Parameters
    ----------
    recording
        What to import.
    settings
        All settings.
    path
        The database.
    chip
        Round and clip as this chip would; None keeps the file's own resolution.
    hand_start_utc_ns
        The start as a person gave it, for a recording without a clock.
    progress
        Told how many rows are done.

    Raises
    ------
    StoreError, SettingsError, RecordingError
        Where the database does not take it, there is no such chip, the values do not fit their scale,
        or a start by hand would contradict the recording's own.
    """
    if hand_start_utc_ns is not None and recording.start_utc_ns is not None:
        raise RecordingError("the recording names its own start (start_utc): leave --start away")
    samples = _Import(recording, settings, chip, hand_start_utc_ns)  # before a database is made for nothing
    db = open_database(path)
    try:
        with store_errors(path):
            return samples.into(db, progress)
    finally:
        db.conn.close()


class _Import:
    """One import on its way: the samples, where they belong, and the clock that the file names."""

    def __init__(
        self, recording: Recording, settings: Settings, chip: str | None, hand_start_utc_ns: int | None
    ) -> None:
        self._recording = recording
        self._settings = with_ring_down(settings, None)  # nobody tapped on the bed of a file
        self._hand_start_utc_ns = hand_start_utc_ns
        self._samples = as_counts(recording, chip, settings.sensor.range_g)
        self._times = RowTimes(recording)
        self._origin = self._make_origin(chip)

    def _make_origin(self, chip: str | None) -> Origin:
        felt_as = "own" if chip is None else f"{chip}-{self._samples.range_g}g"
        return Origin(
            place=self._settings.sensor.place,
            chip=self._samples.chip,
            bus="import",
            address=None,
            source="import",
            source_digest=f"import:{felt_as}:{self._recording.digest}",
            boot_id=None,
            time_zone=time_zone(),
            scale_g=self._samples.scale_g,
            full_scale_counts=self._samples.full_scale_counts,
            nominal_hz=self._recording.nominal_hz,
            start_boot_ns=0,
        )

    def into(self, db: sqlite_utils.Database, progress: Callable[[int], None] | None) -> Imported:
        """Detect first and write then, in one short transaction: a daemon may be recording into the file."""
        digest = self._origin.source_digest
        scored = find_scored(db, digest, self._settings)
        if scored is not None:
            return Imported(scored, is_new_recording=False, is_new_scoring=False)
        known = find_recording(db, digest)
        batches = list(self._batches(progress))
        with immediate(db):
            recording_id = known if known is not None else add_recording(db, self._origin, None)
            scoring_id = add_scoring(db, recording_id, self._settings.detector, live=known is None)
            writer = RecordingWriter(db, recording_id, scoring_id)
            for batch in batches:
                if known is None:
                    writer.write_recorded(batch)
                writer.write_scored(batch)
        return Imported(recording_id, is_new_recording=known is None, is_new_scoring=True)

    def _wall_at(self, boot_ns: int) -> WallTime:
        start_ns = self._recording.start_utc_ns
        return WallTime(None, synced=False) if start_ns is None else WallTime(start_ns + boot_ns, synced=True)

    def _batches(self, progress: Callable[[int], None] | None) -> Iterator[Batch]:
        recorder = Recorder(self._settings, self._origin, self._times, self._wall_at)
        yield self._start_anchor()
        if self._recording.nan_rows:
            yield recorder.lose(0, "nan_rows", f"{self._recording.nan_rows} rows without a number")
        row = 0
        for before, lost in [*self._recording.gaps().tolist(), (len(self._samples.counts) - 1, 0)]:
            self._times.begin_run(row, before, recorder.next_sample)
            for start in range(row, before + 1, BLOCK_SAMPLES):
                yield recorder.take(self._samples.counts[start : min(start + BLOCK_SAMPLES, before + 1)])
                if progress is not None:
                    progress(min(start + BLOCK_SAMPLES, before + 1))
            row = before + 1
            if lost:
                step_s = self._recording.t_s[row] - self._recording.t_s[before]
                yield recorder.lose(lost, "gap", f"no samples for {step_s:.2f} s in the recording")
        yield recorder.finish()

    def _start_anchor(self) -> Batch:
        if self._hand_start_utc_ns is not None:
            return Batch(anchors=[Anchor(0, 0, WallTime(self._hand_start_utc_ns, synced=False), "hand")])
        return Batch(anchors=[Anchor(0, 0, self._wall_at(0), "start")])


def find_recording(db: sqlite_utils.Database, digest: str | None) -> int | None:
    """Return the id of the complete recording with this digest; None where there is none."""
    row = db.execute(
        "SELECT id FROM recordings WHERE source_digest = ? AND ended = 'stopped'", [digest]
    ).fetchone()
    return None if row is None else int(row[0])


def find_scored(db: sqlite_utils.Database, digest: str | None, settings: Settings) -> int | None:
    """Return the id of a complete recording with this digest, these settings and this version of bedtick."""
    row = db.execute(
        "SELECT r.id FROM recordings r JOIN scorings s ON s.recording_id = r.id"
        " WHERE r.source_digest = ? AND r.ended = 'stopped' AND s.settings = ? AND s.software = ?",
        [digest, settings_text(settings.detector), software()],
    ).fetchone()
    return None if row is None else int(row[0])
