"""What a night needs of the machine: the database, room on the disk, a clock, and the compiled detector."""

from __future__ import annotations

import shutil
from pathlib import Path

from bedtick.firmware.errors import BedtickError
from bedtick.logger.check.finding import FAILURE, GOOD, WARNING, Finding
from bedtick.logger.detector.detector import compiled_kernel
from bedtick.logger.store.database import open_database, recording_lock
from bedtick.logger.wall_clock import WallClock

FEW_NIGHTS = 30
NIGHT_HOURS = 8


def check_store(path: Path) -> tuple[Finding, bool]:
    """Open the database; also tell whether it is known that nothing records into it."""
    is_free = False
    try:
        with recording_lock(path) as is_free:
            open_database(path).conn.close()
    except BedtickError as error:
        advice = "nights can not be stored until this is solved"
        return Finding("database", FAILURE, str(error), advice), is_free
    return Finding("database", GOOD, f"{path} can be written"), is_free


def check_room(path: Path, night_bytes: float) -> Finding:
    """Look how much room the disk of the database has.

    Parameters
    ----------
    path
        The database; its folder exists.
    night_bytes
        What a night takes; 0 where that is not known.
    """
    return judge_room(shutil.disk_usage(path.parent).free, night_bytes)


def judge_room(free_bytes: float, night_bytes: float) -> Finding:
    """Judge the room on the disk by the nights that it has room for."""
    sentence = f"{_size(free_bytes)} free"
    if not night_bytes:
        return Finding("disk", GOOD, sentence)
    nights = int(free_bytes / night_bytes)
    sentence += f"; a night of {NIGHT_HOURS} h takes about {_size(night_bytes)}, so {nights} nights fit"
    if nights < 1:
        return Finding("disk", FAILURE, sentence, "make room, or choose another place with --db")
    if nights < FEW_NIGHTS:
        return Finding("disk", WARNING, sentence, "make room soon, or choose another place with --db")
    return Finding("disk", GOOD, sentence)


def _size(size_bytes: float) -> str:
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.0f} MB"


def check_wall(wall: WallClock) -> Finding:
    """Look whether the time of day can be trusted."""
    if wall.read().synced:
        return Finding("clock", GOOD, "synchronised")
    advice = "a night has no date until it is; a network cures it, `bedtick note` helps without one"
    return Finding("clock", WARNING, "not synchronised", advice)


def check_kernel() -> Finding:
    """Compile the detector, or load it as compiled."""
    if compiled_kernel().cached:
        return Finding("detector", GOOD, "compiled, and kept for the next start")
    advice = "its cache folder can not be written: each start compiles anew, which takes some seconds more"
    return Finding("detector", WARNING, "compiled for this start only", advice)
