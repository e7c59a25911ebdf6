"""When a night without a clock began, as a person says: which recording is meant, and whether it can be.

What a person says is an anchor with the cause `hand`. It dates every recording of the same boot; the last
word counts, also that nobody knows (an anchor without UTC); and wherever a synchronised clock is known, that
goes before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedtick.analysis.boot_clocks import CHIP
from bedtick.analysis.errors import StartRefusedError
from bedtick.analysis.nights import find_night
from bedtick.analysis.times import SECOND_NS, local, zone

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from datetime import tzinfo

    from bedtick.analysis.night import Night
    from bedtick.analysis.recordings import Recording

# People round: what began when the one before ended may be said to begin this much earlier.
ROUNDING_NS = 600 * SECOND_NS


def recording_meant(nights: list[Night], name: str, place: str | None) -> Recording:
    """Choose the recording whose start a person gives, by the name of a night.

    `rN` is recording N, also once it has a date; so a start can be corrected by either name.

    Raises
    ------
    UnknownNightError
        No night has this name, or several places have one.
    StartRefusedError
        Its clock was synchronised, or the night has several recordings that could be meant.
    """
    numbered = [one for one in _all(nights) if f"r{one.id}" == name and place in (None, one.place)]
    recordings = numbered or list(_all([find_night(nights, name, place)]))
    unclocked = [recording for recording in recordings if not recording.clock.was_believed]
    if not unclocked:
        raise StartRefusedError(
            f"night {_named(nights, name)} has a clock that was synchronised, so its times stay; "
            f"without one: {_unclocked_names(nights)}"
        )
    if len({recording.shared_clock for recording in recordings}) > 1:
        names = ", ".join(f"r{recording.id}" for recording in unclocked)
        raise StartRefusedError(f"night {name} has several recordings; say which one began then: {names}")
    if name == "last":
        _refuse_to_guess(nights, unclocked[0])
    return unclocked[0]


def _refuse_to_guess(nights: list[Night], last: Recording) -> None:
    """Refuse `last` where the boot has more nights without a date: their evening may be what is meant."""
    boot = (last.shared_clock, last.place)
    beside = [f"r{one.id}" for one in _all(nights) if (one.shared_clock, one.place) == boot]
    if last.clock.utc_ns(0) is None and len(beside) > 1:
        raise StartRefusedError(
            f"the device ran on through several recordings; say which one began then: {', '.join(beside)}"
        )


def check_start(nights: list[Night], recording: Recording, start_ns: int) -> None:
    """Refuse a start at which the same sensor was recording something else; an import may overlap.

    Raises
    ------
    StartRefusedError
        Another recording of a chip at the same place ran then.
    """
    ahead_ns = start_ns - recording.clock.boot_ns(0)
    recordings = [one for one in _all(nights) if one.source == CHIP]
    for moved in (one for one in recordings if one.shared_clock == recording.shared_clock):
        first_ns, end_ns = (boot_ns + ahead_ns for boot_ns in moved.boot_span_ns)
        for other in recordings:
            if other.place != moved.place or other.shared_clock == moved.shared_clock:
                continue
            ran = _span_ns(other)
            if ran and min(end_ns, ran[1]) - max(first_ns, ran[0]) > ROUNDING_NS:
                raise StartRefusedError(_overlap(moved, other, ran))


def write_start(connection: sqlite3.Connection, recording: Recording, start_ns: int | None) -> None:
    """Store what a person said about a recording's start, None for unknown; what was said before stays."""
    connection.execute(
        "INSERT INTO anchors (recording_id, sample, boot_ns, utc_ns, synced, cause)"
        " VALUES (?, 0, ?, ?, 0, 'hand')",
        (recording.id, recording.clock.boot_ns(0), start_ns),
    )


def minute_of(utc_ns: int, where: tzinfo) -> str:
    """Write a moment to the minute, with what the zone calls its time: `2026-02-03 22:45 CET`."""
    return f"{local(utc_ns, where):%Y-%m-%d %H:%M %Z}"


def _all(nights: Iterable[Night]) -> Iterable[Recording]:
    """Each recording of some nights once; one that goes on past noon is in two of them."""
    return {part.recording.id: part.recording for night in nights for part in night.parts}.values()


def _named(nights: list[Night], name: str) -> str:
    return nights[-1].name if name == "last" else name


def _unclocked_names(nights: list[Night]) -> str:
    names = [night.name for night in nights if not night.has_utc]
    return ", ".join(names) or "none, all nights have a date"


def _span_ns(recording: Recording) -> tuple[int, int] | None:
    """UTC of a recording's start and end, where they are known."""
    first_ns, end_ns = recording.clock.utc_ns(0), recording.clock.utc_ns(recording.end_sample)
    return None if first_ns is None or end_ns is None else (first_ns, end_ns)


def _overlap(moved: Recording, other: Recording, ran_ns: tuple[int, int]) -> str:
    where = zone(other.time_zone)
    span = f"{minute_of(ran_ns[0], where)} to {minute_of(ran_ns[1], where)}"
    way_out = "" if other.clock.was_believed else f", or say first that r{other.id}'s start is unknown"
    return (
        f"recording {moved.id} can not have run then: recording {other.id} of the same place ran from {span}"
        f"; give another time{way_out}"
    )
