"""Kills the daemon with `kill -9` at random moments, and checks the promise each time.

`python tests/device/cuts/kills.py --seed 1 --count 20` prints a line a kill. What was committed is still
there after a kill, so this shows what the daemon owes, not what the disk does: that is `power_cuts.py`.

Half of the kills go on with the database that the one before left, so that the start after a kill, with all
that it mends, is killed as well.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from promise import Owed, broken
from scripted_night import RATE_HZ, Delivered, Night, carry_out, fork
from stored import stored_in, summed_up

from bedtick.logger.detector.detector import compiled_kernel

LENGTH_S = 3600.0  # longer than any of them gets: every night ends by the kill
LONGEST_S = 60.0  # of the night until the kill
EARLY_S = 0.15  # of real time, within which the database is opened and the recording begun
BEDS = 100_000
PATIENCE_S = 60.0
JITTER_S = 0.01  # of real time, from the sample that is waited for to the kill


@dataclass(frozen=True)
class Kill:
    """One kill: when, under which bed, and whether the database is that of the kill before.

    The daemon gets `night_s` into the night, and then `real_s` of real time.
    """

    seed: int
    bed: int
    night_s: float
    real_s: float
    goes_on: bool


def plan(seed: int) -> Kill:
    """Return the kill of a seed."""
    chance = random.Random(seed)
    is_early = chance.random() < 0.25
    night_s = 0.0 if is_early else chance.uniform(0.0, LONGEST_S)
    real_s = chance.uniform(0.0, EARLY_S if is_early else JITTER_S)
    return Kill(seed, chance.randrange(BEDS), night_s, real_s, chance.random() < 0.5)


def carry_out_kill(kill: Kill, path: Path, delivered: Delivered) -> list[str]:
    """Start a night, kill it, and return what of the promise is broken."""
    night = Night(kill.bed, LENGTH_S)
    earlier = stored_in(path)
    delivered.clear()
    child = fork(carry_out(night, path, delivered))
    latest_s = time.monotonic() + PATIENCE_S
    while len(delivered) < kill.night_s * RATE_HZ and not has_ended(child) and time.monotonic() < latest_s:
        time.sleep(1e-3)
    time.sleep(kill.real_s)
    had_ended = has_ended(child)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    if had_ended:
        return ["the daemon ended by itself"]
    if len(delivered) < kill.night_s * RATE_HZ:
        return ["the daemon stood still"]
    return broken(path, Owed(delivered.counts(), earlier, night.settings))


def has_ended(child: int) -> bool:
    """Whether a process has ended; it stays to be waited for."""
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def main() -> int:
    """Kill as often as asked; the exit code says whether the promise held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the first kill; each has the next")
    parser.add_argument("--count", type=int, default=20)
    options = parser.parse_args()
    compiled_kernel()
    delivered = Delivered(LENGTH_S)
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bedtick.db"
        for seed in range(options.seed, options.seed + options.count):
            kill = plan(seed)
            if not kill.goes_on:
                path = Path(folder) / f"{seed}.db"
            found = carry_out_kill(kill, path, delivered)
            failures += bool(found)
            when = f"{len(delivered) / RATE_HZ:.1f} s into the night of bed {kill.bed}"
            print(f"seed {seed}: {when}: {'; '.join(found) or 'kept, ' + summed_up(path)}", flush=True)
    seeds = f"seeds {options.seed} to {options.seed + options.count - 1}"
    print(f"{seeds}: {options.count} kills, {failures} broken promises")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
