"""What share of a core `bedtick run` takes on a `/dev/i2c-N` boundary, chip by chip, nearest to 400 Hz.

smbus2 is as it is; a library in C with chips of its own answers its ioctls (tests/device/i2c_shim), on the
machine's clock and with the time that a bus of 400 kHz takes. So the daemon is whole, from the driver to the
committed rows, and its processor time is its own, in user space and in the kernel, with that of the library,
which stands where the kernel's I2C driver would. A real driver's interrupts are not in it.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from real_time import TICKS_HZ, Daemon, await_start, boot_s

SHIM = Path(__file__).parents[1] / "tests" / "device" / "i2c_shim" / "shim_bus.py"
BUS_HZ = 400_000
JERK_EVERY = 8000  # 20 s at 400 Hz
SETTLED_S = 5.0
LIMIT = 0.06
BURST_CHIPS = ("lis3dh", "mpu6050", "lsm6dsox", "adxl355")  # one read takes many sets
MODES = (("adxl345", True), ("adxl345", False), *((chip, True) for chip in BURST_CHIPS))


@dataclass(frozen=True)
class Cost:
    """What one run took by the second: processor time, calls, bytes, samples; and samples lost in all."""

    user: float
    kernel: float
    calls: float
    moved_bytes: float
    samples: float
    lost: int


def load_shim() -> ModuleType:
    """Import the module that builds and moves the library; it lives with the tests."""
    spec = importlib.util.spec_from_file_location("shim_bus", SHIM)
    if spec is None or spec.loader is None:
        sys.exit(f"{SHIM} is missing: run this from the source folder")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def processor_s(daemon: Daemon) -> tuple[float, float]:
    """Return the processor time so far, in user space and in the kernel (proc(5), stat)."""
    fields = Path(f"/proc/{daemon.process.pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) / TICKS_HZ, int(fields[12]) / TICKS_HZ


def launch(bus: Any, chip: str, db: Path) -> Daemon:
    """Start the daemon on the bus."""
    command = [
        str(Path(sys.executable).with_name("bedtick")), "run", "--bus", str(bus.bus.bus_number),
        "--chip", chip, "--db", str(db),
    ]  # fmt: skip
    process = subprocess.Popen(command, env=os.environ | bus.environment, stderr=subprocess.DEVNULL)
    return Daemon(process, boot_s(), db)


def measure(bus: Any, chip: str, folder: Path, seconds: float) -> Cost:
    """Record for some seconds and return what that took."""
    daemon = launch(bus, chip, folder / f"{chip}-{bus.bus.single_read}.db")
    _, db = await_start(daemon)
    time.sleep(SETTLED_S)
    begun_s, (user_s, kernel_s) = boot_s(), processor_s(daemon)
    calls, moved, produced = bus.bus.transfers, bus.bus.bytes, bus.devices[0].produced
    time.sleep(seconds)
    lasted_s, (user_end_s, kernel_end_s) = boot_s() - begun_s, processor_s(daemon)
    cost = Cost(
        user=(user_end_s - user_s) / lasted_s,
        kernel=(kernel_end_s - kernel_s) / lasted_s,
        calls=(bus.bus.transfers - calls) / lasted_s,
        moved_bytes=(bus.bus.bytes - moved) / lasted_s,
        samples=(bus.devices[0].produced - produced) / lasted_s,
        lost=db.execute("SELECT coalesce(sum(lost_samples), 0) FROM faults").fetchone()[0],
    )
    db.close()
    daemon.stop()
    return cost


def print_row(chip: str, cost: Cost, *, multi_read: bool) -> None:
    """Print one line of the table."""
    total = cost.user + cost.kernel
    print(
        f"| {chip} | {'several reads a call' if multi_read else 'one read a call'} | {cost.samples:.0f} | "
        f"{cost.calls:.0f} | {cost.moved_bytes:.0f} | {cost.user:.2%} | {cost.kernel:.2%} | {total:.2%} | "
        f"{cost.lost} |",
        flush=True,
    )


def main() -> None:
    """Run chip after chip and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each chip records")
    seconds = parser.parse_args().seconds
    shim = load_shim()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start")
    print("| chip | bus | samples/s | calls/s | bytes/s | user | kernel | together | samples lost |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    shares = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        library = shim.build_library(folder)
        for chip, multi_read in MODES:
            bus = shim.ShimBus(library, folder / "world", chip)
            bus.bus.bus_hz, bus.bus.single_read = BUS_HZ, not multi_read
            bus.jerk(first=JERK_EVERY, every=JERK_EVERY)
            cost = measure(bus, chip, folder, seconds)
            print_row(chip, cost, multi_read=multi_read)
            shares[chip] = cost.user + cost.kernel
    worst = max(BURST_CHIPS, key=shares.__getitem__)
    verdict = "kept" if shares[worst] < LIMIT else "missed"
    print(f"most of the chips read in bursts: {worst}, {shares[worst]:.2%}; under {LIMIT:.0%}: {verdict}")
    print(f"load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
