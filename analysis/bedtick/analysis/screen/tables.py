"""Tables of nights and of events, one row a line, for reading and for `less`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedtick.analysis.screen.look import shown
from bedtick.analysis.screen.words import moment, number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bedtick.analysis.events import Event
    from bedtick.analysis.night import Night
    from bedtick.analysis.night_list import NightRow
    from bedtick.analysis.screen.look import Look

_NIGHT_HEADING = (
    f"{'Night':<12}{'from':<7}{'to':<7}{'recorded':>9}{'valid':>8}"
    f"{'events':>8}{'per h':>8}  {'ended':<11}clock"
)
_EVENT_HEADING = (
    f"{'Event':>7}  {'time':<10}{'kind':<9}{'peak mg':>9}{'rms mg':>8}{'Hz':>6}{'length s':>10}"
    f"{'tilt':>6}{'snr':>7}{'bout':>6}"
)


def nights_table(rows: Iterable[NightRow], look: Look) -> Iterator[str]:
    """One line a night, the latest last; rates are per valid hour of the whole night.

    Where there are several places, each has a table of its own, under its name.
    """
    by_place: dict[str, list[NightRow]] = {}
    for row in rows:
        by_place.setdefault(row.night.place, []).append(row)
    for place, its_rows in by_place.items():
        if len(by_place) > 1:
            yield f"Place: {shown(place, look)}"
        yield look.heading(_NIGHT_HEADING)
        yield from map(_night_line, its_rows)


def events_table(night: Night, events: Iterable[Event], look: Look) -> Iterator[str]:
    """One line an event, in the order of time."""
    yield look.heading(_EVENT_HEADING)
    for event in events:
        yield _event_line(night, event)


def _night_line(row: NightRow) -> str:
    night = row.night
    start, end = moment(night, night.start_ns), moment(night, night.end_ns)
    rate = number(row.per_valid_hour)
    return (
        f"{night.name:<12}{start:<7}{end:<7}{_hours(row.recorded_s):>9}{_hours(row.valid_s):>8}"
        f"{row.count.events:>8,}{rate:>8}  {night.ended or 'goes on':<11}{night.clock_quality}"
    )


def _hours(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60}:{minutes % 60:02d}"


def _event_line(night: Night, event: Event) -> str:
    ns = round(event.start_s * 1e9) if event.start_utc_ns is None else event.start_utc_ns
    return (
        f"{event.id:>7}  {moment(night, ns, seconds=True):<10}{event.kind:<9}{number(event.peak_mg):>9}"
        f"{number(event.rms_mg):>8}{number(event.dominant_hz):>6}{event.duration_s:>10.2f}"
        f"{number(event.tilt_deg):>6}{number(event.snr):>7}{event.bout or '-':>6}"
    )
