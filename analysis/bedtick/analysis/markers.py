"""What a person marked in a night with the button: `felt`, `lights_off` and `lights_on`.

Every recording that ran has a row for the same press, with the same boot time; it counts once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

    from bedtick.analysis.night import Night

MARKERS_SINCE = 3  # PRAGMA user_version of the first files with the table


@dataclass(frozen=True)
class Marker:
    """One thing that was marked; `start_ns` is on the scale of the night's own."""

    kind: str
    start_ns: int


def markers_of(connection: sqlite3.Connection, night: Night) -> list[Marker]:
    """Read the markers of a night in the order of time; none in a file from before there were any."""
    if connection.execute("PRAGMA user_version").fetchone()[0] < MARKERS_SINCE:
        return []
    pressed: dict[tuple[str, int], Marker] = {}
    for part in night.parts:
        goes_on = part.end_sample < part.recording.end_sample
        bounds = (part.recording.id, part.first_sample, part.end_sample, not goes_on)
        for kind, sample, boot_ns in connection.execute(_MARKERS, bounds).fetchall():
            pressed.setdefault((kind, boot_ns), Marker(kind, part.moment_ns(sample)))
    return sorted(pressed.values(), key=lambda marker: marker.start_ns)


# A marker is stored sooner than the samples around it, so the last part takes all that follow.
_MARKERS = """
    SELECT kind, sample, boot_ns FROM markers
    WHERE recording_id = ? AND sample >= ? AND (sample < ? OR ?)
"""
