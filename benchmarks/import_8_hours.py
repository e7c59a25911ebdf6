"""Times `import` of 8 h at 400 Hz, and says how the time divides.

Synthetic: the noise of an ADXL345 with a jerk every 20 s, seeded.
"""

from __future__ import annotations

import cProfile
import pstats
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

RATE_HZ = 400.0
HOURS = 8
PARTS = {
    "loading the file": "load_recording",
    "to counts": "as_counts",
    "detector": "push",
    "raw compression": "pack",
    "database": "write_recorded",
    "database, events": "write_scored",
}


def write_night(path: Path) -> None:
    """Write 8 h of noise and jerks as a recording file."""
    rng = np.random.default_rng(8)
    count = int(HOURS * 3600 * RATE_HZ)
    acc_g = rng.normal(size=(count, 3)).astype(np.float32) * np.array([4.1, 4.1, 6.1], np.float32) * 1e-3
    acc_g[:, 2] += 1.0
    t_s = np.arange(int(RATE_HZ)) / RATE_HZ
    jerk_g = 0.03 * np.sin(2 * np.pi * 7 * t_s) * np.exp(-t_s / 0.2)
    for start in range(30 * 400, count - 400, 20 * 400):
        acc_g[start : start + len(jerk_g), 2] += jerk_g
    np.savez(path, acc_g=np.rint(acc_g * 256) / 256, fs_hz=RATE_HZ)


def profile(night: Path, db: Path) -> None:
    """Import once more under the profiler, into a database of its own, and print the parts."""
    from bedtick.firmware.recording_file import load_recording  # noqa: PLC0415  not needed for the timing
    from bedtick.logger.importer import import_recording  # noqa: PLC0415
    from bedtick.logger.settings import Settings  # noqa: PLC0415

    profiler = cProfile.Profile()
    profiler.enable()
    import_recording(load_recording(night), Settings(), db)
    profiler.disable()
    for (_, _, name), (_, _, _, cumulative_s, _) in pstats.Stats(profiler).stats.items():  # type: ignore[attr-defined]
        for part, function in PARTS.items():
            if name == function and cumulative_s > 0.05:
                print(f"  {part:20} {cumulative_s:6.2f} s")


def main() -> None:
    """Make the night, import it as a user would, and print time and memory."""
    with tempfile.TemporaryDirectory() as folder:
        night, db = Path(folder) / "night.npz", Path(folder) / "night.db"
        write_night(night)
        command = [str(Path(sys.executable).with_name("bedtick")), "import", str(night), "--db", str(db)]
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        wall_s = time.perf_counter() - start
        memory_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        size_mb = db.stat().st_size / 1e6
        print(f"import of {HOURS} h at {RATE_HZ:.0f} Hz: {wall_s:.1f} s, {memory_mb:.0f} MB of memory")
        print(
            f"the file: {size_mb:.1f} MB ({size_mb / (HOURS * 3600 * RATE_HZ * 6 / 1e6):.0%} of three int16)"
        )
        profile(night, Path(folder) / "profile.db")


if __name__ == "__main__":
    main()
