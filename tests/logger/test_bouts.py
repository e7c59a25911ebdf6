"""Bouts: at least five twitches or movements, each at most 30 s after the one before."""

from __future__ import annotations

import pytest

from bedtick.logger.detector.bouts import Bout, BoutTracker
from bedtick.logger.detector.events import final_kind, kind_of, ring_down_s
from bedtick.logger.settings import DetectorSettings

RATE_HZ = 100.0
SETTINGS = DetectorSettings()


def track(onsets_s, kinds=None, settings=SETTINGS):
    """Feed events of 0.4 s; return what the tracker said to each."""
    tracker = BoutTracker(settings, RATE_HZ)
    kinds = kinds or ["twitch"] * len(onsets_s)
    return [
        tracker.add(number, kind, round(onset_s * RATE_HZ), round((onset_s + 0.4) * RATE_HZ))
        for number, (onset_s, kind) in enumerate(zip(onsets_s, kinds, strict=True), start=1)
    ]


def test_four_events_are_no_bout():
    """Below five events there is none, however close they are."""
    assert track([0, 3, 6, 9]) == [None] * 4


def test_the_fifth_event_makes_the_bout():
    """With the fifth the bout is there, from the first onset to the last end, and all five join it."""
    said = track([10, 13, 17, 20, 24])
    assert said[:4] == [None] * 4
    assert said[4] == Bout(1, 1000, 2440, 5, 3.5, (1, 2, 3, 4, 5))


def test_later_events_join_one_by_one():
    """Each event after the fifth joins by itself; count, end and median interval move on."""
    last = track([0, 10, 20, 30, 40, 41])[-1]
    assert last == Bout(1, 0, 4140, 6, 10.0, (6,))


@pytest.mark.parametrize(("gap_s", "is_bout"), [(30.0, True), (30.01, False)])
def test_the_longest_gap(gap_s, is_bout):
    """An onset just 30.0 s after the last belongs to the bout, one 30.01 s after it does not."""
    onsets = [0, 5, 10, 15, 15 + gap_s]
    assert (track(onsets)[-1] is not None) == is_bout


def test_a_longer_gap_begins_anew():
    """After a longer gap five events are needed again, and the next bout has the next number."""
    onsets = [0, 1, 2, 3, 4, 100, 101, 102, 103, 104]
    said = track(onsets)
    assert [bout and bout.number for bout in said] == [None] * 4 + [1] + [None] * 4 + [2]
    assert said[-1].joined == (6, 7, 8, 9, 10)
    assert said[-1].onset_sample == 10000


def test_turns_and_large_movements_are_passed_over():
    """A turn or a large movement neither joins a bout, nor bridges a gap, nor ends it."""
    onsets = [0, 10, 20, 25, 30, 40, 44]
    kinds = ["twitch", "movement", "turn", "large", "twitch", "twitch", "movement"]
    said = track(onsets, kinds)
    assert said[-1] == Bout(1, 0, 4440, 5, 10.0, (1, 2, 5, 6, 7))
    bridged = track([0, 10, 20, 30, 50, 70], ["twitch"] * 4 + ["turn", "twitch"])
    assert bridged[-1] is None


def test_the_end_is_the_latest_end():
    """An event that lasts longer than the next one keeps the bout's end."""
    tracker = BoutTracker(SETTINGS, RATE_HZ)
    for number in range(1, 5):
        tracker.add(number, "twitch", 100 * number, 100 * number + 900)
    assert tracker.add(5, "twitch", 500, 540).end_sample == 1300


def test_settings_decide():
    """Another least number and another gap are kept."""
    settings = DetectorSettings(bout_min_events=2, bout_gap_s=1.0)
    assert track([0, 1.0], settings=settings)[1].event_count == 2
    assert track([0, 1.01], settings=settings)[1] is None


@pytest.mark.parametrize(
    ("duration_s", "ringing_s", "kind"),
    [
        (10.01, 0.0, "large"),
        (10.0, 0.0, "movement"),
        (10.01, 9.9, "large"),
        (0.5, 0.0, "movement"),
        (0.49, 0.0, "twitch"),
        (1.2, 0.7, "movement"),
        (1.19, 0.7, "twitch"),
    ],
)
def test_kinds_have_sharp_bounds(duration_s, ringing_s, kind):
    """Over 10 s is large; at least 0.5 s more than the ring-down is a movement; the rest are twitches."""
    assert kind_of(duration_s, ringing_s, SETTINGS) == kind


@pytest.mark.parametrize("kind", ["twitch", "movement", "large"])
def test_a_tilt_of_0_3_degrees_makes_a_turn(kind):
    """From 0.3 degrees on any event is a turn; below, and where the tilt is unknown, it stays as it was."""
    assert final_kind(kind, 0.3, SETTINGS) == "turn"
    assert final_kind(kind, 0.299, SETTINGS) == kind
    assert final_kind(kind, None, SETTINGS) == kind


def test_ring_down_is_tau_times_the_logarithm():
    """A peak ten times the low threshold, a hundred in energy, rings for tau ln 10; below it not at all."""
    assert ring_down_s(100.0, SETTINGS) == pytest.approx(0.2 * 2.302585)
    assert ring_down_s(0.5, SETTINGS) == 0.0
