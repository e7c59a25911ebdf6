"""Is the device healthy? One finding for each thing that a night needs, and what to do where it is not."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import sqlite_utils
from numpy.typing import NDArray

from bedtick.firmware.chips import Chip
from bedtick.firmware.clock import Clock
from bedtick.firmware.errors import BedtickError, StoreError
from bedtick.firmware.sample_clock import SampleClock
from bedtick.logger.detector.detector import compiled_kernel
from bedtick.logger.rig import Rig, choose_rate_hz
from bedtick.logger.settings import Settings, effective_ring_down_s
from bedtick.logger.store.database import open_database, recording_lock, store_errors
from bedtick.logger.tap.stored import SensorName, StoredCalibration, newest_calibration
from bedtick.logger.wall_clock import WallClock

GOOD, WARNING, FAILURE = "ok", "warning", "failure"
LISTEN_S = 3.0  # long enough to see a stuck or shaking sensor, and a rate that is badly off
DRAIN_NS = 20_000_000
MOST_RATE_ERROR = 0.1  # several times what oscillators of such chips are off by
SHAKING_MG = 60.0  # rms about the mean: several times the noise of the worst chip in use


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: `state` is ok, warning or failure; `advice` may be empty."""

    what: str
    state: str
    sentence: str
    advice: str = ""


def check_device(open_rig: Callable[[], Rig], settings: Settings, path: Path) -> Iterator[Finding]:
    """Look at everything that a night needs; findings come as they are made.

    Parameters
    ----------
    open_rig
        Opens the bus and finds the chip.
    settings
        All settings.
    path
        The database; it is opened, and made where it is missing, as the daemon would.
    """
    store, is_free = _check_store(path)
    yield store
    if is_free:
        yield from _check_sensor(open_rig, settings, path)
    elif store.state == GOOD:
        yield Finding("sensor", GOOD, "a recording is running, so the sensor is left alone")
    else:
        yield Finding("sensor", WARNING, "left alone: it can not be told whether a recording is running")
    yield _check_kernel()


def _check_store(path: Path) -> tuple[Finding, bool]:
    """Open the database; also tell whether it is known that nothing records into it."""
    is_free = False
    try:
        with recording_lock(path) as is_free:
            open_database(path).conn.close()
    except BedtickError as error:
        return Finding(
            "database", FAILURE, str(error), "nights can not be stored until this is solved"
        ), is_free
    return Finding("database", GOOD, f"{path} can be written"), is_free


def _check_sensor(open_rig: Callable[[], Rig], settings: Settings, path: Path) -> Iterator[Finding]:
    sensor = settings.sensor
    try:
        rig = open_rig()
        yield Finding("sensor", GOOD, f"{rig.chip.name} at 0x{rig.address:02X} on {rig.bus_name}")
        yield _check_wall(rig.wall)
        rate_hz = choose_rate_hz(rig.chip, sensor)
        rig.chip.configure(rate_hz, sensor.range_g)
        yield _check_self(rig.chip)
        rig.chip.configure(rate_hz, sensor.range_g)
        yield from _listen(rig.chip, rig.clock, rate_hz, 1e3 * rig.chip.scale_g[sensor.range_g])
        yield _check_ring_down(rig, settings, path)
    except BedtickError as error:
        yield Finding("sensor", FAILURE, str(error))  # the message says what to do


def _check_ring_down(rig: Rig, settings: Settings, path: Path) -> Finding:
    """Tell where the bed's ring-down comes from; a bed that was never tapped is no fault."""
    set_s = settings.detector.ring_down_s
    if set_s:
        return Finding("ring-down", GOOD, f"{set_s:g} s, set by hand")
    name = SensorName(settings.sensor.place, rig.chip.name, rig.bus_name, rig.address)
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


def _check_wall(wall: WallClock) -> Finding:
    if wall.read().synced:
        return Finding("clock", GOOD, "synchronised")
    advice = "nights before it is have no date until it is synchronised; a network or a clock module cures it"
    return Finding("clock", WARNING, "not synchronised", advice)


def _check_self(chip: Chip) -> Finding:
    result = chip.self_test()
    if result.passed:
        return Finding("self-test", GOOD, result.sentence)
    return Finding("self-test", FAILURE, result.sentence, "replace the sensor, or check its supply of 3.3 V")


def _listen(chip: Chip, clock: Clock, rate_hz: int, mg_per_count: float) -> Iterator[Finding]:
    """Sample for some seconds and judge the rate, the losses and the noise."""
    times, blocks, overruns = SampleClock(float(rate_hz)), [], 0
    count = 0
    chip.start()
    end_ns = clock.boot_ns() + round(LISTEN_S * 1e9)
    while clock.boot_ns() < end_ns:
        clock.sleep_until(clock.boot_ns() + DRAIN_NS)
        block = chip.drain()
        times.observe(count + block.produced, block.boot_ns, block.read_ns)
        count += len(block.counts)
        overruns += block.overrun
        blocks.append(block.counts)
    chip.stop()
    yield _judge_rate(times.rate_hz, rate_hz, overruns)
    yield _judge_noise(np.concatenate(blocks) * mg_per_count)


def _judge_rate(measured_hz: float, rate_hz: int, overruns: int) -> Finding:
    sentence = f"{measured_hz:.1f} Hz measured, {rate_hz} Hz asked for"
    if abs(measured_hz / rate_hz - 1) > MOST_RATE_ERROR:
        return Finding(
            "rate", WARNING, sentence, "times will be right, but this sensor is not what it should be"
        )
    if overruns:
        advice = "the machine is too busy, or the bus too slow: set dtparam=i2c_arm_baudrate=400000"
        return Finding("rate", WARNING, f"{sentence}, samples lost {overruns} times", advice)
    return Finding("rate", GOOD, f"{sentence}, no sample lost")


def _judge_noise(samples_mg: NDArray[np.floating[Any]]) -> Finding:
    if len(samples_mg) == 0:
        return Finding(
            "signal", FAILURE, "no sample came", "switch the device off and on; then check the wires"
        )
    spread = samples_mg.std(axis=0)
    rms_mg = math.sqrt(float((spread**2).sum()))
    gravity_g = float(np.linalg.norm(samples_mg.mean(axis=0))) / 1e3
    sentence = f"{rms_mg:.1f} mg of noise about {gravity_g:.2f} g"
    if not spread.any():
        return Finding("signal", FAILURE, f"stuck: {sentence}", "the sensor repeats one value; replace it")
    if not 0.8 < gravity_g < 1.2:
        return Finding("signal", WARNING, sentence, "at rest it should feel 1 g; is it moving, or damaged?")
    if rms_mg > SHAKING_MG:
        return Finding(
            "signal", WARNING, sentence, "something shakes the sensor; check again when the bed is quiet"
        )
    return Finding("signal", GOOD, sentence)


def _check_kernel() -> Finding:
    if compiled_kernel().cached:
        return Finding("detector", GOOD, "compiled, and kept for the next start")
    advice = "its cache folder can not be written: each start compiles anew, which takes some seconds more"
    return Finding("detector", WARNING, "compiled for this start only", advice)
