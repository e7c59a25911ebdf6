"""Numbers and times in the words of the screen."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from bedtick.analysis.times import SECOND_NS, local

if TYPE_CHECKING:
    from bedtick.analysis.night import Night

REASON_WORDS = {
    "gap": "missing samples",
    "saturated": "at full scale",
    "settling": "settling",
    "hum": "hum",
    "floor": "too noisy",
}
ENDED_WORDS = {
    "stopped": "stopped",
    "unplugged": "unplugged: at most 10 s before the end may be missing",
    "running": "still running: the last 10 s may be missing",
    None: "went on into the next night",
}


def duration(seconds: float) -> str:
    """Write a length of time with its two largest units: `8 h 05 min`, `12 min`, `7 s`."""
    if seconds < 60:
        return f"{seconds:.0f} s" if round(seconds) < 60 else "1 min"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def number(value: float | None, digits: int = 1) -> str:
    """Write a number, or a dash where it is not known."""
    return "-" if value is None else f"{value:,.{digits}f}"


def plural(count: int, one: str) -> str:
    """Write a count and its noun: `1 bout`, `3 bouts`."""
    return f"{count:,} {one}" if count == 1 else f"{count:,} {one}s"


def moment(night: Night, ns: int, *, seconds: bool = False) -> str:
    """Local time of a moment of a night, or the time since its start where there is no clock."""
    if night.has_utc:
        return f"{local(ns, night.where):{'%H:%M:%S' if seconds else '%H:%M'}}"
    minutes, rest_s = divmod(ns // SECOND_NS, 60)
    return f"+{minutes // 60}:{minutes % 60:02d}" + (f":{rest_s:02d}" if seconds else "")


def evening(name: str) -> str:
    """Say between which days a night lies: `2026-02-03, Tuesday to Wednesday`."""
    if name.startswith("r"):
        return f"{name}, a recording without a clock"
    day = date.fromisoformat(name).weekday()
    return f"{name}, {_DAYS[day]} to {_DAYS[(day + 1) % 7]}"


_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
