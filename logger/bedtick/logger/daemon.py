"""The daemon: one recording from the first sample to the signal that ends it.

Two threads. This one, the sampling thread, drains the chip, runs the detector and packs raw samples;
the other, in `store.thread`, commits. Nothing here waits for the disk, except on emulated time, which
can stand still: there every batch is committed before time goes on, so that the promise about a pulled
plug holds however fast the night runs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import sqlite_utils

from bedtick.firmware.clock import SystemClock
from bedtick.firmware.errors import StoreError
from bedtick.firmware.sample_clock import SampleClock
from bedtick.logger.detector.detector import compiled_kernel
from bedtick.logger.recorder import Recorder
from bedtick.logger.rig import Rig, choose_rate_hz
from bedtick.logger.sampler import Sampler
from bedtick.logger.settings import Settings, with_ring_down
from bedtick.logger.store.batch import Batch, WallTime
from bedtick.logger.store.database import (
    checkpoint_by_itself,
    immediate,
    open_database,
    recording_lock,
    store_errors,
)
from bedtick.logger.store.recovery import close_unplugged
from bedtick.logger.store.thread import WriterThread
from bedtick.logger.store.writer import Origin, RecordingWriter, add_recording, add_scoring
from bedtick.logger.tap.stored import SensorName, newest_calibration
from bedtick.logger.wall_clock import StepWatch, boot_id, time_zone

SECOND_NS = 1_000_000_000
EMULATED_TRIES = 3  # an emulated night can be had again: it does not wait for a full disk to get room

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Control:
    """How others reach into a running recording.

    `stop` is asked before every drain; `progress` is told once a second how many ns have passed on the
    rig's clock.
    """

    stop: Callable[[], bool] = lambda: False
    progress: Callable[[int], None] = lambda _ns: None


def record(
    rig: Rig,
    settings: Settings,
    path: Path,
    control: Control,
) -> int:
    """Record until `control` says so or the rig comes to its end; return the recording's id.

    Parameters
    ----------
    rig
        What to sample; its chip has been identified.
    settings
        All settings.
    path
        The database.
    control
        Ends the recording, and is told how far it is.

    Raises
    ------
    StoreError
        Where the database can not be opened, or did not take everything at the end.
    BusError, ChipError
        Where the chip can not be set up. Once it samples, faults are recorded and survived.
    """
    with ExitStack() as held:
        # A replay is no daemon: neither does it wait for one, nor may a service wait for it.
        is_daemon = rig.source != "replay"
        if is_daemon and not held.enter_context(recording_lock(path)):
            raise StoreError(
                f"database {path}: bedtick records into it already; stop that, or use another --db"
            )
        db = open_database(path)
        held.callback(db.conn.close)
        if is_daemon:
            with store_errors(path):
                checkpoint_by_itself(db)
                close_unplugged(db)
        return _record(db, rig, settings, path, control)


def _record(
    db: sqlite_utils.Database,
    rig: Rig,
    settings: Settings,
    path: Path,
    control: Control,
) -> int:
    rate_hz = choose_rate_hz(rig.chip, settings.sensor)
    compiled_kernel()  # may take a while, so before the chip begins to fill its FIFO

    def set_up() -> None:
        rig.chip.identify()
        rig.chip.configure(rate_hz, settings.sensor.range_g)
        rig.chip.start()

    set_up()
    origin = _origin(rig, settings, rate_hz)
    settings = with_ring_down(settings, _tapped_s(db, origin, path))
    writer = _begin(db, origin, settings, path)
    thread = WriterThread(writer, SystemClock().boot_ns)
    times = SampleClock(origin.nominal_hz)

    def stop() -> bool:
        # Sampling on without a writer would be a night for nothing: end, and let the service start anew.
        is_stuck = not rig.clock.is_real and thread.failures >= EMULATED_TRIES
        return control.stop() or is_stuck or not thread.is_alive

    def put(batch: Batch) -> None:
        thread.put(batch)
        if not rig.clock.is_real:
            thread.wait_until_written(stop)

    recorder = Recorder(settings, origin, times, lambda boot_ns: _wall_at(rig, boot_ns))
    sampler = Sampler(rig.chip, rig.clock, set_up=set_up, recorder=recorder, times=times, put=put)
    log.info("recording %d: %s at %d Hz into %s", writer.recording_id, rig.chip.name, rate_hz, path)
    thread.start()
    try:
        _sample(rig, sampler, recorder, put, Control(stop, control.progress))
    finally:
        sampler.count_silence(SECOND_NS)
        if recorder.next_sample > 0:
            thread.put(recorder.anchor("stop"))
        thread.put(recorder.finish())
        lost = thread.close()
    if lost:
        raise StoreError(
            f"database {path}: the last {lost} batches could not be stored ({thread.trouble}); check the disk"
        )
    log.info("recording %d ended", writer.recording_id)
    return writer.recording_id


def _origin(rig: Rig, settings: Settings, rate_hz: int) -> Origin:
    return Origin(
        place=settings.sensor.place,
        chip=rig.chip.name,
        bus=rig.bus_name,
        address=rig.address,
        source=rig.source,
        source_digest=None,
        boot_id=boot_id(),
        time_zone=time_zone(),
        scale_g=rig.chip.scale_g[settings.sensor.range_g],
        full_scale_counts=rig.chip.full_scale_counts[settings.sensor.range_g],
        nominal_hz=rig.nominal_hz or float(rate_hz),
        start_boot_ns=rig.clock.boot_ns(),
    )


def _tapped_s(db: sqlite_utils.Database, origin: Origin, path: Path) -> float | None:
    """Return the ring-down that was last tapped with this sensor; None where it never was."""
    with store_errors(path):
        stored = newest_calibration(db, SensorName(origin.place, origin.chip, origin.bus, origin.address))
    return None if stored is None else stored.calibration.ring_down_s


def _begin(db: sqlite_utils.Database, origin: Origin, settings: Settings, path: Path) -> RecordingWriter:
    """Insert the recording and its live scoring; whoever reads the file sees it running from here on."""
    with store_errors(path), immediate(db):
        recording_id = add_recording(db, origin, SystemClock().boot_ns())
        scoring_id = add_scoring(db, recording_id, settings.detector, live=True)
    return RecordingWriter(db, recording_id, scoring_id)


def _wall_at(rig: Rig, boot_ns: int) -> WallTime:
    """Return what the wall clock showed at a boot time not long ago."""
    now = rig.wall.read()
    if now.utc_ns is None:
        return now
    return WallTime(now.utc_ns - (rig.clock.boot_ns() - boot_ns), now.synced)


def _sample(
    rig: Rig,
    sampler: Sampler,
    recorder: Recorder,
    put: Callable[[Batch], None],
    control: Control,
) -> None:
    """Drain in time, and look at the wall clock once a second."""
    start_ns = next_second_ns = rig.clock.boot_ns()
    watch = StepWatch(start_ns, rig.wall.read())
    cause: str | None = "start"  # of the anchor that waits for a sample to stand at
    while not (control.stop() or rig.has_ended()):
        rig.clock.sleep_until(sampler.next_poll_ns)
        sampler.poll()
        now_ns = rig.clock.boot_ns()
        if now_ns >= next_second_ns:
            next_second_ns = now_ns + SECOND_NS
            if watch.stepped(now_ns, rig.wall.read()):
                cause = cause or "step"
            control.progress(now_ns - start_ns)
        if cause is not None and recorder.next_sample > 0:
            put(recorder.anchor(cause))
            cause = None
