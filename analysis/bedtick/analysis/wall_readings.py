"""Which readings of the wall clock can be believed, of all that were taken in one boot of the device.

Within a boot, UTC is ahead of the boot clock by the same time throughout, but for the seconds that both
drift while no time server is in reach. So the readings of a boot are judged together, whichever recording
they stand in:

1. What was not synchronised is no evidence at all: a device without a network says 1970, or 2035, or when it
   was last switched off. Neither is a time before there was bedtick.
2. The synchronised readings are sorted into groups that agree with each other. More than one group means
   that the clock jumped, and that one of them followed a wrong server: the group that held longest, with a
   server or after it was lost, is believed; the later one where they held equally long.
3. What is left is put in order: where a step took the clock back, the readings before it that are later than
   those after it are dropped, so that UTC always ascends.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

AGREE_NS = 2_000_000_000  # a leap second, or a server that is not quite right, is no jump
DRIFT = 0.0005  # the most that Linux corrects of a clock's rate (adjtimex(2)); a Pi's is off by a tenth of it
FIRST_TRUE_NS = 1_735_689_600_000_000_000  # 2025-01-01: no chip was sampled by bedtick before


class Reading(NamedTuple):
    """What the wall clock showed at a moment of the boot clock; `utc_ns` is None where it showed nothing."""

    boot_ns: int
    utc_ns: int | None
    synced: int


class Offset(NamedTuple):
    """By how much UTC is ahead of the boot clock, at one moment of that."""

    boot_ns: int
    ahead_ns: int

    @property
    def utc_ns(self) -> int:
        """UTC at that moment."""
        return self.boot_ns + self.ahead_ns

    def agrees_with(self, other: Offset) -> bool:
        """Whether both can be true: drift alone explains how they differ."""
        allowed_ns = AGREE_NS + DRIFT * abs(self.boot_ns - other.boot_ns)
        return abs(self.ahead_ns - other.ahead_ns) <= allowed_ns


@dataclass
class _Group:
    """Offsets that agree with the first of them, and for how long the wall clock kept to them."""

    offsets: list[Offset] = field(default_factory=list)
    held_ns: int = 0


def believed(
    readings: Iterable[Reading], *, end_boot_ns: int = 0, earliest_ns: int = 0
) -> tuple[Offset, ...]:
    """Give the offsets of one boot that can be believed; boot time and UTC ascend strictly.

    Parameters
    ----------
    readings
        All of the boot, in any order.
    end_boot_ns
        Boot time at which the last recording of the boot ended: until then the last reading held.
    earliest_ns
        UTC before which no reading can be true.
    """
    ordered = sorted(readings, key=lambda reading: reading.boot_ns)
    groups: list[_Group] = []
    for reading, after in pairwise([*ordered, Reading(end_boot_ns, None, 0)]):
        if reading.utc_ns is None or reading.utc_ns < earliest_ns:
            continue
        offset = Offset(reading.boot_ns, reading.utc_ns - reading.boot_ns)
        group = next((group for group in groups if offset.agrees_with(group.offsets[0])), None)
        if reading.synced:
            group = group or _new_group(groups)
            group.offsets.append(offset)
        if group:  # a clock that lost its server goes on as it did
            group.held_ns += max(after.boot_ns - reading.boot_ns, 0)
    if not groups:
        return ()
    longest = max(groups, key=lambda group: (group.held_ns, group.offsets[-1].boot_ns))
    return _ascending(longest.offsets)


def _new_group(groups: list[_Group]) -> _Group:
    groups.append(_Group())
    return groups[-1]


def _ascending(offsets: list[Offset]) -> tuple[Offset, ...]:
    kept: list[Offset] = []
    for offset in offsets:
        while kept and (kept[-1].utc_ns >= offset.utc_ns or kept[-1].boot_ns == offset.boot_ns):
            kept.pop()
        kept.append(offset)
    return tuple(kept)
