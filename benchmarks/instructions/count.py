"""How many Arm instructions a sample costs, counted, and what share of a small core that would be.

Runs `work.py` twice under a counter, for two numbers of seconds, and takes the difference: what start-up
costs falls out. `--under` is the command that runs an Arm Python under QEMU's user mode with the plugin of
`counter.c`; docs/speed.md shows how to put one together. Only user space is counted: not the kernel with
its I2C driver and file system. The stand-in for the kernel's I2C is in the daemon's count; it is also counted
alone.
"""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import sys
from pathlib import Path

from work import RATE_HZ

KINDS = ("daemon", "stand-in", "live", "import")
CLOCK_HZ = 1e9
PER_CYCLE = (0.25, 0.5, 1.0)  # assumed instructions a cycle: nobody has measured them for this program
COUNTED = re.compile(r"^instructions (\d+)$", re.MULTILINE)


def count(under: list[str], kind: str, seconds: int) -> int:
    """Return the instructions that one run takes."""
    command = [*under, str(Path(__file__).with_name("work.py")), kind, str(seconds)]
    done = subprocess.run(command, check=False, stderr=subprocess.PIPE, text=True)
    found = COUNTED.search(done.stderr)
    if done.returncode or found is None:
        sys.exit(f"{shlex.join(command)} counted nothing: {done.stderr.strip()[-300:] or 'no output'}")
    return int(found[1])


def main() -> None:
    """Count each kind of work and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--under", required=True, type=shlex.split, help="what runs an Arm Python and counts")
    parser.add_argument("--seconds", nargs=2, type=int, default=(60, 120), help="of samples, short and long")
    options = parser.parse_args()
    short_s, long_s = options.seconds
    for kind in KINDS:
        more = count(options.under, kind, long_s) - count(options.under, kind, short_s)
        each = more / ((long_s - short_s) * RATE_HZ)
        shares = ", ".join(f"{each * RATE_HZ / CLOCK_HZ / ipc:.2%} at {ipc:g}" for ipc in PER_CYCLE)
        print(f"{kind}: {each:,.0f} instructions a sample")
        print(f"  of a core at 1 GHz, by instructions a cycle: {shares}")


if __name__ == "__main__":
    main()
