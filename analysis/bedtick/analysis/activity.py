"""How much the bed moved, minute by minute: root mean square of motion, events and all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bedtick.analysis.profile import minute_span
from bedtick.analysis.totals import minute_range

if TYPE_CHECKING:
    import sqlite3

    from bedtick.analysis.night import Night


@dataclass(frozen=True)
class ActiveMinute:
    """One minute of a recording, up to `end_ns`; `activity_mg` is None where no sample came."""

    start_ns: int
    end_ns: int
    activity_mg: float | None
    valid_s: float


def activity_of(connection: sqlite3.Connection, night: Night) -> list[ActiveMinute]:
    """List the minutes of a night in the order of time, those that are not valid included."""
    minutes = [
        ActiveMinute(*minute_span(part, minute), activity_mg, valid_s * part.true_s_per_nominal_s)
        for part in night.parts
        for minute, activity_mg, valid_s in connection.execute(
            _MINUTES, (part.scoring, *minute_range(part))
        ).fetchall()
    ]
    return sorted(minutes, key=lambda minute: minute.start_ns)


_MINUTES = """
    SELECT minute, activity_mg, valid_s FROM minutes
    WHERE scoring_id = ? AND minute >= ? AND minute < ? ORDER BY minute
"""
