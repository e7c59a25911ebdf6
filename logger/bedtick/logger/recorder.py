"""Turns the samples of one recording into rows for the store: raw chunks, events, bouts, minutes, faults.

The one path from samples to rows: the daemon, `import` and `replay` all go through it, so that the
same counts give the same events however they came in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bedtick.logger.detector.bouts import BoutTracker
from bedtick.logger.detector.detector import Detected, Detector
from bedtick.logger.detector.events import Completion, Event, final_kind
from bedtick.logger.settings import Settings
from bedtick.logger.store.batch import Anchor, Batch, Chunk, Fault, Final, WallTime
from bedtick.logger.store.codec import pack
from bedtick.logger.store.writer import Origin


class SampleTimes(Protocol):
    """Something that knows when a sample was taken, such as a sample clock."""

    def time_ns(self, sample_index: int) -> int:
        """Return the boot time of a sample."""

    @property
    def rate_hz(self) -> float:
        """The measured rate."""


class Recorder:
    """The state of one recording: its detector, its bouts, and the raw samples not yet packed.

    Every method returns the rows that it brought to an end; an empty batch is falsy.

    Parameters
    ----------
    settings
        The detector's and the store's settings.
    origin
        What the recording is: scale, full scale and nominal rate are taken from it.
    times
        When each sample was taken.
    wall_at
        What the wall clock says for a boot time.
    """

    def __init__(
        self, settings: Settings, origin: Origin, times: SampleTimes, wall_at: Callable[[int], WallTime]
    ) -> None:
        self._times = times
        self._wall_at = wall_at
        self._settings = settings.detector
        self._detector = Detector(
            settings.detector, origin.scale_g, origin.nominal_hz, origin.full_scale_counts
        )
        self._bouts = BoutTracker(settings.detector, origin.nominal_hz)
        self._chunk_samples = max(1, int(settings.store.chunk_s * origin.nominal_hz))
        self._raw: list[NDArray[np.int32]] = []
        self._raw_count = 0
        self._open: dict[int, Event] = {}  # events that wait for their tilt, by number

    @property
    def next_sample(self) -> int:
        """Index that the next sample will have."""
        return self._detector.sample_index

    def take(self, counts: NDArray[np.int32]) -> Batch:
        """Take samples, (n, 3) counts, that follow the last ones without a gap."""
        batch = Batch()
        self._raw.append(counts)
        self._raw_count += len(counts)
        self._score(self._detector.push(counts), batch)
        if self._raw_count >= self._chunk_samples:
            self._close_chunks(batch, least_samples=self._chunk_samples)
        return batch

    def lose(self, lost: int, kind: str, detail: str) -> Batch:
        """Note that `lost` samples never came; the fault says why. 0 notes a fault without a loss."""
        batch = Batch()
        self._close_chunks(batch)
        sample = self.next_sample
        batch.faults.append(Fault(kind, sample, self._times.time_ns(sample), lost, detail))
        self._score(self._detector.skip(lost), batch)
        return batch

    def anchor(self, cause: str) -> Batch:
        """Tie the newest sample to the clocks."""
        sample = self.next_sample
        boot_ns = self._times.time_ns(sample)
        return Batch(anchors=[Anchor(sample, boot_ns, self._wall_at(boot_ns), cause)])

    def finish(self) -> Batch:
        """End the recording: what is open is closed, and the batch says where the recording ended."""
        batch = Batch(end_sample=self.next_sample)
        self._close_chunks(batch)
        self._score(self._detector.finish(), batch)
        return batch

    def _close_chunks(self, batch: Batch, least_samples: int = 1) -> None:
        """Pack what waits in chunks as long as set; a rest of fewer samples than the least waits on."""
        if self._raw_count == 0:
            return
        counts = np.concatenate(self._raw)
        while len(counts) >= least_samples:
            batch.chunks.append(self._chunk(counts[: self._chunk_samples], self.next_sample - len(counts)))
            counts = counts[self._chunk_samples :]
        # The minute that goes on is rewritten with every chunk, so that a pulled plug costs none of it.
        batch.minutes.extend(self._detector.current_minute())
        self._raw = [counts]
        self._raw_count = len(counts)

    def _chunk(self, counts: NDArray[np.int32], first: int) -> Chunk:
        boot_ns = self._times.time_ns(first)
        wall = self._wall_at(boot_ns)
        return Chunk(first, len(counts), boot_ns, self._times.rate_hz, wall, pack(counts))

    def _score(self, detected: Detected, batch: Batch) -> None:
        for event in detected.events:
            self._open[event.number] = event
        batch.events.extend(detected.events)
        batch.minutes.extend(detected.minutes)
        for completion in detected.completions:
            self._complete(completion, batch)

    def _complete(self, completion: Completion, batch: Batch) -> None:
        event = self._open.pop(completion.number)
        kind = final_kind(event.kind, completion.tilt_deg, self._settings)
        batch.finals.append(Final(event.number, completion.tilt_deg, kind))
        bout = self._bouts.add(event.number, kind, event.onset_sample, event.end_sample)
        if bout is not None:
            batch.bouts.append(bout)
