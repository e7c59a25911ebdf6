"""A summary as the JSON object that `bedtick summary --json` prints; its keys stay as they are.

Unknown is null, times are UTC, and a name says its unit. What is not plain from the name:

- `ended`: `stopped`, `unplugged`, `running`, or null where the recording goes on into the next night;
  `*_missing_at_most_s`: how much before the end may not have reached the disk.
- `clock`: the worst of the night: `synced`, `late` (worked out from a later clock, or set by hand), `none`.
- `recorded_s` = `valid_s` + all of `invalid_s` (by reason) + `unscored_s` (an open recording's last minute).
- `count` is every event; `in_valid_time` leaves out those in minutes that were mostly invalid, and
  `per_valid_hour` is that over the valid hours of what `rates_of` says, null where there were none.
- `hours`: by the local clock, the first begins before the night; `start_s` counts from the night's start.
- `activity`: each minute's root mean square of motion, valid or not; null where no sample came.
- `minutes_to_long_quiet`: until the first 30 valid minutes without an event.
- `weakest_mg`: the smallest jerk that would have been found, median over the minutes that were at least half
  valid; `weakest_worst_tenth_mg`: one in ten of them was worse than this.
- `markers`: what was marked with the button: `felt`, `lights_off`, `lights_on`.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bedtick.analysis.times import SECOND_NS, iso
from bedtick.analysis.totals import total

if TYPE_CHECKING:
    from bedtick.analysis.activity import ActiveMinute
    from bedtick.analysis.night import Night, Part
    from bedtick.analysis.profile import Hour
    from bedtick.analysis.summary import Bout, Summary
    from bedtick.analysis.totals import Count

# What the daemon promises: raw samples on disk within 10 s, an event within 1 s of its end.
SAMPLES_MISSING_S = 10
EVENTS_MISSING_S = 1


def summary_json(summary: Summary) -> dict[str, Any]:
    """Give a summary as a JSON object with the keys described above."""
    night, valid_s = summary.night, summary.time.valid_s
    invalid_s = {reason: round(seconds, 3) for reason, seconds in summary.time.invalid_s().items()}
    unsure = night.ended in ("unplugged", "running")
    quiet_s = summary.long_quiet_after_s
    return {
        "night": night.name,
        "place": night.place,
        "time_zone": night.parts[0].recording.time_zone,
        **_span_json(night, night),
        "clock": night.clock_quality,
        "ended": night.ended,
        "samples_missing_at_most_s": SAMPLES_MISSING_S if unsure else 0,
        "events_missing_at_most_s": EVENTS_MISSING_S if unsure else 0,
        "recordings": [_part_json(night, part) for part in night.parts],
        "recorded_s": round(summary.time.recorded_s, 3),
        "valid_s": round(valid_s, 3),
        "invalid_s": invalid_s,
        "unscored_s": round(summary.time.unscored_s, 3),
        "rates_of": "whole night",
        "events": _count_json(total(summary.counts), valid_s),
        "kinds": {kind: _count_json(count, valid_s) for kind, count in summary.counts.items()},
        "hours": [_hour_json(night, hour) for hour in summary.hours],
        "activity": [_minute_json(night, minute) for minute in summary.activity],
        "strongest": [event.as_json() for event in summary.strongest],
        "bouts": [_bout_json(night, bout) for bout in summary.bouts],
        "minutes_to_long_quiet": None if quiet_s is None else round(quiet_s / 60, 2),
        "weakest_mg": summary.weakest.median_mg if summary.weakest else None,
        "weakest_worst_tenth_mg": summary.weakest.worst_tenth_mg if summary.weakest else None,
        "faults": [asdict(fault) for fault in summary.faults],
        "markers": [
            {"kind": marker.kind, **_start_json(night, marker.start_ns)} for marker in summary.markers
        ],
    }


def _span_json(night: Night, span: Night | Part) -> dict[str, str | None]:
    ends = (span.start_ns, span.end_ns) if night.has_utc else (None, None)
    return {"start_utc": iso(ends[0]), "end_utc": iso(ends[1])}


def _part_json(night: Night, part: Part) -> dict[str, Any]:
    return {
        "id": part.recording.id,
        "place": part.recording.place,
        "chip": part.recording.chip,
        "scoring": part.scoring,
        **_span_json(night, part),
        "clock": part.clock_quality,
        "ended": part.ended,
        "recorded_s": round(part.recorded_s, 3),
    }


def _count_json(count: Count, valid_s: float) -> dict[str, float | None]:
    rate = count.per_valid_hour(valid_s)
    return {
        "count": count.events,
        "in_valid_time": count.in_valid_time,
        "per_valid_hour": None if rate is None else round(rate, 3),
    }


def _start_json(night: Night, start_ns: int) -> dict[str, Any]:
    return {
        "start_utc": iso(start_ns) if night.has_utc else None,
        "start_s": round((start_ns - night.start_ns) / SECOND_NS, 3),
    }


def _hour_json(night: Night, hour: Hour) -> dict[str, Any]:
    return {
        **_start_json(night, hour.start_ns),
        "recorded_s": round(hour.recorded_s, 3),
        "valid_s": round(hour.valid_s, 3),
        **_count_json(hour.count, hour.valid_s),
    }


def _minute_json(night: Night, minute: ActiveMinute) -> dict[str, Any]:
    return {
        "start_s": round((minute.start_ns - night.start_ns) / SECOND_NS, 3),
        "activity_mg": minute.activity_mg,
        "valid_s": round(minute.valid_s, 3),
    }


def _bout_json(night: Night, bout: Bout) -> dict[str, Any]:
    return {
        **_start_json(night, bout.start_ns),
        "duration_s": round(bout.duration_s, 3),
        "events": bout.events,
        "median_interval_s": bout.median_interval_s,
    }
