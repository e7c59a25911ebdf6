"""What became of a night that was scored again, recording by recording."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedtick.analysis.screen.scoring_changes import changes_screen
from bedtick.analysis.screen.words import duration, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bedtick.analysis.events import Event
    from bedtick.analysis.night import Night
    from bedtick.analysis.scoring_changes import Changes
    from bedtick.analysis.screen.look import Look
    from bedtick.logger.rescore import Rescored


def rescored_screen(
    night: Night,
    outcomes: Sequence[Rescored],
    events: tuple[Sequence[Event], Sequence[Event]],
    changed: Changes | None,
    *,
    look: Look,
    where: str,
) -> Iterator[str]:
    """Say what became of each recording, what changed where that was asked, and how to see it.

    Parameters
    ----------
    night, outcomes
        What was scored again.
    events
        The night's events by its own scorings and by the new ones.
    changed
        Their comparison; None leaves it away.
    look
        What the screen can show.
    where
        What a command needs to find the database, such as ` --db PATH`.
    """
    for outcome in outcomes:
        yield _said(outcome, *events)
        yield from _caveats(outcome)
    if changed is not None:
        yield ""
        yield from changes_screen(night, changed, look)
    shown = [o.scoring_id for o in outcomes if o.scoring_id not in (None, o.job.live_scoring_id)]
    if shown and changed is not None:
        yield ""
    for scoring_id in shown:
        yield f"See it: bedtick summary {night.name} --scoring {scoring_id}{where}"


def _said(outcome: Rescored, old: Sequence[Event], new: Sequence[Event]) -> str:
    """Say what became of one recording."""
    job, scoring_id = outcome.job, outcome.scoring_id
    if scoring_id is None:
        return f"Recording {job.recording_id}: none of its raw samples can be read; left as it is."
    if not outcome.is_new:
        return (
            f"Recording {job.recording_id}: scoring {scoring_id} has these settings and this version; "
            "nothing changed."
        )
    before, after = (sum(e.recording == job.recording_id for e in events) for events in (old, new))
    own = "" if job.live_scoring_id is None else f" where scoring {job.live_scoring_id} has {before:,}"
    return (
        f"Recording {job.recording_id}: scored again as scoring {scoring_id}, {plural(after, 'event')}{own}."
    )


def _caveats(outcome: Rescored) -> Iterator[str]:
    job = outcome.job
    if outcome.is_new and outcome.unreadable_samples:
        missing = duration(outcome.unreadable_samples / job.nominal_hz)
        yield f"  {missing} of its samples are pruned or damaged: missing time (gap) in it."
    if outcome.is_new and job.is_open:
        yield (
            f"  It has no end yet: this is its first {duration(job.end_sample / job.nominal_hz)}; "
            "do it again for the rest."
        )
