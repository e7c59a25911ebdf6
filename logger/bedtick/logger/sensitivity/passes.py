"""Runs the detector over stored samples: once as they are, then with jerks added, as often as is asked.

The samples are read chunk by chunk, and all passes with jerks go through them side by side; the stored
night stays as it is.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bedtick.logger.detector.detector import Detected, Detector
from bedtick.logger.sensitivity.jerks import Jerk
from bedtick.logger.sensitivity.quiet import Span, joined
from bedtick.logger.settings import DetectorSettings
from bedtick.logger.store.raw import read_raw
from bedtick.logger.store.writer import Origin

LEAD_IN_S = 120.0  # heard before the part that counts, so that the noise floor is known there

Told = Callable[[int], None]  # of how many samples are done


@dataclass(frozen=True)
class Stretch:
    """A part of a stored recording, from `first_sample` up to `end_sample`, and what detects in it."""

    recording_id: int
    scoring_id: int
    first_sample: int
    end_sample: int
    origin: Origin
    settings: DetectorSettings

    @property
    def heard_from(self) -> int:
        """The sample at which the lead-in begins."""
        return max(0, self.first_sample - round(LEAD_IN_S * self.origin.nominal_hz))


@dataclass(frozen=True)
class AsRecorded:
    """What there is without any jerk: events, samples that can be read, and the sensor's own noise.

    `noise_counts` is the median over the chunks of the quietest axis's rms step from sample to sample,
    over the square root of two: white noise alone gives its own rms. 0 where nothing can be read.
    """

    events: list[Span]
    readable: list[Span]
    noise_counts: float


def as_recorded(connection: sqlite3.Connection, stretch: Stretch, told: Told) -> AsRecorded:
    """Detect on a stretch as it is."""
    listener = _Listener(stretch)
    readable, noises = [], []
    for first, counts in _samples(connection, stretch):
        listener.hear(first, counts)
        readable.append(Span(first, first + len(counts)))
        if len(counts) > 1:
            noises.append(float(np.diff(counts, axis=0).std(axis=0).min()) / np.sqrt(2.0))
        told(first + len(counts) - stretch.heard_from)
    return AsRecorded(listener.end(), joined(readable), float(np.median(noises)) if noises else 0.0)


def with_jerks(
    connection: sqlite3.Connection, stretch: Stretch, passes: Sequence[Sequence[Jerk]], told: Told
) -> list[list[Span]]:
    """Detect on a stretch with jerks added, anew for each of `passes`; return the events of each.

    The jerks of a pass ascend and do not overlap.
    """
    heard = [(_Listener(stretch), jerks, [jerk.onset_sample for jerk in jerks]) for jerks in passes]
    full = stretch.origin.full_scale_counts
    for first, counts in _samples(connection, stretch):
        for listener, jerks, onsets in heard:
            # The last jerk that began before this chunk may reach into it.
            begin = max(bisect_left(onsets, first) - 1, 0)
            end = bisect_left(onsets, first + len(counts))
            listener.hear(first, _with(counts, first, jerks[begin:end], full))
        told(first + len(counts) - stretch.heard_from)
    return [listener.end() for listener, _, _ in heard]


def _with(
    counts: NDArray[np.int32], first_sample: int, jerks: Sequence[Jerk], full_scale_counts: int | None
) -> NDArray[np.int32]:
    """Return the samples with jerks added, clipped as the chip clips."""
    moved = counts.copy()
    for jerk in jerks:
        since = first_sample - jerk.onset_sample
        part = moved[max(-since, 0) : max(len(jerk.counts) - since, 0)]
        part += jerk.counts[max(since, 0) :][: len(part)]
    if full_scale_counts is not None:
        np.clip(moved, -full_scale_counts - 1, full_scale_counts, out=moved)
    return moved


def _samples(connection: sqlite3.Connection, stretch: Stretch) -> Iterator[tuple[int, NDArray[np.int32]]]:
    """Give the samples of a stretch and its lead-in that can be read, with the index of the first of each."""
    start, end = stretch.heard_from, stretch.end_sample
    for chunk in read_raw(connection, stretch.recording_id, start, end):
        if chunk.counts is not None:
            first = max(chunk.first_sample, start)
            yield first, chunk.counts[first - chunk.first_sample : end - chunk.first_sample]


class _Listener:
    """A detector that counts samples as its recording does, and keeps the events."""

    def __init__(self, stretch: Stretch) -> None:
        origin = stretch.origin
        self._detector = Detector(
            stretch.settings, origin.scale_g, origin.nominal_hz, origin.full_scale_counts
        )
        self._from = stretch.heard_from
        self._events: list[Span] = []

    def hear(self, first_sample: int, counts: NDArray[np.int32]) -> None:
        """Take the samples from `first_sample` on; those since the last ones are missing."""
        self._keep(self._detector.skip(first_sample - self._from - self._detector.sample_index))
        self._keep(self._detector.push(counts))

    def end(self) -> list[Span]:
        """Return all events, from onset to end."""
        self._keep(self._detector.finish())
        return self._events

    def _keep(self, found: Detected) -> None:
        self._events += [
            Span(self._from + event.onset_sample, self._from + event.end_sample) for event in found.events
        ]
