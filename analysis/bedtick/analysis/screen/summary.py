"""One night on one screen, for the morning.

An hour of which little was valid never looks like a quiet one: its bar is replaced by words.
"""

from __future__ import annotations

from itertools import zip_longest
from textwrap import wrap
from typing import TYPE_CHECKING

import click

from bedtick.analysis.profile import Hour, merged
from bedtick.analysis.quiet import LONG_QUIET_S
from bedtick.analysis.screen.activity import motion_strip
from bedtick.analysis.screen.look import WIDTH, shown
from bedtick.analysis.screen.words import (
    ENDED_WORDS,
    REASON_WORDS,
    duration,
    evening,
    moment,
    number,
    plural,
)
from bedtick.analysis.totals import Count, total

if TYPE_CHECKING:
    from bedtick.analysis.events import Event
    from bedtick.analysis.night import Night
    from bedtick.analysis.screen.look import Look
    from bedtick.analysis.summary import Summary

LIMITS = "A movement log, not a diagnosis: not EMG, no sleep stages, not which sleeper."
_CLOCK_WORDS = {
    "synced": "Clock: synchronised.",
    "late": "Clock: set late or by hand; times are worked out from that.",
    "none": "Clock: none to trust, so times count from the start of the recording; "
    "to give it a date: bedtick note {night} --starts TIME",
}
_HOUR_ROWS = 10  # a longer night is shown in wider steps, to stay on one screen
_BAR_CELLS = 36
_DIVISION_CELLS = 12
_FAULT_KINDS = 3
_LIGHTS = 4  # times at which the lights went off or on that are told one by one
_LIGHT_WORDS = {"lights_off": "lights off", "lights_on": "lights on"}
_ENOUGH_VALID_S = 300  # less valid time than this, or than half, gives no rate worth a bar
_COLUMN = 38


def summary_screen(summary: Summary, look: Look) -> str:
    """Lay out a summary in lines of at most 80 columns, for `click.echo`."""
    sections = (
        _header(summary, look),
        _side_by_side(_kinds(summary, look), _strongest(summary, look)),
        _profile(summary, look),
        _findings(summary, look),
        [look.aside(LIMITS)],
    )
    return "\n\n".join("\n".join(section) for section in sections)


def _header(summary: Summary, look: Look) -> list[str]:
    night = summary.night
    recordings = [part.recording for part in night.parts]
    sensors = dict.fromkeys(f"{shown(r.place, look)} ({shown(r.chip, look)})" for r in recordings)
    span = f"{moment(night, night.start_ns)} to {moment(night, night.end_ns)}"
    where = f" {night.where}" if night.has_utc else " since the start"
    title = look.heading(f"Night {evening(night.name)}")
    lines = [f"{title}   {', '.join(sensors)}"]
    clock = _CLOCK_WORDS[night.clock_quality].format(night=night.name)
    lines += wrap(f"{span}{where}, {ENDED_WORDS[night.ended]}. {clock}", WIDTH)
    if len(sensors) > 1:
        lines.append("Events and hours are the sums over these sensors.")
    return [*lines, *_valid(summary, look)]


def _valid(summary: Summary, look: Look) -> list[str]:
    time = summary.time
    causes = [
        f"{duration(seconds)} {REASON_WORDS[reason]}"
        for reason, seconds in time.invalid_s().items()
        if seconds >= 1
    ]
    if time.unscored_s >= 60:
        causes.append(f"{duration(time.unscored_s)} not judged yet")
    line = f"Valid {duration(time.valid_s)} of {duration(time.recorded_s)} recorded"
    line += f"; not valid: {', '.join(causes)}" if causes else ""
    lines = wrap(f"{line}.", WIDTH)
    return lines if time.valid_s >= time.recorded_s / 2 else [look.warning(text) for text in lines]


def _kinds(summary: Summary, look: Look) -> list[str]:
    rows = [*summary.counts.items(), ("all night", total(summary.counts))]
    heading = f"{'Events':<10}{'count':>8}{'per valid hour':>16}"
    return [look.heading(heading), *(_kind_row(name, count, summary) for name, count in rows)]


def _kind_row(name: str, count: Count, summary: Summary) -> str:
    valid_s = summary.time.valid_s
    rate = number(count.per_valid_hour(valid_s) if valid_s >= _ENOUGH_VALID_S else None)
    return f"{name:<10}{count.events:>8,}{rate:>16}"


def _strongest(summary: Summary, look: Look) -> list[str]:
    rows = [_strong_row(summary.night, event) for event in summary.strongest]
    return [look.heading(f"{'Strongest':<10}{'':<9}{'peak mg':>9}{'length s':>10}"), *rows] if rows else []


def _strong_row(night: Night, event: Event) -> str:
    ns = event.start_utc_ns if event.start_utc_ns is not None else round(event.start_s * 1e9)
    when = moment(night, ns, seconds=True)
    return f"{when:<10}{event.kind:<9}{number(event.peak_mg):>9}{event.duration_s:>10.1f}"


def _side_by_side(left: list[str], right: list[str]) -> list[str]:
    pairs = zip_longest(left, right, fillvalue="")
    return [f"{a}{' ' * (_COLUMN - len(click.unstyle(a)))}{b}".rstrip() for a, b in pairs]


def _profile(summary: Summary, look: Look) -> list[str]:
    hours = merged(summary.hours, _HOUR_ROWS)
    rates = [hour.count.per_valid_hour(hour.valid_s) or 0.0 for hour in hours if _enough(hour)]
    most = max(rates, default=0.0) or 1.0
    heading = look.heading(f"{'Hour':<7}{'valid':<14}{'events':>6}  per valid hour")
    rows = [_hour_row(summary.night, hour, most, look) for hour in hours]
    return [heading, *rows, *motion_strip(summary, look)]


def _enough(hour: Hour) -> bool:
    return hour.valid_s >= max(_ENOUGH_VALID_S, hour.recorded_s / 2)


def _hour_row(night: Night, hour: Hour, most: float, look: Look) -> str:
    whole_s = max(hour.length_s, hour.recorded_s)  # two sensors record two seconds in one
    invalid_s = hour.recorded_s - hour.valid_s
    division = look.division(
        hour.valid_s / whole_s,
        invalid_s / whole_s,
        _DIVISION_CELLS,
        began_late=hour.start_ns < night.start_ns,
    )
    start = moment(night, hour.start_ns)
    return f"{start:<7}{division}{hour.count.events:>8,}  {_hour_says(hour, most, look)}".rstrip()


def _hour_says(hour: Hour, most: float, look: Look) -> str:
    """Bar and rate of an hour, or words where its valid time is too short to say."""
    if hour.recorded_s == 0:
        return look.aside("not recorded")
    if not _enough(hour):
        return look.warning(f"only {duration(hour.valid_s)} valid: cannot say")
    rate = hour.count.per_valid_hour(hour.valid_s) or 0.0
    if rate == 0:
        return look.aside(f"none in {duration(hour.valid_s)} of valid time")
    return f"{look.bar(rate / most, _BAR_CELLS)} {number(rate, 0)}"


def _findings(summary: Summary, look: Look) -> list[str]:
    lines = [
        _bouts(summary),
        _quiet(summary),
        _weakest(summary),
        *_left_out(summary),
        *_markers(summary),
        *_faults(summary, look),
    ]
    return [line for text in lines for line in wrap(text, WIDTH, subsequent_indent="  ")]


def _bouts(summary: Summary) -> str:
    if not summary.bouts:
        return "Bouts: none."
    longest = max(summary.bouts, key=lambda bout: bout.duration_s)
    when = moment(summary.night, longest.start_ns)
    together = duration(sum(bout.duration_s for bout in summary.bouts))
    return (
        f"Bouts: {len(summary.bouts)}, {together} together; longest from {when}, "
        f"{duration(longest.duration_s)}, an event every {number(longest.median_interval_s)} s."
    )


def _quiet(summary: Summary) -> str:
    seconds = summary.long_quiet_after_s
    if summary.time.valid_s < LONG_QUIET_S:
        return "First 30 valid minutes without an event: less than 30 minutes were valid."
    if seconds is None:
        return "First 30 valid minutes without an event: none."
    return f"First 30 valid minutes without an event: began {duration(seconds)} after the start."


def _weakest(summary: Summary) -> str:
    weakest = summary.weakest
    if weakest is None:
        return "Sensitivity: not measured, for no minute was at least half valid."
    return (
        f"Sensitivity: tonight, on this bed, jerks above "
        f"{_bound(weakest.median_mg)} mg (worst tenth: {_bound(weakest.worst_tenth_mg)} mg)."
    )


def _bound(peak_mg: float) -> str:
    """Write a bound in mg, never as nothing: what holds above less than 0.1 holds above 0.1."""
    return number(max(peak_mg, 0.1))


def _left_out(summary: Summary) -> list[str]:
    count = total(summary.counts)
    outside = count.events - count.in_valid_time
    if not outside:
        return []
    return [f"Left out of the rates: {plural(outside, 'event')} in minutes that were mostly not valid."]


def _markers(summary: Summary) -> list[str]:
    if not summary.markers:
        return []
    felt = sum(marker.kind == "felt" for marker in summary.markers)
    told = [f"{plural(felt, 'jerk')} felt"] if felt else []
    lights = [marker for marker in summary.markers if marker.kind in _LIGHT_WORDS]
    told += [f"{_LIGHT_WORDS[m.kind]} {moment(summary.night, m.start_ns)}" for m in lights[:_LIGHTS]]
    if len(lights) > _LIGHTS:
        told.append(f"{len(lights) - _LIGHTS} more of these")
    return [f"Marked: {', '.join(told)}."]


def _faults(summary: Summary, look: Look) -> list[str]:
    if not summary.faults:
        return ["Faults: none."]
    told = [
        f"{shown(fault.kind, look)} {fault.count:,}x"
        + (f" ({plural(fault.lost_samples, 'sample')} lost)" if fault.lost_samples else "")
        for fault in summary.faults[:_FAULT_KINDS]
    ]
    if len(summary.faults) > _FAULT_KINDS:
        told.append(plural(len(summary.faults) - _FAULT_KINDS, "more kind"))
    return [f"Faults: {', '.join(told)}."]
