"""Listens to a sensor and tells many times a second how strongly it moves; nothing is stored.

Samples go through the daemon's own sampler and detector. Every frame (12 a second) tells the level: the
largest motion since the frame before, measured as the peak of an event is. The floor is a low quantile of
the levels of the last half minute, so that a person who moves now and then does not lift it.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bedtick.firmware.errors import BusError, StoreError
from bedtick.firmware.sample_clock import SampleClock
from bedtick.logger.detector.detector import Detected, Detector
from bedtick.logger.detector.events import Event, final_kind
from bedtick.logger.rig import Rig, choose_rate_hz
from bedtick.logger.sampling.sampler import Sampler
from bedtick.logger.settings import DetectorSettings
from bedtick.logger.store.batch import Batch
from bedtick.logger.store.database import recording_lock

SECOND_NS = 1_000_000_000
FRAME_NS = SECOND_NS // 12
FLOOR_FRAMES = 360  # half a minute
FEWEST_FLOOR_FRAMES = 24  # before there is a floor
FLOOR_QUANTILE = 0.2
HOLD_FRAMES = 36  # three seconds
MOST_EVENTS = 50  # kept for who shows them


@dataclass(frozen=True)
class LiveEvent:
    """One event: its number from 1 on, its onset since the beginning, its kind as known so far, its peak."""

    number: int
    start_s: float
    kind: str
    peak_mg: float


@dataclass(frozen=True)
class Frame:
    """What can be told at one moment.

    Attributes
    ----------
    time_s
        Since the beginning.
    level_mg
        The largest motion since the frame before; None where no sample came.
    peak_mg, floor_mg
        The largest level of the last three seconds, and the noise floor; None where not known.
    rate_hz
        As measured.
    lost
        Samples lost so far.
    events
        The newest ones, oldest first.
    trouble
        What keeps samples from coming, in words; empty while they come.
    """

    time_s: float
    level_mg: float | None
    peak_mg: float | None
    floor_mg: float | None
    rate_hz: float
    lost: int
    events: tuple[LiveEvent, ...]
    trouble: str


class LiveListener:
    """Takes samples as a recorder does, and keeps what was found in them.

    Parameters
    ----------
    settings
        What counts as an event.
    detector
        A new one.
    rate_hz
        The nominal rate.

    Attributes
    ----------
    events
        The newest ones, oldest first.
    lost
        Samples lost so far.
    """

    def __init__(self, settings: DetectorSettings, detector: Detector, rate_hz: float) -> None:
        self.events: deque[LiveEvent] = deque(maxlen=MOST_EVENTS)
        self.lost = 0
        self._settings = settings
        self._detector = detector
        self._rate_hz = rate_hz
        self._told = 0  # samples whose level was asked for

    @property
    def next_sample(self) -> int:
        """Index that the next sample will have."""
        return self._detector.sample_index

    def take(self, counts: NDArray[np.int32]) -> Batch:
        """Take samples, (n, 3) counts, that follow the last ones without a gap; nothing is to be stored."""
        self._note(self._detector.push(counts))
        return Batch()

    def lose(self, lost: int, kind: str, detail: str) -> Batch:  # noqa: ARG002  a sampler tells more than is shown
        """Note that samples never came."""
        self.lost += lost
        self._note(self._detector.skip(lost))
        return Batch()

    def level_mg(self) -> float | None:
        """Return the largest motion since this was asked last; None where no step of samples was whole."""
        motion_mg = self._detector.motion_mg(self._told)
        self._told = self.next_sample
        return float(motion_mg.max()) if len(motion_mg) else None

    def _note(self, detected: Detected) -> None:
        self.events.extend(self._live(event) for event in detected.events)
        tilts_deg = {completion.number: completion.tilt_deg for completion in detected.completions}
        for place, event in enumerate(self.events):
            if event.number in tilts_deg:
                kind = final_kind(event.kind, tilts_deg[event.number], self._settings)
                self.events[place] = dataclasses.replace(event, kind=kind)

    def _live(self, event: Event) -> LiveEvent:
        return LiveEvent(event.number, event.onset_sample / self._rate_hz, event.kind, event.peak_mg)


class Meter:
    """Levels in, noise floor and held peak out."""

    def __init__(self) -> None:
        self._levels: deque[float] = deque(maxlen=FLOOR_FRAMES)

    def add(self, level_mg: float | None) -> None:
        """Take the level of a frame; None, where no sample came, is left out."""
        if level_mg is not None:
            self._levels.append(level_mg)

    @property
    def floor_mg(self) -> float | None:
        """A low quantile of the last half minute; None in the first two seconds."""
        if len(self._levels) < FEWEST_FLOOR_FRAMES:
            return None
        return float(np.quantile(self._levels, FLOOR_QUANTILE))

    @property
    def peak_mg(self) -> float | None:
        """The largest level of the last three seconds; None before the first."""
        return max(list(self._levels)[-HOLD_FRAMES:], default=None)


@contextmanager
def free_sensor(path: Path) -> Iterator[None]:
    """Keep a recording from beginning meanwhile; raise StoreError where one is running.

    Parameters
    ----------
    path
        The database that would be recorded into; where there is none, nobody records.
    """
    if not path.exists():
        yield
        return
    with recording_lock(path) as is_free:
        if not is_free:
            raise StoreError(
                f"database {path}: bedtick is recording, and two can not read one sensor; stop it "
                "(sudo systemctl stop bedtick), place the sensor, then start it again"
            )
        yield


def watch(
    rig: Rig, settings: DetectorSettings, show: Callable[[Frame], None], stop: Callable[[], bool]
) -> None:
    """Listen until `stop` says so or the sensor comes to its end, and show a frame many times a second.

    Parameters
    ----------
    rig
        What to sample.
    settings
        What counts as an event.
    show
        Given each frame.
    stop
        Asked before each wait.

    Raises
    ------
    BusError, ChipError, SettingsError
        Where the sensor can not be set up. Later faults are told in the frames, and survived.
    """
    rate_hz = choose_rate_hz(rig.chip, rig.sensor, rig.sharing)

    def set_up() -> None:
        rig.chip.identify()
        rig.chip.configure(rate_hz, rig.range_g)
        rig.chip.start()

    times = SampleClock(rig.nominal_hz or float(rate_hz))
    scale_g, full_scale_counts = rig.chip.scale_g[rig.range_g], rig.chip.full_scale_counts[rig.range_g]
    detector = Detector(settings, scale_g, times.rate_hz, full_scale_counts)
    listener = LiveListener(settings, detector, times.rate_hz)
    set_up()
    sampler = Sampler(
        rig.chip, rig.clock, set_up=set_up, recorder=listener, times=times, put=lambda _batch: None
    )
    meter = Meter()
    try:
        for time_s in _frames(rig, sampler, stop):
            meter.add(level_mg := listener.level_mg())
            events, trouble = tuple(listener.events), sampler.trouble
            show(
                Frame(
                    time_s,
                    level_mg,
                    meter.peak_mg,
                    meter.floor_mg,
                    times.rate_hz,
                    listener.lost,
                    events,
                    trouble,
                )
            )
    finally:
        with suppress(BusError):  # a sensor that was lost does not stop either
            rig.chip.stop()


def _frames(rig: Rig, sampler: Sampler, stop: Callable[[], bool]) -> Iterator[float]:
    """Poll the sampler when that is due; yield the time when a frame is, whatever the sampler waits for."""
    clock = rig.clock
    start_ns = next_frame_ns = clock.boot_ns()
    while not stop() and not rig.has_ended():
        clock.sleep_until(min(sampler.next_poll_ns, next_frame_ns))
        now_ns = clock.boot_ns()
        if now_ns >= sampler.next_poll_ns:
            sampler.poll()
        if now_ns >= next_frame_ns:
            yield (now_ns - start_ns) / SECOND_NS
            # Where showing takes long, frames are left out rather than made up for.
            next_frame_ns = max(next_frame_ns + FRAME_NS, clock.boot_ns())
