"""Rigs without hardware: the emulated chip on a synthetic mattress or on a recording."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from pathlib import Path

from bedtick.firmware.clock import SystemClock
from bedtick.firmware.emulator import (
    EmulatedClock,
    Mattress,
    RecordingSource,
    TappedMattress,
    build_emulator,
)
from bedtick.firmware.emulator.sources import Source
from bedtick.firmware.recording_file import Recording, load_recording
from bedtick.logger.rig import Rig, find_chip
from bedtick.logger.settings import SensorSettings
from bedtick.logger.wall_clock import EmulatedWallClock, SystemWallClock

EMULATED_CHIP = "adxl345"  # what `--chip auto` finds on the emulated bus


@dataclass(frozen=True)
class World:
    """What an emulated chip is put into.

    Attributes
    ----------
    source
        What it feels.
    source_name
        Of the recording, as in the schema: `emulated` or `replay`.
    nominal_hz
        The rate of a recording; None for a mattress, which has the chip's own.
    start_utc_ns
        What the wall clock shows at first; None for a device that does not know the time.
    synced
        Whether that is to be trusted.
    seed
        Seed of the chip's noise.
    rate_error
        By what fraction the chip's oscillator is too fast.
    """

    source: Source
    source_name: str
    nominal_hz: float | None = None
    start_utc_ns: int | None = None
    synced: bool = False
    seed: int = 0
    rate_error: float = 0.0


def mattress_world(seed: int, *, rate_error: float = 0.0) -> World:
    """Return a synthetic bed whose wall clock shows the machine's own time."""
    wall = SystemWallClock().read()
    return World(Mattress(seed), "emulated", None, wall.utc_ns, wall.synced, seed=seed, rate_error=rate_error)


def tapped_world(seed: int) -> World:
    """Return the same bed with somebody who taps on it every few seconds."""
    return dataclasses.replace(mattress_world(seed), source=TappedMattress(seed))


def recording_world(recording: Recording, source_name: str) -> World:
    """Return a recording as something to feel: its own rate, and its own clock where it names one."""
    start_ns = recording.start_utc_ns
    return World(
        RecordingSource(recording), source_name, recording.nominal_hz, start_ns, start_ns is not None
    )


def emulated_world(file: Path | None, seed: int) -> World:
    """Return the world of `--bus emulated[:FILE]`.

    Raises
    ------
    RecordingError
        For a file that is no recording.
    """
    return mattress_world(seed) if file is None else recording_world(load_recording(file), "emulated")


def emulated_rig(world: World, chip: str, sensor: SensorSettings, *, at_real_speed: bool) -> Rig:
    """Put an emulated chip into a world and find it on its bus.

    Parameters
    ----------
    world
        What the chip feels.
    chip
        A chip's name, or `auto`.
    sensor
        The sensor's settings.
    at_real_speed
        True runs on the machine's clock, False as fast as the work allows.

    Raises
    ------
    SettingsError, ChipError, BusError
        As for a real one.
    """
    clock = (
        SystemClock()
        if at_real_speed
        else EmulatedClock(start_boot_ns=time.clock_gettime_ns(time.CLOCK_BOOTTIME))
    )
    name = EMULATED_CHIP if chip == "auto" else chip
    rig = build_emulator(world.source, clock, chip=name, rate_error=world.rate_error, seed=world.seed)
    driver, address = find_chip(rig.bus, chip, sensor, clock)
    return Rig(
        driver,
        address,
        "emulated",
        clock,
        EmulatedWallClock(clock, world.start_utc_ns, synced=world.synced),
        source=world.source_name,
        nominal_hz=world.nominal_hz,
        has_ended=lambda: rig.chip.ended,
    )
