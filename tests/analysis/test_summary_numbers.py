"""The numbers of a summary, against nights whose every number is known."""

from __future__ import annotations

import pytest

from bedtick.analysis.database import reading
from bedtick.analysis.night_list import night_rows
from bedtick.analysis.nights import load_nights
from bedtick.analysis.recordings import Machine
from bedtick.analysis.summary import summarise
from bedtick.analysis.summary_json import summary_json

HOUR = 3600
START = "2026-02-03T21:00:00+00:00"  # 22:00 in Berlin


def summary_of(bed):
    """JSON of the only night of a fabricated database."""
    with reading(bed.path) as connection:
        (night,) = load_nights(connection, Machine(None, None))
        return summary_json(summarise(connection, night))


def twitches(*onsets_s, peak_mg=20.0):
    """Twitches of 0.2 s at these seconds."""
    return tuple((onset_s, 0.2, "twitch", peak_mg) for onset_s in onsets_s)


def test_kinds_and_rates(bed):
    """Counts and rates per valid hour are given by kind and for all together."""
    events = (*twitches(10, 20, 30), (40, 12.0, "large", 90.0))
    bed.add(start=START, length_s=2 * HOUR, events=events)
    summary = summary_of(bed)
    assert summary["kinds"] == {
        "twitch": {"count": 3, "in_valid_time": 3, "per_valid_hour": 1.5},
        "movement": {"count": 0, "in_valid_time": 0, "per_valid_hour": 0.0},
        "large": {"count": 1, "in_valid_time": 1, "per_valid_hour": 0.5},
        "turn": {"count": 0, "in_valid_time": 0, "per_valid_hour": 0.0},
    }
    assert summary["events"] == {"count": 4, "in_valid_time": 4, "per_valid_hour": 2.0}


def test_invalid_time_has_its_reasons_and_leaves_the_rates(bed):
    """Invalid time is told by reason, and neither it nor its events reach the rates."""
    invalid = {0: ("settling", 2.0), **dict.fromkeys(range(60, 120), ("hum", 60.0))}
    bed.add(start=START, length_s=2 * HOUR, events=twitches(100, 5000, 5010), invalid=invalid)
    summary = summary_of(bed)
    assert summary["invalid_s"] == {"gap": 0, "saturated": 0, "settling": 2, "hum": 3600, "floor": 0}
    assert summary["valid_s"] == 3598
    assert summary["events"] == {"count": 3, "in_valid_time": 1, "per_valid_hour": round(3600 / 3598, 3)}
    assert [(hour["count"], hour["in_valid_time"]) for hour in summary["hours"]] == [(1, 1), (2, 0)]


def test_without_valid_time_there_are_no_rates(bed):
    """A night without a valid second has counts but no rate."""
    bed.add(
        start=START, length_s=600, events=twitches(100), invalid=dict.fromkeys(range(10), ("floor", 60.0))
    )
    assert summary_of(bed)["events"] == {"count": 1, "in_valid_time": 0, "per_valid_hour": None}


def test_seconds_are_true_seconds(bed):
    """A chip that runs 2 % fast does not make the night longer; its parts still add up."""
    bed.add(start=START, length_s=HOUR, nominal_hz=100.0, rate_hz=102.0, invalid={1: ("gap", 51.0)})
    summary = summary_of(bed)
    assert summary["recorded_s"] == HOUR
    assert summary["invalid_s"]["gap"] == pytest.approx(50, abs=0.001)
    assert summary["valid_s"] == pytest.approx(HOUR - 50, abs=0.001)
    assert sum(hour["valid_s"] for hour in summary["hours"]) == pytest.approx(HOUR - 50, abs=0.01)


def test_the_last_minute_of_an_open_recording_is_not_scored_yet(bed):
    """Time without a row in `minutes` is neither valid nor invalid."""
    bed.add(start=START, length_s=630, ended=None, closed=False, scored_s=600)
    summary = summary_of(bed)
    assert (summary["recorded_s"], summary["valid_s"], summary["unscored_s"]) == (630, 600, 30)
    assert (summary["ended"], summary["samples_missing_at_most_s"]) == ("unplugged", 10)


def test_hours_are_those_of_the_local_clock(bed):
    """Events and valid time are shared out to the hours they lie in."""
    bed.add(start="2026-02-03T21:40:30+00:00", length_s=HOUR, events=twitches(1169, 1171, 3590))
    hours = summary_of(bed)["hours"]
    assert [hour["start_utc"] for hour in hours] == ["2026-02-03T21:00:00.000Z", "2026-02-03T22:00:00.000Z"]
    assert [hour["start_s"] for hour in hours] == [-2430, 1170]
    assert [hour["recorded_s"] for hour in hours] == [1170, 2430]
    assert [hour["valid_s"] for hour in hours] == [1170, 2430]
    assert [hour["count"] for hour in hours] == [1, 2]


@pytest.mark.parametrize(("ended", "counted"), [("stopped", 1), ("unplugged", 2)])
def test_the_hand_that_stops_a_recording_is_not_the_sleepers(bed, ended, counted):
    """What begins in the last 2 s counts only where nobody stopped the recording."""
    bed.add(start=START, length_s=HOUR, events=twitches(3597, 3599), ended=ended)
    assert summary_of(bed)["events"]["count"] == counted
    assert sum(hour["count"] for hour in summary_of(bed)["hours"]) == counted


def test_hours_of_half_hour_zones_begin_on_their_own_clock(bed):
    """In India the hours begin at half past of UTC."""
    bed.add(start="2026-02-03T17:00:00+00:00", length_s=HOUR, zone="Asia/Kolkata")
    assert [hour["start_utc"][11:16] for hour in summary_of(bed)["hours"]] == ["16:30", "17:30"]


def test_the_repeated_hour_is_there_twice(bed):
    """When winter time repeats an hour, both are listed and nothing is counted twice."""
    bed.add(start="2026-10-24T23:00:00+00:00", length_s=4 * HOUR, events=twitches(HOUR + 1, 2 * HOUR + 1))
    hours = summary_of(bed)["hours"]
    assert [hour["start_utc"][11:16] for hour in hours] == ["23:00", "00:00", "01:00", "02:00"]
    assert [hour["count"] for hour in hours] == [0, 1, 1, 0]


def test_a_pause_between_recordings_is_not_recorded_time(bed):
    """Hours between two recordings of a night are listed as not recorded."""
    bed.add(start=START, length_s=HOUR)
    bed.add(start="2026-02-04T00:00:00+00:00", length_s=HOUR, events=twitches(5))
    summary = summary_of(bed)
    assert [hour["recorded_s"] for hour in summary["hours"]] == [HOUR, 0, 0, HOUR]
    assert [hour["count"] for hour in summary["hours"]] == [0, 0, 0, 1]
    assert summary["recorded_s"] == 2 * HOUR


def test_strongest_events_come_first(bed):
    """The five highest peaks are listed, the highest first, over all recordings of the night."""
    bed.add(start=START, length_s=HOUR, events=sum((twitches(t, peak_mg=float(t)) for t in range(1, 9)), ()))
    bed.add(start="2026-02-04T00:00:00+00:00", length_s=HOUR, events=twitches(5, peak_mg=6.5))
    assert [event["peak_mg"] for event in summary_of(bed)["strongest"]] == [8, 7, 6.5, 6, 5]


def test_bouts_are_listed(bed):
    """A bout has its start, length, events and median interval."""
    bed.add(start=START, length_s=HOUR, bouts=((600, 300, 20, 4.2),))
    assert summary_of(bed)["bouts"] == [
        {
            "start_utc": "2026-02-03T21:10:00.000Z",
            "start_s": 600,
            "duration_s": 300,
            "events": 20,
            "median_interval_s": 4.2,
        }
    ]


@pytest.mark.parametrize(
    ("onsets_s", "invalid_minutes", "minutes"),
    [
        ((), (), 0.0),
        ((300, 900), (), 15.0),
        (range(0, 2 * HOUR, 600), (), None),
        ((), range(10, 20), 20.0),
        ((), range(25, 100), None),
        ((900,), range(30, 35), 35.0),
    ],
)
def test_first_long_quiet_stretch(bed, onsets_s, invalid_minutes, minutes):
    """Thirty minutes without an event count only where they were valid."""
    invalid = dict.fromkeys(invalid_minutes, ("hum", 60.0))
    bed.add(start=START, length_s=2 * HOUR, events=twitches(*onsets_s), invalid=invalid)
    assert summary_of(bed)["minutes_to_long_quiet"] == (
        minutes if minutes is None else pytest.approx(minutes, abs=0.01)
    )


def test_a_short_loss_does_not_end_the_quiet_but_does_not_count_either(bed):
    """Thirty minutes of which two seconds were lost are not quite half an hour of quiet."""
    bed.add(start=START, length_s=30 * 60, invalid={5: ("gap", 2.0)})
    assert summary_of(bed)["minutes_to_long_quiet"] is None


def test_weakest_jerk_is_of_minutes_that_were_at_least_half_valid(bed):
    """Median and worst tenth leave out minutes that were mostly not valid."""
    bed.add(start=START, length_s=300, invalid={3: ("floor", 60.0), 4: ("hum", 31.0)})
    for minute, weakest_mg in enumerate((4.0, 8.0, 6.0, 99.0, 70.0)):
        bed.database.execute("UPDATE minutes SET weakest_mg = ? WHERE minute = ?", [weakest_mg, minute])
    summary = summary_of(bed)
    assert (summary["weakest_mg"], summary["weakest_worst_tenth_mg"]) == (6.0, pytest.approx(7.6))


def test_weakest_jerk_is_unknown_where_no_minute_was_valid(bed):
    """A night of noise alone has no sensitivity."""
    bed.add(start=START, length_s=60, invalid={0: ("floor", 60.0)})
    summary = summary_of(bed)
    assert (summary["weakest_mg"], summary["weakest_worst_tenth_mg"]) == (None, None)


def test_faults_are_grouped(bed):
    """Faults are summed by kind, the costliest first; one noted past the end is not lost."""
    bed.add(start=START, length_s=60, faults=(("bus", 1, 0), ("overrun", 5, 32), ("overrun", 70, 10)))
    assert summary_of(bed)["faults"] == [
        {"kind": "overrun", "count": 2, "lost_samples": 42},
        {"kind": "bus", "count": 1, "lost_samples": 0},
    ]


def test_night_without_a_clock_counts_from_its_start(bed):
    """Without a clock every UTC is unknown and every second since the start is there."""
    bed.add(synced=None, length_s=HOUR + 60, events=twitches(HOUR + 1), bouts=((10, 20, 5, 4.0),))
    summary = summary_of(bed)
    assert (summary["night"], summary["clock"], summary["start_utc"]) == ("r1", "none", None)
    assert [(hour["start_utc"], hour["start_s"], hour["count"]) for hour in summary["hours"]] == [
        (None, 0, 0),
        (None, 3600, 1),
    ]
    assert (summary["strongest"][0]["start_utc"], summary["strongest"][0]["start_s"]) == (None, HOUR + 1)
    assert (summary["bouts"][0]["start_utc"], summary["bouts"][0]["start_s"]) == (None, 10)


def test_a_night_cut_at_noon_has_only_its_own_rows(bed):
    """Minutes, faults and counts of a recording that spans noon are shared out without overlap."""
    bed.add(
        start="2026-02-04T10:00:00+00:00",
        length_s=2 * HOUR,
        events=twitches(10, 2 * HOUR - 10),
        faults=(("bus", 10, 1), ("bus", 2 * HOUR - 1, 2)),
        invalid={1: ("gap", 7.0), 100: ("gap", 9.0)},
    )
    with reading(bed.path) as connection:
        nights = load_nights(connection, Machine(None, None))
        before, after = (summary_json(summarise(connection, night)) for night in nights)
    assert (before["invalid_s"]["gap"], after["invalid_s"]["gap"]) == (7, 9)
    assert (before["valid_s"], after["valid_s"]) == (HOUR - 7, HOUR - 9)
    assert (before["events"]["count"], after["events"]["count"]) == (1, 1)
    assert (before["faults"][0]["lost_samples"], after["faults"][0]["lost_samples"]) == (1, 2)


def test_list_of_nights_agrees_with_the_summary(bed):
    """`nights` and `summary` give one night the same numbers."""
    invalid = dict.fromkeys(range(30, 60), ("hum", 60.0))
    bed.add(start=START, length_s=2 * HOUR, events=twitches(100, 2000, 5010), invalid=invalid)
    summary = summary_of(bed)
    with reading(bed.path) as connection:
        (row,) = night_rows(connection, load_nights(connection, Machine(None, None)))
    listed = row.as_json()
    assert (listed["events"], listed["per_valid_hour"]) == (3, summary["events"]["per_valid_hour"])
    assert (listed["valid_s"], listed["recorded_s"]) == (summary["valid_s"], summary["recorded_s"])
    assert (listed["twitch"], listed["turn"]) == (3, 0)
