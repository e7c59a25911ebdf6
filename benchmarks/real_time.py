"""How late `bedtick run` is at true speed, and what it takes: processor time, memory, time to start.

Two starts with one cache folder: the first finds it empty and compiles, the second loads what the first
left there and records for ten minutes, with raw storage on, from the emulated chip on its mattress.

An event has ended when its last sample is in the FIFO. The chip ticks on the machine's own CLOCK_BOOTTIME
here, as with a real chip, and each raw chunk's row ties a sample to that clock; so the delay is the boot
time at which the committed row was first seen from outside, by a reader that looks every 20 ms, less that
of the last sample. It is too long by up to one look, never too short.
"""

from __future__ import annotations

import argparse
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SEED = 0  # 51 events in the first ten minutes
LOOK_S = 0.02
STARTED = "SELECT count(*) FROM anchors"  # the first anchor is written with the first samples
TICKS_HZ = os.sysconf("SC_CLK_TCK")
FIRST_RUN_S = 5.0
START_LIMIT_S = 600.0


@dataclass(frozen=True)
class Daemon:
    """A running `bedtick run`, when it was started (boot clock, seconds) and its database."""

    process: subprocess.Popen[bytes]
    started_s: float
    db: Path

    def processor_s(self) -> float:
        """Return the processor time so far, in user space and in the kernel (proc(5), stat)."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_HZ

    def memory_mb(self, name: str) -> float:
        """Return `VmRSS` or `VmHWM` (proc(5), status)."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name + ":")) / 1024

    def stop(self) -> None:
        """End it as a service manager would."""
        self.process.send_signal(signal.SIGTERM)
        if code := self.process.wait(timeout=30):
            sys.exit(f"bedtick run ended with exit code {code}")


@dataclass(frozen=True)
class Start:
    """How long the first sample took to come, and what was spent until then."""

    waited_s: float
    processor_s: float


def boot_s() -> float:
    """Return CLOCK_BOOTTIME, in seconds."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def launch(db: Path, cache: Path, seed: int) -> Daemon:
    """Start the daemon at true speed with its compiled code in `cache`."""
    command = [
        str(Path(sys.executable).with_name("bedtick")), "run", "--bus", "emulated", "--speed", "1",
        "--seed", str(seed), "--db", str(db),
    ]  # fmt: skip
    started_s = boot_s()
    process = subprocess.Popen(
        command, env=os.environ | {"CACHE_DIRECTORY": str(cache)}, stderr=subprocess.DEVNULL
    )
    return Daemon(process, started_s, db)


def await_start(daemon: Daemon) -> tuple[Start, sqlite3.Connection]:
    """Return once samples come, with what that took and a connection that only reads."""
    while daemon.process.poll() is None and boot_s() - daemon.started_s < START_LIMIT_S:
        if daemon.db.exists():
            db = sqlite3.connect(f"file:{daemon.db}?mode=ro", uri=True)
            if _has_started(db):
                return Start(boot_s() - daemon.started_s, daemon.processor_s()), db
            db.close()
        time.sleep(LOOK_S)
    daemon.process.kill()
    sys.exit("bedtick run did not start: try `bedtick run --bus emulated` by hand")


def _has_started(db: sqlite3.Connection) -> bool:
    try:
        return db.execute(STARTED).fetchone()[0] > 0
    except sqlite3.OperationalError:  # the tables are not there yet
        return False


def watch_events(db: sqlite3.Connection, until_s: float) -> list[tuple[int, float]]:
    """Return (event id, boot time in seconds when its row was first seen) until a boot time."""
    seen: list[tuple[int, float]] = []
    while boot_s() < until_s:
        last = seen[-1][0] if seen else 0
        rows = db.execute("SELECT id FROM events WHERE id > ? ORDER BY id", (last,)).fetchall()
        now_s = boot_s()
        seen += [(event_id, now_s) for (event_id,) in rows]
        time.sleep(LOOK_S)
    return seen


def delays_s(db_path: Path, seen: list[tuple[int, float]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return, for each event, the seconds from its last sample to its row."""
    db = sqlite3.connect(f"file:{db_path}?mode=ro", uri=True)
    ends = dict(db.execute("SELECT id, end_sample FROM events").fetchall())
    chunks = db.execute(
        "SELECT first_sample, boot_ns, rate_hz FROM raw_chunks ORDER BY first_sample"
    ).fetchall()
    db.close()
    firsts = [first for first, _, _ in chunks]
    delays = []
    for event_id, seen_s in seen:
        last_sample = ends[event_id] - 1  # intervals are half-open
        first, boot_ns, rate_hz = chunks[bisect_right(firsts, last_sample) - 1]
        delays.append(seen_s - boot_ns / 1e9 - (last_sample - first) / rate_hz)
    return np.array(delays)


def first_start(folder: Path, seed: int) -> None:
    """Start with an empty cache, and say what that took."""
    daemon = launch(folder / "first.db", folder / "cache", seed)
    start, db = await_start(daemon)
    db.close()
    time.sleep(FIRST_RUN_S)
    print(
        f"first start (empty cache): {start.waited_s:.1f} s until the first samples are stored, "
        f"{start.processor_s:.1f} s of processor; {daemon.memory_mb('VmRSS'):.0f} MB resident, "
        f"at most {daemon.memory_mb('VmHWM'):.0f} MB"
    )
    daemon.stop()


def second_start(folder: Path, seed: int, minutes: float) -> None:
    """Record with a warm cache, and say how late rows came and what it took."""
    daemon = launch(folder / "second.db", folder / "cache", seed)
    start, db = await_start(daemon)
    begun_s = boot_s()
    seen = watch_events(db, begun_s + 60 * minutes)
    used_s, lasted_s = daemon.processor_s() - start.processor_s, boot_s() - begun_s
    memory_mb, most_mb = daemon.memory_mb("VmRSS"), daemon.memory_mb("VmHWM")
    db.close()
    daemon.stop()
    print(
        f"second start (warm cache): {start.waited_s:.1f} s until the first samples are stored, "
        f"{start.processor_s:.1f} s of processor"
    )
    print(
        f"over {lasted_s:.0f} s of recording: processor {used_s / lasted_s:.2%} of one core, the emulated "
        f"chip included; {memory_mb:.0f} MB resident, at most {most_mb:.0f} MB"
    )
    print_delays(delays_s(folder / "second.db", seen))
    print_faults(folder / "second.db")


def print_delays(delays: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
    """Print how late the rows were."""
    if not len(delays):
        print("no event: record for longer")
        return
    print(
        f"from an event's last sample to its row, {len(delays)} events: median {np.median(delays):.3f} s, "
        f"99th percentile {np.percentile(delays, 99):.3f} s, longest {delays.max():.3f} s"
    )


def print_faults(db_path: Path) -> None:
    """Print what was stored, and what was lost."""
    db = sqlite3.connect(f"file:{db_path}?mode=ro", uri=True)
    stored = db.execute("SELECT sum(sample_count) FROM raw_chunks").fetchone()[0]
    faults, lost = db.execute("SELECT count(*), coalesce(sum(lost_samples), 0) FROM faults").fetchone()
    db.close()
    print(f"{stored} raw samples stored; {faults} faults, {lost} samples lost")


def main() -> None:
    """Run both starts and print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="how long the second start records")
    parser.add_argument("--seed", type=int, default=SEED, help="of the emulated mattress")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.1f} before the start, seed {options.seed}")
    with tempfile.TemporaryDirectory() as folder:
        first_start(Path(folder), options.seed)
        second_start(Path(folder), options.seed, options.minutes)
    print(f"load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
