"""Two scorings of a night are matched event by event, each with one other at most."""

from __future__ import annotations

import pytest

from bedtick.analysis.events import Event
from bedtick.analysis.scoring_changes import changes_between

ENDS_S = {1: 1000.0, 2: 1000.0}


@pytest.fixture
def event():
    """Return a function that makes an event, each with an id of its own."""
    ids = iter(range(1, 1000))

    def make(start_s, duration_s=0.3, kind="twitch", recording=1):
        return Event(
            id=next(ids), night="r1", recording=recording, scoring=1, start_s=start_s, duration_s=duration_s,
            start_utc_ns=None, clock="none", kind=kind, peak_mg=10.0, rms_mg=5.0, dominant_hz=6.0,
            tilt_deg=0.0, snr=5.0, bout=None, sub_bursts=1, direction_ratio=0.8, train_hz=None,
        )  # fmt: skip

    return make


def test_events_that_overlap_or_begin_together_are_the_same(event):
    """An overlap or half a second between onsets makes a pair; more does not."""
    old = [event(10.0), event(20.0, 8.0), event(40.0), event(50.0)]
    new = [event(10.5), event(26.0), event(40.6), event(60.0)]
    changes = changes_between(old, new, ENDS_S)
    assert [(a.start_s, b.start_s) for a, b in changes.matched] == [(10.0, 10.5), (20.0, 26.0)]
    assert [e.start_s for e in changes.only_old] == [40.0, 50.0]
    assert [e.start_s for e in changes.only_new] == [40.6, 60.0]


def test_nearest_onsets_belong_together(event):
    """Of two that could be the same the nearer is, and what is taken is not taken again."""
    old = [event(10.0), event(10.4)]
    new = [event(10.4), event(10.85)]
    changes = changes_between(old, new, ENDS_S)
    assert [(a.start_s, b.start_s) for a, b in changes.matched] == [(10.4, 10.4)]
    assert [e.start_s for e in changes.only_old] == [10.0]
    assert [e.start_s for e in changes.only_new] == [10.85]


def test_long_event_that_fell_apart_is_one_match(event):
    """Of the pieces of a long event one is the same, the others are new; later pairs are not lost by it."""
    old = [event(10.0, 9.0), event(30.0)]
    new = [event(10.1), event(13.0), event(16.0), event(30.0)]
    changes = changes_between(old, new, ENDS_S)
    assert [(a.start_s, b.start_s) for a, b in changes.matched] == [(10.0, 10.1), (30.0, 30.0)]
    assert [e.start_s for e in changes.only_new] == [13.0, 16.0]


def test_recordings_are_kept_apart(event):
    """The same second of two recordings is not the same event."""
    changes = changes_between([event(10.0)], [event(10.0, recording=2)], ENDS_S)
    assert (len(changes.matched), len(changes.only_old), len(changes.only_new)) == (0, 1, 1)


def test_what_could_not_be_seen_is_left_out(event):
    """Old events after the end of what was scored again are counted apart, as no change."""
    changes = changes_between([event(10.0), event(20.0)], [event(10.0)], {1: 15.0})
    assert (len(changes.matched), changes.only_old, changes.left_out) == (1, (), 1)


def test_other_kinds_are_told(event):
    """A pair with two kinds is in the list of those, and JSON has both events."""
    changes = changes_between([event(10.0), event(20.0)], [event(10.0), event(20.0, kind="movement")], ENDS_S)
    value = changes.as_json()
    assert (value["matched"], len(value["other_kind"])) == (2, 1)
    assert [value["other_kind"][0][side]["kind"] for side in ("old", "new")] == ["twitch", "movement"]
