"""One calibration on a rig: listens until five good taps were heard, and stores what they told."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bedtick.firmware.errors import BusError, StoreError
from bedtick.firmware.sample_clock import SampleClock
from bedtick.logger.rig import Rig, choose_rate_hz
from bedtick.logger.sampling.sampler import Sampler
from bedtick.logger.store.database import open_database, recording_lock, store_errors
from bedtick.logger.tap.judge import TAPS_WANTED, Calibration, CalibrationError, Measured, calibrate, measure
from bedtick.logger.tap.listener import TapListener
from bedtick.logger.tap.stored import SensorName, store_calibration

LASTS_S = 60.0
LOST_AFTER_S = 3.0


@dataclass(frozen=True)
class Telling:
    """How a calibration speaks with the person who taps.

    `begin` is told the rate in hertz once the sensor samples; `heard` each tap, and how many were good
    so far; `stop` is asked again and again whether to end.
    """

    begin: Callable[[int], None] = lambda _rate_hz: None
    heard: Callable[[Measured, int], None] = lambda _tap, _good: None
    stop: Callable[[], bool] = lambda: False


def calibrate_bed(
    open_rig: Callable[[], Rig], path: Path, telling: Telling
) -> tuple[SensorName, Calibration]:
    """Calibrate a bed from taps, and store the result in the database.

    Parameters
    ----------
    open_rig
        Opens the bus and finds the chip; not called while somebody else samples.
    path
        The database, opened before anybody taps for nothing.
    telling
        Speaks with the person.

    Raises
    ------
    StoreError
        Where a recording is running, or the database can not be written.
    BusError, ChipError, SettingsError
        Where the sensor can not be set up.
    CalibrationError
        Where the taps do not tell enough, the sensor was lost, or `telling` stopped it. Nothing is stored.
    """
    with recording_lock(path) as is_free:
        if not is_free:
            raise StoreError(
                f"database {path}: bedtick is recording, and two can not read one sensor; stop it "
                "(sudo systemctl stop bedtick), tap, then start it again"
            )
        db = open_database(path)
        try:
            rig = open_rig()
            name = SensorName(rig.sensor.place, rig.chip.name, rig.bus_name, rig.address)
            calibration = calibrate(_listen(rig, telling))
            with store_errors(path):
                store_calibration(db, name, calibration, rig.wall.read())
        finally:
            db.conn.close()
    return name, calibration


def _listen(rig: Rig, telling: Telling) -> list[Measured]:
    """Return the taps of a minute, or of as long as it takes until five of them are good."""
    rate_hz = choose_rate_hz(rig.chip, rig.sensor, rig.sharing)

    def set_up() -> None:
        rig.chip.identify()
        rig.chip.configure(rate_hz, rig.range_g)
        rig.chip.start()

    set_up()
    times = SampleClock(rig.nominal_hz or float(rate_hz))
    listener = TapListener(
        times.rate_hz, 1e3 * rig.chip.scale_g[rig.range_g], rig.chip.full_scale_counts[rig.range_g]
    )
    sampler = Sampler(
        rig.chip, rig.clock, set_up=set_up, recorder=listener, times=times, put=lambda _batch: None
    )
    telling.begin(rate_hz)
    watch = _Watch(rig, listener, telling)
    measured: list[Measured] = []
    try:
        while watch.goes_on() and _good(measured) < TAPS_WANTED:
            rig.clock.sleep_until(sampler.next_poll_ns)
            sampler.poll()
            for tap in listener.heard():
                measured.append(measure(tap, times.rate_hz))
                telling.heard(measured[-1], _good(measured))
    finally:
        with suppress(BusError):  # a sensor that was lost does not stop either
            rig.chip.stop()
    return measured


def _good(measured: list[Measured]) -> int:
    return sum(one.problem is None for one in measured)


class _Watch:
    """Ends the listening: after a minute, by hand, or where no sample comes any more."""

    def __init__(self, rig: Rig, listener: TapListener, telling: Telling) -> None:
        self._rig = rig
        self._listener = listener
        self._telling = telling
        self._last_new_ns = rig.clock.boot_ns()
        self._end_ns = self._last_new_ns + round(LASTS_S * 1e9)
        self._samples = 0

    def goes_on(self) -> bool:
        """Tell whether there is more to listen to.

        Raises CalibrationError where it was stopped, or the sensor is lost.
        """
        if self._telling.stop():
            raise CalibrationError("stopped before five taps were heard; nothing was changed")
        now_ns = self._rig.clock.boot_ns()
        if self._listener.next_sample > self._samples:
            self._samples, self._last_new_ns = self._listener.next_sample, now_ns
        if self._rig.has_ended():
            return False
        if now_ns - self._last_new_ns > LOST_AFTER_S * 1e9:
            why = f" ({self._listener.last_loss})" if self._listener.last_loss else ""
            raise CalibrationError(
                f"not calibrated: the sensor was lost{why}; check its wires, then `bedtick check`"
            )
        return now_ns < self._end_ns
