"""The nights whose disk is cut: each run once on a volatile disk, from a fresh disk to one cut three times.

A cut sees only the past of its disk. So a night is recorded once, with everything that it does to the disk,
and cut in many places afterwards; that a disk which really dies in the middle of a night is left with the
same, is shown by `live` cuts, each with a night of its own.

| chapter | the disk at first | what the daemon does before it samples |
|---|---|---|
| first | is empty | makes the folder and the database |
| later | holds a night that was stopped | opens it |
| migrated | holds a night of an older bedtick | brings the tables up to date |
| pruned | holds two nights of days ago | opens it; it gives up the older raw samples soon after |
| recovered | was cut during the first night | closes that as unplugged, completes its events |
| recovered again | was cut during that | the same once more |
"""

from __future__ import annotations

import gzip
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from history import ROOT, History, Tree
from mount import use
from power_cut import any_cut, remains
from promise import Owed
from scripted_night import Delivered, Night, carry_out
from stored import Stored, stored_in
from volatile_disk import VolatileDisk

from bedtick.logger.settings import Settings, StoreSettings
from bedtick.logger.store.schema import SCHEMA_VERSION

DATABASE = "bed/bedtick.db"  # in a folder that the daemon makes itself
BEDS = 100_000
LONG_AGO = ((3, 30.0), (2, 80.0))  # days and seconds; the newest 75 chunks of all are never pruned
SMALL_CHUNKS = Settings(store=StoreSettings(chunk_s=1.0))
PRUNING = Settings(store=StoreSettings(keep_raw=1))
SHORTEST = 0.4  # of the longest night
CHUNKS_S = (1.0, 5.0)  # many small commits fill SQLite's log sooner
OLD_DATABASES = Path(__file__).parents[2] / "logger" / "databases"  # a stored copy of each version's


@dataclass(frozen=True)
class Chapter:
    """One run of the daemon on a volatile disk, and what it owed before."""

    name: str
    night: Night
    history: History
    owed: Owed

    def owed_at(self, place: int) -> Owed:
        """Return what is owed where the power fails inside operation `place`."""
        return replace(self.owed, counts=self.owed.counts[: self.history.operations[place].delivered])

    def what_at(self, place: int) -> str:
        """Say in a word what the daemon is doing at an operation."""
        operation = self.history.operations[place]
        if operation.is_pruning:
            return "pruning"
        if operation.delivered == 0:
            return f"the start ({self.name})"
        name = operation.name or self.history.names[operation.node]
        if name != Path(DATABASE).name:
            return "the night after pruning" if self.name == "pruned" else "the night"
        return "the last checkpoint" if operation.delivered == len(self.owed.counts) else "a checkpoint"


class Writer:
    """Runs chapters on disks that are mounted on one folder, and cuts them."""

    def __init__(self, folder: Path, longest_s: float) -> None:
        self._mounted = folder
        self._longest_s = longest_s
        self._delivered = Delivered(max(longest_s, LONG_AGO[-1][1]))

    def story(self, seed: int, *, is_careless: bool) -> Iterator[Chapter]:
        """Tell the chapters of a seed, one after the other."""
        chance = random.Random(seed)

        def night() -> Night:
            settings = Settings(store=StoreSettings(chunk_s=chance.choice(CHUNKS_S)))
            length_s = chance.uniform(SHORTEST, 1.0) * self._longest_s
            return Night(chance.randrange(BEDS), length_s, settings, is_careless=is_careless)

        first = self.chapter("first", Tree(), night())
        yield first
        yield self.chapter("later", first.history.final(), night())
        yield self.chapter("migrated", old_disk(chance), night())
        yield self.chapter("pruned", self._long_ago(chance), replace(night(), settings=PRUNING))
        cut_once = remains(first.history, any_cut(chance.choice(first.history.places()), chance))
        recovered = self.chapter("recovered", cut_once, night())
        yield recovered
        places = [place for place in recovered.history.places() if "start" in recovered.what_at(place)]
        cut_twice = remains(recovered.history, any_cut(chance.choice(places), chance))
        yield self.chapter("recovered again", cut_twice, night())

    def _long_ago(self, chance: random.Random) -> Tree:
        """Return a disk with two nights, of which the older may be pruned."""
        disk = Tree()
        for days_ago, length_s in LONG_AGO:
            night = Night(chance.randrange(BEDS), length_s, SMALL_CHUNKS, days_ago)
            disk = self.chapter("long ago", disk, night).history.final()
        return disk

    def chapter(self, name: str, image: Tree, night: Night, cut_at: int | None = None) -> Chapter:
        """Run one night; with `cut_at` the disk dies inside that operation.

        Raises
        ------
        RuntimeError
            Where the daemon fails on a disk that works.
        """
        self._delivered.clear()
        disk = VolatileDisk(image, lambda: (len(self._delivered), self._delivered.is_pruning), cut_at)
        code = use(disk, self._mounted, carry_out(night, self._mounted / DATABASE, self._delivered))
        if code and disk.has_power:
            raise RuntimeError(f"{name}, {night}: the daemon ended with code {code}")
        counts = self._delivered.counts()
        return Chapter(name, night, disk.history, Owed(counts, stored_on(image), night.settings))


def old_disk(chance: random.Random) -> Tree:
    """Return a disk with a database as an older bedtick left it."""
    version = chance.randrange(1, SCHEMA_VERSION)
    data = gzip.decompress((OLD_DATABASES / f"v{version}.db.gz").read_bytes())
    folder, database = Path(DATABASE).parts
    return Tree({3: bytearray(data)}, {ROOT: {folder: 2}, 2: {database: 3}})


def lay_out(tree: Tree, folder: Path) -> Path:
    """Write a disk's files into a folder; return where the database is, or would be."""
    for path, data in tree.contents().items():
        if data is None:
            (folder / path).mkdir()
        else:
            (folder / path).write_bytes(data)
    return folder / DATABASE


def stored_on(tree: Tree) -> Stored:
    """Return what a reader finds on a disk."""
    with tempfile.TemporaryDirectory() as folder:
        return stored_in(lay_out(tree, Path(folder)))
