"""One row a night: what `bedtick nights` lists, on the screen and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bedtick.analysis.times import iso
from bedtick.analysis.totals import Count, total, valid_totals_of

if TYPE_CHECKING:
    import sqlite3

    from bedtick.analysis.night import Night


@dataclass(frozen=True)
class NightRow:
    """A night with its sums."""

    night: Night
    valid_s: float
    counts: dict[str, Count]

    @property
    def recorded_s(self) -> float:
        """Seconds for which the night was recorded."""
        return sum(part.recorded_s for part in self.night.parts)

    @property
    def count(self) -> Count:
        """Events of all kinds."""
        return total(self.counts)

    @property
    def per_valid_hour(self) -> float | None:
        """Events per valid hour of the whole night, or None where none was valid."""
        return self.count.per_valid_hour(self.valid_s)

    def as_json(self) -> dict[str, Any]:
        """Give the row as a JSON object; the kinds are plain counts."""
        night, rate = self.night, self.per_valid_hour
        return {
            "night": night.name,
            "place": night.place,
            "start_utc": iso(night.start_ns) if night.has_utc else None,
            "end_utc": iso(night.end_ns) if night.has_utc else None,
            "clock": night.clock_quality,
            "ended": night.ended,
            "recordings": [part.recording.id for part in night.parts],
            "recorded_s": round(self.recorded_s, 3),
            "valid_s": round(self.valid_s, 3),
            "events": self.count.events,
            "per_valid_hour": None if rate is None else round(rate, 3),
            **{kind: count.events for kind, count in self.counts.items()},
        }


def night_rows(connection: sqlite3.Connection, nights: list[Night]) -> list[NightRow]:
    """Sum up nights, in the order given."""
    return [NightRow(night, *valid_totals_of(connection, night)) for night in nights]
