"""One sensor at work: its chip, its sample clock, its detector and its recording, from first to last sample.

A daemon has one station for each sensor, and polls whichever is due next. Each has its own faults. What one
costs the others is the time of its transfers: little, but 200 ms for each that a stuck bus takes to time out.
While a chip is set up the others are polled (`driver_clock`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from bedtick.firmware.pins import Pins
from bedtick.firmware.sample_clock import SampleClock
from bedtick.logger.bedside.markers import marker_batch
from bedtick.logger.journal import Journal
from bedtick.logger.recorder import Recorder
from bedtick.logger.rig import Rig, choose_rate_hz
from bedtick.logger.sampling.interrupt import with_interrupt
from bedtick.logger.sampling.sampler import Sampler
from bedtick.logger.settings import Settings, with_ring_down
from bedtick.logger.store.batch import Batch, WallTime
from bedtick.logger.store.writer import Origin
from bedtick.logger.tap.stored import SensorName
from bedtick.logger.wall_clock import boot_id, time_zone

SECOND_NS = 1_000_000_000

log = logging.getLogger(__name__)


class Station:
    """The recording of one sensor.

    Parameters
    ----------
    rig
        What to sample; its chip has been identified. It is set up here, and measures from `start` on.
    settings
        All settings.
    journal
        Where the recording is written.
    pins
        The header, for the chip's interrupt line; None where the chip is drained by the clock alone.
    others_wait
        Whether other sensors sample, which a fault that takes long keeps waiting.

    Attributes
    ----------
    is_busy
        Whether it is in the middle of a poll: then it must not be polled again.

    Raises
    ------
    BusError, ChipError
        Where the chip can not be set up. Once it samples, faults are recorded and survived.
    SettingsError
        Where the chip does not offer the rate or the range that was set.
    """

    def __init__(
        self,
        rig: Rig,
        settings: Settings,
        journal: Journal,
        pins: Pins | None,
        others_wait: Callable[[], bool],
    ) -> None:
        self.is_busy = False
        self._rig = rig
        self._journal = journal
        self._others_wait = others_wait
        self._rate_hz = choose_rate_hz(rig.chip, rig.sensor, rig.sharing)
        self._configure()
        if rig.remark:
            log.warning("place %s: %s", rig.sensor.place, rig.remark)
        origin = self._origin()
        name = SensorName(origin.place, origin.chip, origin.bus, origin.address)
        settings = with_ring_down(settings, journal.tapped_s(name))
        self._recording = journal.prepare(origin, settings)
        self._times = SampleClock(origin.nominal_hz)
        self._recorder = Recorder(settings, origin, self._times, self._wall_at)
        self._sampler = self._make_sampler()
        self._wait_clock = with_interrupt(rig.clock, pins, settings.pins.interrupt, rig.chip, self._rate_hz)
        self._cause: str | None = "start"  # of the anchor that waits for a sample to stand at

    def start(self) -> None:
        """Begin to measure, and the recording with it.

        Apart from the set-up, so that no FIFO runs over while other sensors are set up.

        Raises
        ------
        BusError, ChipError
            Where the chip does not start: then there is no recording, and the station is of no more use.
        StoreError
            Where the recording can not be begun.
        """
        self._rig.chip.start()
        self._journal.begin(self._recording)
        self._sampler = self._make_sampler()  # its times begin now

    @property
    def next_poll_ns(self) -> int:
        """When `poll` is due, on the rig's clock."""
        return self._sampler.next_poll_ns

    @property
    def has_ended(self) -> bool:
        """Whether there is nothing more to sample."""
        return self._rig.has_ended()

    @property
    def is_in_trouble(self) -> bool:
        """Whether no samples come at present."""
        return bool(self._sampler.trouble)

    def wait(self) -> None:
        """Return when `poll` is due by the clock, or somewhat later by the chip's interrupt line."""
        self._wait_clock.sleep_until(self.next_poll_ns)

    def poll(self) -> None:
        """Drain the chip, or note why that could not be done."""
        self.is_busy = True
        try:
            self._sampler.poll()
        finally:
            self.is_busy = False
        if self._cause is not None and self._recorder.next_sample > 0:
            self._put(self._recorder.anchor(self._cause))
            self._cause = None

    def note_step(self) -> None:
        """Note that the wall clock stepped: the next samples get an anchor of their own."""
        self._cause = self._cause or "step"

    def mark(self, kind: str, boot_ns: int) -> None:
        """Store what a person marked, at the sample of that time."""
        self._put(marker_batch(kind, boot_ns, next_sample=self._recorder.next_sample, times=self._times))

    def end(self) -> None:
        """End the recording: what is open is closed and handed over."""
        self._sampler.count_silence(SECOND_NS)
        if self._recorder.next_sample > 0:
            self._put(self._recorder.anchor("stop"))
        self._put(self._recorder.finish())

    def _put(self, batch: Batch) -> None:
        self._journal.put(self._recording, batch)

    def _make_sampler(self) -> Sampler:
        return Sampler(
            self._rig.chip,
            self._rig.clock,
            set_up=self._set_up,
            recorder=self._recorder,
            times=self._times,
            put=self._put,
            others_wait=self._others_wait,
        )

    def _configure(self) -> None:
        self._rig.chip.identify()
        self._rig.chip.configure(self._rate_hz, self._rig.range_g)

    def _set_up(self) -> None:
        self._configure()
        self._rig.chip.start()

    def _origin(self) -> Origin:
        rig = self._rig
        return Origin(
            place=rig.sensor.place,
            chip=rig.chip.name,
            bus=rig.bus_name,
            address=rig.address,
            source=rig.source,
            source_digest=None,
            boot_id=boot_id(),
            time_zone=time_zone(),
            scale_g=rig.chip.scale_g[rig.range_g],
            full_scale_counts=rig.chip.full_scale_counts[rig.range_g],
            nominal_hz=rig.nominal_hz or float(self._rate_hz),
            start_boot_ns=rig.clock.boot_ns(),
        )

    def _wall_at(self, boot_ns: int) -> WallTime:
        """Return what the wall clock showed at a boot time not long ago."""
        now = self._rig.wall.read()
        if now.utc_ns is None:
            return now
        return WallTime(now.utc_ns - (self._rig.clock.boot_ns() - boot_ns), now.synced)
