"""The comparison of two scorings as a table: counts, then a line for each difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedtick.analysis.screen.words import moment, number, plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bedtick.analysis.events import Event
    from bedtick.analysis.night import Night
    from bedtick.analysis.scoring_changes import Changes
    from bedtick.analysis.screen.look import Look

MOST_LINES = 20  # of differences: the counts above must stay on the screen
_HEADING = f"{'time':<10}{'found':<13}{'kind':<22}{'peak mg':>9}{'length s':>10}"


def changes_screen(night: Night, changes: Changes, look: Look) -> Iterator[str]:
    """Draw how many are in both, only old, only new; then the differences in the order of time."""
    yield f"{'in both':<13}{len(changes.matched):>7,}{_of_other_kind(changes)}"
    yield f"{'only in old':<13}{len(changes.only_old):>7,}"
    yield f"{'only in new':<13}{len(changes.only_new):>7,}"
    if changes.left_out:
        yield f"Not compared: {plural(changes.left_out, 'old event')} after the last stored sample."
    lines = _differences(night, changes)
    if lines:
        yield ""
        yield look.heading(_HEADING)
        yield from lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        yield f"... and {len(lines) - MOST_LINES:,} more; --json lists them all."


def _of_other_kind(changes: Changes) -> str:
    return f"   {len(changes.other_kind):,} of them of another kind" if changes.other_kind else ""


def _differences(night: Night, changes: Changes) -> list[str]:
    rows = [(event, "only in old", event.kind) for event in changes.only_old]
    rows += [(event, "only in new", event.kind) for event in changes.only_new]
    rows += [(new, "in both", f"{old.kind} -> {new.kind}") for old, new in changes.other_kind]
    return [_line(night, *row) for row in sorted(rows, key=lambda row: _ns(row[0]))]


def _ns(event: Event) -> int:
    return round(event.start_s * 1e9) if event.start_utc_ns is None else event.start_utc_ns


def _line(night: Night, event: Event, found: str, kind: str) -> str:
    return (
        f"{moment(night, _ns(event), seconds=True):<10}{found:<13}{kind:<22}"
        f"{number(event.peak_mg):>9}{event.duration_s:>10.2f}"
    )
