"""Where the ring-down of a bed comes from: by hand, from `bedtick tap`, or not from this bed at all."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import sqlite_utils

from bedtick.firmware.errors import StoreError
from bedtick.logger.check.finding import GOOD, WARNING, Finding
from bedtick.logger.rig import Rig
from bedtick.logger.settings import Settings, effective_ring_down_s
from bedtick.logger.store.database import open_database, store_errors
from bedtick.logger.tap.stored import SensorName, StoredCalibration, newest_calibration


def check_ring_down(rig: Rig, settings: Settings, path: Path) -> Finding:
    """Tell where the bed's ring-down comes from; a bed that was never tapped is no fault."""
    set_s = settings.detector.ring_down_s
    if set_s:
        return Finding("ring-down", GOOD, f"{set_s:g} s, set by hand")
    name = SensorName(rig.sensor.place, rig.chip.name, rig.bus_name, rig.address)
    try:
        with closing(open_database(path).conn) as connection, store_errors(path):
            stored = newest_calibration(sqlite_utils.Database(connection, execute_plugins=False), name)
    except StoreError:
        return Finding("ring-down", WARNING, "not known: the database can not be read")
    if stored is None:
        usual_s = effective_ring_down_s(settings.detector)
        advice = "bedtick tap measures it, in a minute"
        return Finding("ring-down", GOOD, f"not measured on this bed: {usual_s:g} s is taken", advice)
    return Finding("ring-down", GOOD, _told(stored))


def _told(stored: StoredCalibration) -> str:
    told = f"{stored.calibration.ring_down_s:.2f} s at {stored.calibration.resonance_hz:.1f} Hz, tapped"
    if stored.utc_ns is None:
        return f"{told} when the clock was not synchronised"
    return f"{told} on {datetime.fromtimestamp(stored.utc_ns / 1e9, UTC).astimezone():%Y-%m-%d}"
