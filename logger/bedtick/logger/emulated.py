"""Rigs without hardware: emulated chips on a synthetic mattress or on a recording.

Several sensors lie on the same mattress and feel the same; each has its own noise. As in a real bed, each
answers on its own bus where the settings say so, else all on one.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bedtick.firmware.bus import I2CBus
from bedtick.firmware.chips import CHIPS
from bedtick.firmware.clock import Clock, SystemClock
from bedtick.firmware.emulator import (
    EmulatedAdapter,
    EmulatedChip,
    EmulatedClock,
    Mattress,
    RecordingSource,
    TappedMattress,
)
from bedtick.firmware.emulator.chips import EMULATED_CHIPS
from bedtick.firmware.emulator.sources import Source
from bedtick.firmware.recording_file import Recording, load_recording
from bedtick.logger.rig import Rig, Seat, Site, check_told_apart, count_sharing, find_rig
from bedtick.logger.sampling.driver_clock import DriverClock
from bedtick.logger.settings import AUTO, SensorSettings
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
        Seed of the chips' noise.
    rate_error
        By what fraction the chips' oscillators are too fast.
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


def emulated_rig(world: World, sensor: SensorSettings, *, at_real_speed: bool) -> Rig:
    """Put one emulated chip into a world and find it; as `emulated_site`."""
    (seat,) = emulated_site(world, (sensor,), at_real_speed=at_real_speed).seats
    return seat.open_rig()


def emulated_site(world: World, sensors: Sequence[SensorSettings], *, at_real_speed: bool) -> Site:
    """Put an emulated chip for each sensor into a world.

    Parameters
    ----------
    world
        What the chips feel.
    sensors
        Of the settings; each chip is put where its sensor is said to be.
    at_real_speed
        True runs on the machine's clock, False as fast as the work allows.

    Raises
    ------
    SettingsError
        Where two sensors could not be told apart.
    """
    check_told_apart(sensors)
    clock: Clock = (
        SystemClock()
        if at_real_speed
        else EmulatedClock(start_boot_ns=time.clock_gettime_ns(time.CLOCK_BOOTTIME))
    )
    wall = EmulatedWallClock(clock, world.start_utc_ns, synced=world.synced)
    site = Site(clock, wall, world.source_name, (), DriverClock(clock))
    placed = [_place(world, sensor, clock, number) for number, sensor in enumerate(sensors)]
    buses = {
        sensor.bus: _wire([one for one in placed if one.sensor.bus == sensor.bus], clock)
        for sensor in sensors
    }

    def open_rig(one: _Placed) -> Rig:
        rig = find_rig(site, buses[one.sensor.bus], one.sensor, count_sharing(one.sensor, sensors))
        return dataclasses.replace(rig, nominal_hz=world.nominal_hz, has_ended=lambda: one.chip.ended)

    return dataclasses.replace(site, seats=tuple(Seat(one.sensor, partial(open_rig, one)) for one in placed))


@dataclass(frozen=True)
class _Placed:
    """A sensor of the settings as an emulated chip, and where that answers."""

    sensor: SensorSettings
    chip: EmulatedChip
    address: int


def _place(world: World, sensor: SensorSettings, clock: Clock, number: int) -> _Placed:
    kind, usual_address = EMULATED_CHIPS[_emulated_name(sensor)]
    chip = kind(world.source, clock, rate_error=world.rate_error, seed=world.seed + number)
    return _Placed(sensor, chip, sensor.address or usual_address)


def _emulated_name(sensor: SensorSettings) -> str:
    """Return which chip to emulate: the one that was named, else the usual one or one of that address."""
    if sensor.chip != AUTO:
        return sensor.chip
    fitting = [name for name in EMULATED_CHIPS if sensor.address in CHIPS[name].addresses]
    return EMULATED_CHIP if not fitting or EMULATED_CHIP in fitting else fitting[0]


def _wire(placed: Sequence[_Placed], clock: Clock) -> I2CBus:
    devices = {one.address: one.chip for one in placed}
    return I2CBus(EmulatedAdapter(devices, clock, faults=placed[0].chip.faults), "emulated")
