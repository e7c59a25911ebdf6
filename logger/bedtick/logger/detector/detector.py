"""The streaming detector: blocks of counts in, events, completions and minutes out."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bedtick.logger.detector import filters
from bedtick.logger.detector import layout as lay
from bedtick.logger.detector.compiled import Kernel, load_kernel
from bedtick.logger.detector.events import Completion, Event, Minute, kind_of, ring_down_s
from bedtick.logger.detector.minutes import MinuteGatherer
from bedtick.logger.detector.parameters import kernel_parameters
from bedtick.logger.settings import DetectorSettings

SLOWEST_HZ = 50.0  # below, the windows hold too few samples to tell a jerk from noise
SLICE = 4096  # samples a call of the kernel: its rows of results always have room


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
        self._sections = filters.design(settings.band_low_hz, settings.band_high_hz, nominal_hz)
        self._params = kernel_parameters(settings, scale_g, nominal_hz, full_scale_counts, self._sections)
        self._state = self._first_state()
        self._filters = np.zeros((4, 3, 2))
        self._sums = np.zeros(14)
        self._ring = np.zeros((lay.RING_STEPS, lay.STEP_COLUMNS))
        self._history = np.zeros((settings.floor_window_s, lay.HISTORY_COLUMNS))
        self._inverse = np.ones(3)
        self._quarters = np.full((lay.RING_QUARTERS, 3), np.nan)
        self._pending = np.zeros(lay.MOST_PENDING, lay.PENDING_ROW)
        self._events = np.zeros(lay.MOST_EVENTS, lay.EVENT_ROW)
        self._tilts = np.zeros(lay.MOST_EVENTS, lay.TILT_ROW)
        self._seconds = np.zeros(lay.MOST_SECONDS, lay.SECOND_ROW)
        self._scratch = np.zeros((2, max(settings.floor_window_s, lay.TILT_QUARTERS)))
        self._work = np.empty((SLICE, 3))
        self._minutes = MinuteGatherer(scale_g, nominal_hz)

    def _first_state(self) -> NDArray[np.void]:
        state = np.zeros(1, lay.STATE)
        state["step_left"] = self._params["samples_per_step"]
        state["quarter_left"] = self._params["quarter_steps"]
        state["quarter_whole"] = 1
        state["second_end"] = math.ceil(self._rate_hz)
        state["closed_step"] = -self._params["long_steps"] - 1
        state["caution"] = 1.0
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
            (n, 3), whole numbers or float, in counts. A row with a NaN is a missing sample: it takes
            an index, and the filters restart on the first value after it. n may be 0.

        Raises
        ------
        ValueError
            For another shape.
        """
        block = np.asarray(counts)
        if block.ndim != 2 or block.shape[1] != 3:
            raise ValueError(f"samples must have the shape (n, 3), not {block.shape}")
        found = Detected([], [], [])
        for start in range(0, len(block), SLICE):
            part = block[start : start + SLICE]
            work = self._work[: len(part)]
            work[:] = part
            self._run(work)
            self._collect(found)
        return found

    def skip(self, lost: int) -> Detected:
        """Take `lost` missing samples."""
        found = Detected([], [], [])
        for start in range(0, lost, SLICE):
            work = self._work[: min(SLICE, lost - start)]
            work[:] = np.nan
            self._run(work)
            self._collect(found)
        return found

    def finish(self) -> Detected:
        """End the recording: close the open event; events that wait for their tilt are completed without."""
        self._kernel.end(
            self._state, self._params, self._ring, self._history, self._inverse, self._quarters,
            self._pending, self._events, self._tilts, self._seconds, self._scratch,
        )  # fmt: skip
        found = Detected([], [], [])
        self._collect(found)
        found.minutes.extend(self._minutes.current())
        return found

    def current_minute(self) -> list[Minute]:
        """Return the minute that is not over yet, as a list of one; empty before the first second."""
        return self._minutes.current()

    def _run(self, work: NDArray[np.float64]) -> None:
        self._kernel.run(
            work, self._state, self._params, self._sections, self._filters, self._sums, self._ring,
            self._history, self._inverse, self._quarters, self._pending, self._events, self._tilts,
            self._seconds, self._scratch,
        )  # fmt: skip

    def _collect(self, found: Detected) -> None:
        """Move the rows that the kernel left into `found`."""
        state = self._state
        for row in self._events[: state["events_out"][0]].tolist():
            found.events.append(self._event(*row))
        for number, tilt_deg in self._tilts[: state["tilts_out"][0]].tolist():
            found.completions.append(Completion(number, None if math.isnan(tilt_deg) else tilt_deg))
        found.minutes.extend(self._minutes.add(self._seconds[: state["seconds_out"][0]]))
        state["events_out"] = state["tilts_out"] = state["seconds_out"] = 0

    def _event(self, *row: float) -> Event:
        number, onset, end, peak_square, mean_square, floor_square, dominant_hz, top_to_low = row
        ringing_s = ring_down_s(top_to_low, self.settings)
        return Event(
            number=int(number),
            onset_sample=int(onset),
            end_sample=int(end),
            peak_mg=math.sqrt(peak_square) * self._mg,
            rms_mg=math.sqrt(mean_square) * self._mg,
            dominant_hz=None if math.isnan(dominant_hz) else dominant_hz,
            snr=math.sqrt(peak_square / floor_square),
            ring_down_s=ringing_s,
            kind=kind_of((end - onset) / self._rate_hz, ringing_s, self.settings),
        )
