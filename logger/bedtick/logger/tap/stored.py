"""Calibrations in the database: what was tapped with which sensor, and the newest of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import sqlite_utils

from bedtick.logger.store.batch import WallTime
from bedtick.logger.store.database import immediate
from bedtick.logger.store.writer import find_sensor, have_sensor, insert, software
from bedtick.logger.tap.judge import Calibration


@dataclass(frozen=True)
class SensorName:
    """What tells one sensor from another; fields as in the table `sensors`."""

    place: str
    chip: str
    bus: str
    address: int | None


@dataclass(frozen=True)
class StoredCalibration:
    """A calibration as it is stored; `utc_ns` is None where the clock was not to be trusted."""

    calibration: Calibration
    utc_ns: int | None


def store_calibration(
    db: sqlite_utils.Database, sensor: SensorName, calibration: Calibration, wall: WallTime
) -> None:
    """Insert a calibration (and its sensor, where new), in one short transaction."""
    values = asdict(calibration) | {
        "utc_ns": wall.utc_ns if wall.synced else None,
        "software": software(),
    }
    with immediate(db):
        insert(db, "calibrations", values | {"sensor_id": have_sensor(db, asdict(sensor))})


def newest_calibration(db: sqlite_utils.Database, sensor: SensorName) -> StoredCalibration | None:
    """Return what was last tapped with a sensor; None where nothing was."""
    row = db.execute(
        "SELECT taps, ring_down_s, resonance_hz, ring_down_spread, utc_ns FROM calibrations"
        " WHERE sensor_id = ? ORDER BY id DESC LIMIT 1",
        [find_sensor(db, asdict(sensor))],
    ).fetchone()
    return None if row is None else StoredCalibration(Calibration(*row[:4]), row[4])


def newest_calibrations(db: sqlite_utils.Database) -> dict[SensorName, StoredCalibration]:
    """Return what was last tapped with each sensor that ever was."""
    rows = db.execute(
        "SELECT place, chip, bus, address, taps, ring_down_s, resonance_hz, ring_down_spread, utc_ns"
        " FROM calibrations c JOIN sensors s ON s.id = c.sensor_id ORDER BY c.id"
    ).fetchall()
    return {SensorName(*row[:4]): StoredCalibration(Calibration(*row[4:8]), row[8]) for row in rows}
