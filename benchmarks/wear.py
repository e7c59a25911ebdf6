"""How much a quiet night writes to the card: flushes and bytes of the daemon over 8 emulated hours at 400 Hz.

The daemon, the emulated ADXL345 and SQLite are as they are; a library in C (tests/device/disk_shim) stands
between SQLite and the C library and counts what goes to the database and the files beside it. The bed lies
still, so that nothing but the chip's noise is there to be stored. Not counted: what the file system writes
for itself, and what the card does inside.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

SHIM = Path(__file__).parents[1] / "tests" / "device" / "disk_shim" / "shim_disk.py"
HOURS = 8.0
BLOCK_BYTES = 4096
MOST_FLUSHES = 1.5  # in 10 s
MOST_RATIO = 5.0  # bytes written over bytes kept
MOST_MB = 80.0  # in 8 h


@dataclass(frozen=True)
class Wear:
    """What one night cost the card; `block_bytes` counts whole 4 kB blocks, as a file system writes them."""

    hours: float
    flushes: int
    written_bytes: int
    block_bytes: int
    kept_bytes: int
    took_s: float

    @property
    def flushes_in_10_s(self) -> float:
        """Flushes every ten seconds."""
        return self.flushes / (self.hours * 360)

    @property
    def ratio(self) -> float:
        """Bytes written for each byte that is kept, whole blocks counted."""
        return self.block_bytes / self.kept_bytes


def load_shim() -> ModuleType:
    """Import the module that builds and reads the library; it lives with the tests."""
    spec = importlib.util.spec_from_file_location("shim_disk", SHIM)
    if spec is None or spec.loader is None:
        sys.exit(f"{SHIM} is missing: run this from the source folder")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def record_quiet_night(db: Path, hours: float) -> None:
    """Record a bed that lies still with the daemon itself, as fast as the work allows."""
    from bedtick.firmware.emulator.sources import Still  # noqa: PLC0415  only the child records
    from bedtick.logger.daemon import Control, record  # noqa: PLC0415
    from bedtick.logger.emulated import World, emulated_site  # noqa: PLC0415
    from bedtick.logger.settings import Settings  # noqa: PLC0415

    settings = Settings()
    world = World(Still(), "emulated", start_utc_ns=1_735_765_200 * 10**9, synced=True)
    site = emulated_site(world, settings.sensors, at_real_speed=False)
    end_ns = site.clock.boot_ns() + round(hours * 3600e9)
    record(site, settings, db, Control(stop=lambda: site.clock.boot_ns() >= end_ns))


def measure(shim: Any, library: Path, folder: Path, hours: float) -> Wear:
    """Record a night in a process of its own, on the counting disk."""
    db = folder / "quiet.db"
    disk = shim.ShimDisk(library, folder / "controls", db)
    command = [sys.executable, __file__, "--hours", str(hours), "--record", str(db)]
    begun = time.perf_counter()
    subprocess.run(command, check=True, env=os.environ | disk.environment)
    took_s = time.perf_counter() - begun
    seen = disk.controls
    return Wear(
        hours, seen.flushes, seen.written_bytes, seen.written_blocks * BLOCK_BYTES, kept_bytes(db), took_s
    )


def kept_bytes(path: Path) -> int:
    """Return the bytes of the pages that hold something."""
    import sqlite3  # noqa: PLC0415  after the child has ended

    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        pages, free, size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
    return int((pages - free) * size)


def print_wear(wear: Wear) -> None:
    """Print the figures beside their bounds."""
    part = wear.hours / HOURS
    print(f"{wear.hours:g} h at 400 Hz, a bed that lies still, {wear.took_s:.0f} s of work:")
    print(f"  flushes in 10 s        {wear.flushes_in_10_s:7.2f}   (at most {MOST_FLUSHES})")
    print(f"  written                {wear.written_bytes / 1e6:7.1f} MB")
    print(f"  in whole 4 kB blocks   {wear.block_bytes / 1e6:7.1f} MB (at most {MOST_MB * part:.0f})")
    print(f"  kept                   {wear.kept_bytes / 1e6:7.1f} MB")
    print(f"  written for one kept   {wear.ratio:7.2f}   (at most {MOST_RATIO})")


def main() -> None:
    """Measure and print, or, as the child, record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=HOURS, help="of the emulated night")
    parser.add_argument("--record", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.record is not None:
        record_quiet_night(options.record, options.hours)
        return
    shim = load_shim()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print_wear(measure(shim, shim.build_library(folder), folder, options.hours))


if __name__ == "__main__":
    main()
