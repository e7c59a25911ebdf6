"""The events of a night, each with its time, as screen and JSON show them."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from bedtick.analysis.times import SECOND_NS, iso

if TYPE_CHECKING:
    import sqlite3

    from bedtick.analysis.night import Night, Part


FEATURES_SINCE = 2  # PRAGMA user_version of the first files that have the last three


@dataclass(frozen=True)
class Event:
    """One event; `start_s` is its onset since the recording began, `bout` the id of its bout.

    Unknown is None: `tilt_deg` and `bout` until 10 s after the event, `start_utc_ns` without a clock, and
    the last three in a file of version 1, which does not have them.
    """

    id: int
    night: str
    recording: int
    scoring: int
    start_s: float
    duration_s: float
    start_utc_ns: int | None
    clock: str
    kind: str
    peak_mg: float | None
    rms_mg: float | None
    dominant_hz: float | None
    tilt_deg: float | None
    snr: float | None
    bout: int | None
    sub_bursts: int | None
    direction_ratio: float | None
    train_hz: float | None

    def as_json(self) -> dict[str, Any]:
        """Give the event as a JSON object, its keys in the documented order."""
        row = asdict(self)
        row["start_utc_ns"] = iso(self.start_utc_ns)
        return {("start_utc" if key == "start_utc_ns" else key): value for key, value in row.items()}


def load_events(connection: sqlite3.Connection, night: Night) -> list[Event]:
    """All events of a night (with exact clocks: `nights.with_exact_clocks`) in the order of time."""
    query = f"{_select(connection)} ORDER BY onset_sample LIMIT ?"
    return [event for part in night.parts for event in _events_of(connection, night, part, query)]


def strongest_events(connection: sqlite3.Connection, night: Night, how_many: int) -> list[Event]:
    """Give the events with the highest peak, the highest first."""
    query = f"{_select(connection)} ORDER BY peak_mg DESC LIMIT ?"
    found = [event for part in night.parts for event in _events_of(connection, night, part, query, how_many)]
    return sorted(found, key=lambda event: event.peak_mg or 0.0, reverse=True)[:how_many]


_COLUMNS = """
    SELECT id, onset_sample, end_sample, kind, peak_mg, rms_mg, dominant_hz, tilt_deg, snr, bout_id,
        {features}
    FROM events WHERE scoring_id = ? AND onset_sample >= ? AND onset_sample < ?
"""
_FEATURES = ("sub_bursts", "direction_ratio", "train_hz")
_ALL = -1  # to SQLite a negative limit is none


def _select(connection: sqlite3.Connection) -> str:
    """Return the query for the events of a span; what the file does not have yet is NULL."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    features = ", ".join(name if version >= FEATURES_SINCE else f"NULL AS {name}" for name in _FEATURES)
    return _COLUMNS.format(features=features)


def _events_of(
    connection: sqlite3.Connection, night: Night, part: Part, query: str, how_many: int = _ALL
) -> list[Event]:
    if part.scoring is None:
        return []
    rows = connection.execute(query, (part.scoring, part.first_sample, part.events_end_sample, how_many))
    return [_event(row, night, part) for row in rows]


def _event(row: tuple[Any, ...], night: Night, part: Part) -> Event:
    identity, onset, end, kind, peak_mg, rms_mg, dominant_hz, tilt_deg, snr, bout, *features = row
    sub_bursts, direction_ratio, train_hz = features
    clock = part.recording.clock
    start_ns, end_ns = clock.elapsed_ns(onset), clock.elapsed_ns(end)
    return Event(
        id=identity,
        night=night.name,
        recording=part.recording.id,
        scoring=part.scoring or 0,
        start_s=round(start_ns / SECOND_NS, 6),
        duration_s=round((end_ns - start_ns) / SECOND_NS, 6),
        start_utc_ns=clock.utc_ns(onset),
        clock=clock.quality(onset),
        kind=kind,
        peak_mg=_finite(peak_mg),
        rms_mg=_finite(rms_mg),
        dominant_hz=_finite(dominant_hz),
        tilt_deg=_finite(tilt_deg),
        snr=_finite(snr),
        bout=bout,
        sub_bursts=sub_bursts,
        direction_ratio=_finite(direction_ratio),
        train_hz=_finite(train_hz),
    )


def _finite(number: float | None) -> float | None:
    """Give a number that JSON can hold; a ratio to a floor of 0 is unknown."""
    return number if number is None or math.isfinite(number) else None
