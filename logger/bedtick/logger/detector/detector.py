"""The streaming detector: blocks of counts in, events, completions and minutes out."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bedtick.logger.detector import layout as lay
from bedtick.logger.detector.compiled import Kernel, load_kernel
from bedtick.logger.detector.events import Completion, Event, Minute, kind_of, ring_down_s
from bedtick.logger.detector.minutes import minutes_from
from bedtick.logger.detector.parameters import kernel_parameters
from bedtick.logger.settings import DetectorSettings

SLOWEST_HZ = 50.0  # below, the windows hold too few samples to tell a jerk from noise
SLICE_S = 200.0  # of samples a call of the kernel: its rows of results always have room


@dataclass(frozen=True)
class Detected:
    """What one block of samples brought to an end, each list in order of time."""

    events: list[Event]
    completions: list[Completion]
    minutes: list[Minute]


@functools.cache
def compiled_kernel() -> Kernel:
    """Return the compiled kernel, loaded once a process."""
    return load_kernel()


class Detector:
    """Finds events in a stream of counts; its state is arrays, and its results do not depend on the blocks.

    Parameters
    ----------
    settings
        What counts as an event.
    scale_g
        Size of a count, in g.
    nominal_hz
        The recording's nominal rate, in hertz, at least 50.
    full_scale_counts
        From here on a sample is saturated; None where nothing is known.
    kernel
        The compiled kernel; tests pass the uncompiled one.

    Raises
    ------
    ValueError
        For a rate below 50 Hz or a scale that is not positive.
    """

    def __init__(
        self,
        settings: DetectorSettings,
        scale_g: float,
        nominal_hz: float,
        full_scale_counts: int | None = None,
        kernel: Kernel | None = None,
    ) -> None:
        if not nominal_hz >= SLOWEST_HZ or not scale_g > 0:
            raise ValueError(f"a rate of {nominal_hz} Hz with {scale_g} g a count can not be detected on")
        self.settings = settings
        self._kernel = kernel or compiled_kernel()
        self._mg = 1e3 * scale_g
        self._rate_hz = nominal_hz
        self._slice = int(SLICE_S * nominal_hz)
        self._params = kernel_parameters(settings, scale_g, nominal_hz, full_scale_counts)
        self._state = self._first_state()
        self._waiting = [self._state[name] for name in ("events_out", "tilts_out", "minutes_out")]
        self._rows = [self._state[name][0] for name in ("events", "tilts", "minutes")]

    def _first_state(self) -> NDArray[np.void]:
        state = np.zeros(1, lay.STATE)
        state["part_left"] = self._params["samples_per_step"]
        state["look_left"] = self._params["look_every"]
        state["quarter_left"] = self._params["quarter_steps"]
        state["quarter_whole"] = 1
        state["quarters"] = np.nan
        state["second_end"] = math.ceil(self._rate_hz)
        state["closed_step"] = -self._params["long_steps"] - 1
        state["inverse"] = state["whitening"] = 1.0
        return state

    @property
    def sample_index(self) -> int:
        """Index that the next sample will have."""
        return int(self._state["index"][0])

    def push(self, counts: ArrayLike) -> Detected:
        """Take the next samples, oldest first.

        Parameters
        ----------
        counts
            (n, 3), whole numbers, integer or float, in counts. A row with a NaN is a missing sample: it
            takes an index, and the filters restart on the first value after it. n may be 0.

        Raises
        ------
        ValueError
            For another shape.
        """
        block = np.asarray(counts)
        if block.ndim != 2 or block.shape[1] != 3:
            raise ValueError(f"samples must have the shape (n, 3), not {block.shape}")
        found = Detected([], [], [])
        for start in range(0, len(block), self._slice):
            self._take(block[start : start + self._slice])
            self._collect(found)
        return found

    def skip(self, lost: int) -> Detected:
        """Take `lost` missing samples."""
        found = Detected([], [], [])
        for start in range(0, lost, self._slice):
            self._kernel.skip(min(self._slice, lost - start), self._state, self._params)
            self._collect(found)
        return found

    def finish(self) -> Detected:
        """End the recording: close the open event; events that wait for their tilt are completed without."""
        self._kernel.end(self._state, self._params)
        found = Detected([], [], [])
        self._collect(found)
        return found

    def current_minute(self) -> list[Minute]:
        """Return the minute that is not over yet, as a list of one; empty before the first second."""
        return minutes_from(self._state["minute"].tolist(), self._mg, self._rate_hz)

    def motion_mg(self, since_sample: int) -> NDArray[np.float64]:
        """Return the norm of motion, as peaks are measured by, of each step (about 10 ms) since a sample.

        Of the last 10 s at the most; only of steps that are whole. Missing samples count as 0.
        """
        step = int(self._state["step"][0])
        first = max(since_sample // int(self._params["samples_per_step"][0]), step - lay.RING_STEPS)
        squares: NDArray[np.float64] = self._state["ring"][0, :, lay.SQUARE]
        motion_mg: NDArray[np.float64] = np.sqrt(squares[np.arange(first, step) % lay.RING_STEPS]) * self._mg
        return motion_mg

    def _take(self, block: NDArray[np.generic]) -> None:
        """Give a block to the kernel; rows with a NaN as missing samples."""
        if block.dtype.kind != "f":
            self._kernel.run(np.ascontiguousarray(block, np.int32), self._state, self._params)
            return
        missing = np.isnan(block).any(axis=1)
        edges = np.flatnonzero(np.diff(missing)) + 1
        for start, end in pairwise([0, *edges.tolist(), len(block)]):
            if missing[start]:
                self._kernel.skip(end - start, self._state, self._params)
            else:
                part = np.ascontiguousarray(block[start:end], np.int32)
                self._kernel.run(part, self._state, self._params)

    def _collect(self, found: Detected) -> None:
        """Move the rows that the kernel left into `found`."""
        if not any(count[0] for count in self._waiting):  # nearly always: to look costs less than to move
            return
        # As lists of tuples, all at once: to read records by name costs more than to find the events.
        events, tilts, minutes = (
            rows[: count[0]].tolist() if count[0] else []
            for rows, count in zip(self._rows, self._waiting, strict=True)
        )
        found.events.extend(self._event(row) for row in events)
        found.completions.extend(Completion(number, _known(tilt_deg)) for number, tilt_deg in tilts)
        found.minutes.extend(minutes_from(minutes, self._mg, self._rate_hz))
        for count in self._waiting:
            count[0] = 0

    def _event(self, row: tuple[Any, ...]) -> Event:
        """Return the event that a row of `layout.EVENT_ROW` describes."""
        number, onset, end, peak_square, mean_square, floor_square = row[:6]
        dominant_hz, top_to_low, sub_bursts, direction_ratio, train_hz = row[6:]
        ringing_s = ring_down_s(top_to_low, self.settings)
        return Event(
            number=number,
            onset_sample=onset,
            end_sample=end,
            peak_mg=math.sqrt(peak_square) * self._mg,
            rms_mg=math.sqrt(mean_square) * self._mg,
            dominant_hz=_known(dominant_hz),
            snr=math.sqrt(peak_square / floor_square),
            ring_down_s=ringing_s,
            kind=kind_of((end - onset) / self._rate_hz, ringing_s, self.settings),
            sub_bursts=sub_bursts,
            direction_ratio=_known(direction_ratio),
            train_hz=_known(train_hz),
        )


def _known(value: float) -> float | None:
    """Return a number that the kernel gave; None for its NaN."""
    return None if math.isnan(value) else value
