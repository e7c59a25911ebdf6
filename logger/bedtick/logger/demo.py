"""A short emulated night through the whole daemon, and everything that is true about it."""

from __future__ import annotations

import dataclasses
import random
from datetime import UTC, datetime
from pathlib import Path

from bedtick.firmware.emulator import Mattress, TrueEvent
from bedtick.logger.daemon import Control, record
from bedtick.logger.emulated import emulated_rig, mattress_world
from bedtick.logger.rig import site_of
from bedtick.logger.settings import Settings

NIGHT_S = 1800.0  # four stretches: quiet, isolated, jerks in bouts, one every half minute
START = datetime(2026, 1, 10, 22, 30, 10, tzinfo=UTC)
MOST_RATE_ERROR = 0.03  # oscillators of this class of chip are off by as much


def record_demo(path: Path, seed: int, control: Control) -> tuple[int, list[TrueEvent]]:
    """Record an emulated night into a database; return the recording's id and what was put in.

    Parameters
    ----------
    path
        The database.
    seed
        Draws the bed, the sleeper, the chip's noise and the error of its oscillator.
    control
        Ends the night early, and is told how far it is.
    """
    settings = Settings()
    rate_error = random.Random(seed).uniform(-MOST_RATE_ERROR, MOST_RATE_ERROR)  # noqa: S311  no secret
    world = mattress_world(seed, rate_error=rate_error)
    start_ns = round(START.timestamp()) * 10**9
    world = dataclasses.replace(world, start_utc_ns=start_ns, synced=True)
    rig = emulated_rig(world, settings.sensor, at_real_speed=False)
    end_ns = rig.clock.boot_ns() + round(NIGHT_S * 1e9)
    rig = dataclasses.replace(rig, has_ended=lambda: rig.clock.boot_ns() >= end_ns)
    (recording_id,) = record(site_of(rig), settings, path, control)
    return recording_id, Mattress(seed).truth(0.0, NIGHT_S)
