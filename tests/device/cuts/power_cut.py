"""What a power cut leaves of a disk: all that was flushed, and of the rest whatever chance keeps.

What came before a flush that was answered is kept. All else was on its way: the operation inside which the
power failed, and every one since the last flush of the same file or folder. Of these chance keeps, by one of
four models:

| model | of what was on its way |
|---|---|
| dropped | nothing is kept |
| in order | all up to some moment, the operation of that moment in part |
| reordered | each operation by itself, whatever came before it |
| torn | each sector of 512 bytes by itself |

A folder's entries are as volatile as a file's bytes: without a flush of the folder a new file may be gone,
and a deleted one be back.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from history import History, Operation, Tree

SECTOR_BYTES = 512
MODELS = ("dropped", "in order", "reordered", "torn")


@dataclass(frozen=True)
class Cut:
    """A cut inside operation number `place`, as chance (`seed`) and a model have it.

    `cache` is None for a disk that keeps its word. Else it is one that says it has flushed and has not: as
    many of its last operations are still on their way, flushed or not.
    """

    place: int
    seed: int
    model: str
    cache: int | None = None


def any_cut(place: int, chance: random.Random, cache: int | None = None) -> Cut:
    """Return a cut at a place, as chance will have it."""
    return Cut(place, chance.getrandbits(32), chance.choice(MODELS), cache)


def on_its_way(history: History, cut: Cut) -> list[int]:
    """Return the numbers of the operations that a cut finds on their way, flushes left out."""
    done = history.operations[: cut.place]
    flushed = {operation.node: number for number, operation in enumerate(done) if operation.kind == "flush"}
    return [
        number
        for number, operation in enumerate(history.operations[: cut.place + 1])
        if operation.kind != "flush" and _is_late(number, flushed.get(operation.node, -1), cut)
    ]


def in_flight(history: History, cut: Cut) -> int:
    """Count what was on its way, but for SQLite's shared memory, which nobody counts on."""
    late = (history.operations[number] for number in on_its_way(history, cut))
    return sum(not history.is_memory_map(operation) for operation in late)


def remains(history: History, cut: Cut) -> Tree:
    """Return what is on the disk when the power is back."""
    late = on_its_way(history, cut)
    fate = _fates(cut, late)
    left = history.before_all()
    is_late = set(late)
    for number, operation in enumerate(history.operations[: cut.place + 1]):
        for kept in fate(number, operation) if number in is_late else (operation,):
            left.apply(kept)
    return left


def _is_late(number: int, flushed: int, cut: Cut) -> bool:
    return number > flushed if cut.cache is None else number > cut.place - cut.cache


def _fates(cut: Cut, late: list[int]) -> Callable[[int, Operation], Iterator[Operation]]:
    """Return what says which parts of an operation that was on its way are kept."""
    chance = random.Random(cut.seed)
    moment = chance.choice(late) if late else cut.place
    share = {"dropped": 0.0, "in order": 0.5}.get(cut.model, chance.random())

    def fate(number: int, operation: Operation) -> Iterator[Operation]:
        is_cut_up = cut.model == "torn" or number in (moment, cut.place)
        if cut.model == "in order" and number != moment:
            if number < moment:
                yield operation
        elif operation.kind == "write" and is_cut_up:
            yield from (sector for sector in _sectors(operation) if chance.random() < share)
        elif chance.random() < share:
            yield operation

    return fate


def _sectors(operation: Operation) -> Iterator[Operation]:
    """Cut a write up where the disk's sectors begin."""
    at, end = operation.offset, operation.offset + len(operation.data)
    while at < end:
        next_at = min(end, (at // SECTOR_BYTES + 1) * SECTOR_BYTES)
        data = operation.data[at - operation.offset : next_at - operation.offset]
        yield replace(operation, offset=at, data=data)
        at = next_at
