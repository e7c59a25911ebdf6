"""What the morning commands cost on 400 nights of 400 events, beside `sqlite-utils tables` on the same file.

All run as processes of their own, in turn, so that start-up and imports count; counted is their processor
time, so that whatever else the machine does counts for nobody. The raw samples of the nights were pruned.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from database_size import EVENTS, NIGHTS, make_nights

RUNS = 7
BESIDE = "sqlite-utils tables"
COMMANDS = (
    ("summary",), ("nights",), ("events",), ("events", "--json"),
    ("note", "r9999", "--starts", "2026-01-01T22:00"),  # is not there, but to know it the file is read
)  # fmt: skip


def processor_s(command: list[str]) -> float:
    """Return the processor time of a command, of the user's and of the kernel's side."""
    before = os.times()
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def commands_on(path: Path) -> dict[str, list[str]]:
    """Return what is compared: the commands by name."""
    programs = Path(sys.executable).parent
    bedtick = str(programs / "bedtick")
    mine = {" ".join(("bedtick", *words)): [bedtick, *words, "--db", str(path)] for words in COMMANDS}
    return (
        mine
        | {"bedtick --help": [bedtick, "--help"]}
        | {BESIDE: [str(programs / "sqlite-utils"), "tables", str(path)]}
    )


def measure(path: Path, runs: int) -> dict[str, float]:
    """Return the median processor time of each command, in seconds, run in turn."""
    commands = commands_on(path)
    taken_s: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            taken_s[name].append(processor_s(command))
    return {name: statistics.median(times) for name, times in taken_s.items()}


def main() -> None:
    """Make the database, time the commands and print them beside each other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nights", type=int, default=NIGHTS, help="how many nights to make")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "nights.db")
        make_nights(path, options.nights, EVENTS, 1)
        print(f"{options.nights} nights of {EVENTS} events, {path.stat().st_size / 1e6:.0f} MB")
        medians_s = measure(path, RUNS)
    for name, median_s in medians_s.items():
        print(
            f"{name:<46}{median_s * 1000:>7.0f} ms of processor (median of {RUNS}), "
            f"{median_s / medians_s[BESIDE]:.2f} of {BESIDE}"
        )


if __name__ == "__main__":
    main()
