"""Cuts the power of the daemon's disk inside any write or flush, and checks the promise each time.

`python tests/device/cuts/power_cuts.py --seed 1 --cuts 50` prints a line a cut. The disk is volatile: it
keeps what was flushed, and chance decides about the rest (`power_cut`). The nights that are cut are told in
`stories`. Chance comes from the seed that is printed, that of the story first: the same seed makes the same
cut, among nights of the same greatest length.

Two controls must break the promise, or the rig would see nothing: `--lying N` cuts the same nights on a disk
that says it has flushed and has not, `--careless` has a daemon that never flushes.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from mount import NoFuseError
from power_cut import Cut, any_cut, in_flight, remains
from promise import broken
from stored import summed_up
from stories import Chapter, Writer, lay_out

from bedtick.logger.detector.detector import compiled_kernel

NO_FUSE = 77  # exit code: this machine mounts no FUSE disk
LYING_CACHE = 500  # operations that a disk which lies still holds back


@dataclass(frozen=True)
class Outcome:
    """One cut: what the daemon was doing, how many writes were on their way, and what broke."""

    seed: str
    doing: str
    in_flight: int
    broken: list[str]
    text: str


class Cutter:
    """Makes the cuts of a story."""

    def __init__(self, writer: Writer, seed: int, *, is_careless: bool) -> None:
        self._writer = writer
        self._seed = seed
        self._chapters = list(writer.story(seed, is_careless=is_careless))

    def cuts(self, count: int, cache: int | None = None) -> Iterator[Outcome]:
        """Cut the nights that were recorded, as often in each thing that the daemon does."""
        places = defaultdict(list)
        for chapter in self._chapters:
            for place in chapter.history.places():
                places[chapter.what_at(place)].append((chapter, place))
        for number in range(count):
            seed = f"{self._seed}/{number}"
            chance = random.Random(seed)
            doing = sorted(places)[number % len(places)]
            chapter, place = chance.choice(places[doing])
            yield _outcome(seed, doing, chapter, any_cut(place, chance, cache))

    def live_cuts(self, count: int) -> Iterator[Outcome]:
        """Cut nights in their middle: each runs once more, on a disk that dies inside its k-th operation."""
        for number in range(count):
            seed = f"{self._seed}/live/{number}"
            chance = random.Random(seed)
            chapter = chance.choice(self._chapters)
            places = chapter.history.places()
            cut_at = chance.randrange(len(places))
            dead = self._writer.chapter(chapter.name, chapter.history.image, chapter.night, cut_at)
            doing = chapter.what_at(places[cut_at])
            yield _outcome(seed, doing, dead, any_cut(dead.history.places()[-1], chance))


def _outcome(seed: str, doing: str, chapter: Chapter, cut: Cut) -> Outcome:
    operation = chapter.history.operations[cut.place]
    name = operation.name or chapter.history.names[operation.node]
    late = in_flight(chapter.history, cut)
    with tempfile.TemporaryDirectory() as folder:
        path = lay_out(remains(chapter.history, cut), Path(folder))
        found = broken(path, chapter.owed_at(cut.place))
        result = "; ".join(found) or f"kept, {summed_up(path)}"
    text = f"{doing}, {operation.kind} of {name}, {cut.model}, {late} in flight: {result}"
    return Outcome(seed, doing, late, found, text)


def report(outcomes: list[Outcome]) -> None:
    """Print how many cuts fell where, and how many of them had writes in flight."""
    doings = Counter(outcome.doing for outcome in outcomes)
    flying = Counter(outcome.doing for outcome in outcomes if outcome.in_flight)
    for doing, count in sorted(doings.items()):
        print(f"  {doing}: {count} cuts, {flying[doing]} with writes in flight")


def say(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Print each outcome as it comes."""
    said = []
    for outcome in outcomes:
        print(f"seed {outcome.seed}: {outcome.text}", flush=True)
        said.append(outcome)
    return said


def failures(outcomes: list[Outcome]) -> int:
    """Count the cuts that broke the promise."""
    return sum(bool(outcome.broken) for outcome in outcomes)


def options_asked() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seed", type=int, default=1, help="of the first story; each has the next")
    parser.add_argument("--stories", type=int, default=1)
    parser.add_argument("--cuts", type=int, default=50, help="of each story, in nights that were recorded")
    parser.add_argument("--live", type=int, default=0, help="of each story, in nights that end by it")
    parser.add_argument("--longest-s", type=float, default=60.0, help="of the nights that are cut")
    parser.add_argument(
        "--lying", type=int, default=0, help="of each story, on a disk that lies about flushes"
    )
    parser.add_argument("--careless", action="store_true", help="a daemon that never flushes")
    return parser.parse_args()


def main() -> int:
    """Cut as often as asked; the exit code says whether the promise held on the disk that keeps its word."""
    options = options_asked()
    compiled_kernel()
    honest, lying = [], []
    with tempfile.TemporaryDirectory() as folder:
        writer = Writer(Path(folder), options.longest_s)
        for seed in range(options.seed, options.seed + options.stories):
            cutter = Cutter(writer, seed, is_careless=options.careless)
            honest += say(chain(cutter.cuts(options.cuts), cutter.live_cuts(options.live)))
            lying += list(cutter.cuts(options.lying, LYING_CACHE))
    report(honest)
    flying = sum(outcome.in_flight > 0 for outcome in honest)
    seeds = f"stories {options.seed} to {options.seed + options.stories - 1}"
    print(f"{seeds}: {len(honest)} cuts, {flying} with writes in flight, {failures(honest)} broken promises")
    if lying:
        print(f"a disk that lies: {len(lying)} cuts, {failures(lying)} broken promises")
    return 1 if failures(honest) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except NoFuseError as error:
        print(error)
        sys.exit(NO_FUSE)
