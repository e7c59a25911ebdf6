"""How recordings become nights, how they are named, and how they ended."""

from __future__ import annotations

import pytest

from bedtick.analysis.database import reading
from bedtick.analysis.errors import UnknownNightError, UnknownScoringError
from bedtick.analysis.events import load_events
from bedtick.analysis.night import is_night_name
from bedtick.analysis.nights import choose_scoring, find_night, load_nights, with_exact_clocks
from bedtick.analysis.recordings import Machine
from bedtick.analysis.times import SECOND_NS, iso
from bedtick.analysis.totals import total, totals_of

HOUR = 3600
ELSEWHERE = Machine(None, None)


def nights_in(bed, machine=ELSEWHERE):
    """All nights of a fabricated database."""
    with reading(bed.path) as connection:
        return load_nights(connection, machine)


def names_in(bed):
    """Names of all nights, in order."""
    return [night.name for night in nights_in(bed)]


def events_by_night(bed):
    """Onsets (in s of their recording) of the events of each night."""
    with reading(bed.path) as connection:
        nights = [with_exact_clocks(connection, n) for n in load_nights(connection, ELSEWHERE)]
        return {night.name: [e.start_s for e in load_events(connection, night)] for night in nights}


@pytest.mark.parametrize(
    ("start", "name"),
    [
        ("2026-02-03T22:30:00+00:00", "2026-02-03"),
        ("2026-02-04T02:00:00+00:00", "2026-02-03"),
        ("2026-02-04T10:59:00+00:00", "2026-02-03"),
        ("2026-02-04T11:00:00+00:00", "2026-02-04"),
    ],
)
def test_night_is_named_by_its_evening(bed, start, name):
    """A night runs from local noon (here 11:00 UTC) to noon and has the date of its evening."""
    bed.add(start=start, length_s=30)
    assert names_in(bed) == [name]


def test_zone_decides_about_noon(bed):
    """The recording's own time zone says when noon is, not this machine's."""
    bed.add(start="2026-02-04T02:30:00+00:00", length_s=30, zone="Asia/Tokyo")
    bed.add(start="2026-02-04T03:30:00+00:00", length_s=30, zone="Asia/Tokyo")
    assert names_in(bed) == ["2026-02-03", "2026-02-04"]


def test_recordings_of_one_night_are_joined(bed):
    """Two recordings with a pause between are one night, from the first start to the last end."""
    bed.add(start="2026-02-03T22:00:00+00:00", length_s=HOUR, ended="unplugged")
    bed.add(start="2026-02-04T00:00:00+00:00", length_s=HOUR, ended="stopped")
    (night,) = nights_in(bed)
    assert [part.recording.id for part in night.parts] == [1, 2]
    assert (iso(night.start_ns), iso(night.end_ns)) == (
        "2026-02-03T22:00:00.000Z",
        "2026-02-04T01:00:00.000Z",
    )
    assert night.ended == "stopped"


def test_two_places_are_two_nights_of_one_name(bed):
    """Two sides of a bed are never joined: each place has its own night, and one is chosen by its place."""
    for place in ("right", "left"):
        bed.add(start="2026-02-03T22:00:00+00:00", length_s=HOUR, place=place)
    bed.add(start="2026-02-04T00:00:00+00:00", length_s=HOUR, place="left")
    nights = nights_in(bed)
    assert [(night.name, night.place) for night in nights] == [
        ("2026-02-03", "left"),
        ("2026-02-03", "right"),
    ]
    assert [[part.recording.id for part in night.parts] for night in nights] == [[2, 3], [1]]
    for name in ("last", "2026-02-03"):
        assert find_night(nights, name, "right").parts[0].recording.id == 1
        with pytest.raises(UnknownNightError, match="several places; choose one with --place: left, right"):
            find_night(nights, name)
    with pytest.raises(UnknownNightError, match="nothing was recorded at place 'foot': there is left, right"):
        find_night(nights, "last", "foot")


def test_last_night_of_a_place(bed):
    """`last` at a place is the last night of that place, whatever the others recorded later."""
    bed.add(start="2026-02-03T22:00:00+00:00", length_s=HOUR, place="left")
    bed.add(start="2026-02-04T22:00:00+00:00", length_s=HOUR, place="right")
    assert find_night(nights_in(bed), "last").place == "right"
    assert find_night(nights_in(bed), "last", "left").name == "2026-02-03"


def test_recording_past_noon_is_cut(bed):
    """Each event of a recording that spans noon belongs to the night of its own time."""
    events = tuple((at, 0.2, "twitch", 20.0) for at in (100.0, HOUR - 0.01, HOUR, HOUR + 50.0))
    bed.add(start="2026-02-04T10:00:00+00:00", length_s=2 * HOUR, events=events)
    assert events_by_night(bed) == {"2026-02-03": [100.0, 3599.99], "2026-02-04": [3600.0, 3650.0]}
    assert [night.ended for night in nights_in(bed)] == [None, "stopped"]


def test_recording_of_several_days_is_cut_at_every_noon(bed):
    """A daemon that nobody unplugs still gives one night a day, and loses no second."""
    bed.add(start="2026-02-03T22:00:00+00:00", length_s=50 * HOUR)
    nights = nights_in(bed)
    assert [night.name for night in nights] == ["2026-02-03", "2026-02-04", "2026-02-05"]
    assert [round(night.parts[0].recorded_s / HOUR, 6) for night in nights] == [13, 24, 13]
    samples = [(night.parts[0].first_sample, night.parts[0].end_sample) for night in nights]
    assert samples == [(0, 4680000), (4680000, 13320000), (13320000, 18000000)]


def test_noon_moves_with_summer_time(bed):
    """On the day of the change the night has 23 hours, and noon is still local noon."""
    bed.add(start="2026-03-28T11:00:00+00:00", length_s=24 * HOUR)
    nights = nights_in(bed)
    assert [(night.name, round(night.parts[0].recorded_s / HOUR, 6)) for night in nights] == [
        ("2026-03-28", 23),
        ("2026-03-29", 1),
    ]


def test_without_a_clock_a_recording_is_a_night_of_its_own(bed):
    """A wall clock that was never set names no night; time counts from the start."""
    bed.add(synced=None)
    bed.add(synced=None, wall=False)
    nights = nights_in(bed)
    assert [night.name for night in nights] == ["r1", "r2"]
    assert [(night.has_utc, night.clock_quality, night.start_ns) for night in nights] == [
        (False, "none", 0)
    ] * 2
    assert nights[0].end_ns == 8 * HOUR * SECOND_NS


def test_a_clock_set_at_night_names_the_night(bed):
    """A clock set in the small hours repairs the night's start, and is called late."""
    bed.add(synced=(3 * HOUR, 1e9))
    (night,) = nights_in(bed)
    assert (night.name, night.clock_quality, iso(night.start_ns)) == (
        "2026-02-03",
        "late",
        "2026-02-03T21:41:00.000Z",
    )


def test_a_night_whose_raw_samples_were_pruned_keeps_its_time(bed):
    """One row is left of the raw chunks: the right server held from its anchor to the end of that."""
    recording = bed.add(length_s=3 * HOUR, synced=None, wall=False)
    bed.database.execute("DELETE FROM raw_chunks WHERE first_sample > 0")
    bed.database.execute("UPDATE raw_chunks SET sample_count = ?, data = NULL", [3 * HOUR * 100])
    bed.anchor(recording, 0, "2026-02-01T12:00:00+00:00", "start", synced=1)
    bed.anchor(recording, HOUR, "2026-02-03T22:00:00+00:00", "step", synced=1)
    (night,) = nights_in(bed)
    assert (night.name, iso(night.start_ns)) == ("2026-02-03", "2026-02-03T21:00:00.000Z")


def test_a_night_has_the_worst_of_its_clocks(bed):
    """Where one recording's clock was late, the clock of the night is called late."""
    bed.add(start="2026-02-03T22:00:00+00:00", length_s=60)
    bed.add(start="2026-02-04T00:00:00+00:00", length_s=60, synced=(30, 1e9))
    (night,) = nights_in(bed)
    assert [part.clock_quality for part in night.parts] == ["synced", "late"]
    assert night.clock_quality == "late"


def test_a_time_set_by_hand_names_the_night(bed):
    """A night without a clock gets its date from an anchor that a person set."""
    recording = bed.add(synced=None, wall=False)
    bed.anchor(recording, 0, "2026-02-05T22:00:00+00:00", "hand", synced=0)
    (night,) = nights_in(bed)
    assert (night.name, night.clock_quality) == ("2026-02-05", "late")


def test_nights_are_ordered_by_time(bed):
    """An old recording imported late comes first; one without a clock follows what was known then."""
    bed.add(start="2026-02-03T22:00:00+00:00", length_s=60)
    bed.add(start="2020-01-01T22:00:00+00:00", length_s=60, source="import")
    bed.add(synced=None, length_s=60)
    bed.add(start="2026-02-04T22:00:00+00:00", length_s=60)
    assert names_in(bed) == ["2020-01-01", "2026-02-03", "r3", "2026-02-04"]


def test_last_is_the_latest_night(bed):
    """`last` is the latest night, and any other is found by its name."""
    bed.add(length_s=60)
    bed.add(synced=None, length_s=60)
    nights = nights_in(bed)
    assert find_night(nights, "last").name == "r2"
    assert find_night(nights, "2026-02-03").name == "2026-02-03"


def test_nights_without_a_clock_stand_by_their_number(bed):
    """The tenth recording without a clock follows the ninth, and is the last."""
    for _ in range(11):
        bed.add(synced=None, wall=False, length_s=60)
    assert names_in(bed) == [f"r{number}" for number in range(1, 12)]
    assert find_night(nights_in(bed), "last").name == "r11"


def test_two_places_without_a_clock_are_asked_about(bed):
    """Two sides recorded at the same time have two names: `last` asks which, and a name or a place tells."""
    bed.add(synced=None, wall=False, length_s=60, boot_id="one", boot_s=100, place="left")
    bed.add(synced=None, wall=False, length_s=60, boot_id="one", boot_s=130, place="right")
    nights = nights_in(bed)
    with pytest.raises(UnknownNightError, match="night r1 and r2: there are several places; choose"):
        find_night(nights, "last")
    assert find_night(nights, "last", "left").name == "r1"
    assert find_night(nights, "last", "right").name == "r2"
    assert find_night(nights, "r2").place == "right"


@pytest.mark.parametrize(
    ("other", "shared"),
    [
        ({"boot_s": 160}, {}),
        ({"boot_s": 40}, {}),
        ({"boot_id": "other"}, {}),
        ({}, {"boot_id": None}),
        ({"boot_id": None}, {"boot_id": None}),
        ({"place": "right"}, {}),
    ],
    ids=["later", "earlier", "another boot", "one import", "two imports", "the same place"],
)
def test_a_place_that_recorded_at_another_time_is_not_asked_about(bed, other, shared):
    """`last` is plain where no other place recorded at the same time of the same boot."""
    plan = {"synced": None, "wall": False, "length_s": 60, "boot_id": "one", "boot_s": 100}
    bed.add(**plan | {"place": "left"} | other)
    bed.add(**plan | {"place": "right"} | shared)
    assert find_night(nights_in(bed), "last").name == "r2"


def test_unknown_night_is_named(bed):
    """An unknown night is named in one line, with the last one and what lists all."""
    bed.add(length_s=60)
    with pytest.raises(UnknownNightError, match=r"no night r7: the last is 2026-02-03, `bedtick nights`"):
        find_night(nights_in(bed), "r7")


@pytest.mark.parametrize("text", ["last", "2026-02-03", "r1", "r120"])
def test_forms_of_a_night(text):
    """These name a night."""
    assert is_night_name(text)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-2-3", "2026-02-30", "r", "r0", "rx", "last:3", "12"])
def test_other_texts_name_no_night(text):
    """These do not."""
    assert not is_night_name(text)


@pytest.mark.parametrize(
    ("boot_id", "seen_s", "ended"),
    [
        ("this", 971, "running"),
        ("this", 970, "unplugged"),
        ("other", 999, "unplugged"),
        (None, 999, "unplugged"),
        ("this", None, "unplugged"),
    ],
)
def test_open_recording_runs_only_in_this_boot_and_lately(bed, boot_id, seen_s, ended):
    """Open means running in the same boot with a row younger than 30 s; else the plug was pulled."""
    seen_boot_ns = None if seen_s is None else seen_s * SECOND_NS
    bed.add(ended=None, closed=False, boot_id=boot_id, seen_boot_ns=seen_boot_ns, length_s=60)
    (night,) = nights_in(bed, Machine("this", 1000 * SECOND_NS))
    assert night.ended == ended


def test_closed_recording_keeps_its_end(bed):
    """What was stopped stays stopped, whatever this machine's boot."""
    bed.add(boot_id="this", seen_boot_ns=999 * SECOND_NS, length_s=60)
    (night,) = nights_in(bed, Machine("this", 1000 * SECOND_NS))
    assert night.ended == "stopped"


def test_open_recording_ends_with_its_last_row(bed):
    """Without an end the last chunk ends a recording, or the last event, which is on disk sooner."""
    bed.add(ended=None, closed=False, length_s=60)
    bed.add(ended=None, closed=False, length_s=60, events=((63.0, 0.5, "twitch", 20.0),))
    (night,) = nights_in(bed)
    assert [part.end_sample for part in night.parts] == [6000, 6350]


def test_recording_that_ended_without_a_sample_is_no_night(bed):
    """What was closed or cut short before its first sample is not listed, and is not the last night."""
    bed.add(length_s=60)
    bed.add(length_s=0)
    bed.add(ended=None, closed=False, length_s=0)
    assert names_in(bed) == ["2026-02-03"]


def test_recording_that_only_just_began(bed):
    """A running recording without a single row is a night of no length."""
    bed.add(ended=None, closed=False, length_s=0, boot_id="this", seen_boot_ns=999 * SECOND_NS)
    (night,) = nights_in(bed, Machine("this", 1000 * SECOND_NS))
    assert (night.name, night.parts[0].recorded_s) == ("r1", 0)


def counts_with(bed, scoring):
    """Count the events shown with a choice of scoring."""
    with reading(bed.path) as connection:
        nights = choose_scoring(connection, load_nights(connection, ELSEWHERE), scoring)
        return [total(totals_of(connection, night)[1]).events for night in nights]


def test_another_scoring_is_shown_on_request(bed):
    """The live scoring is shown unless another is named, which replaces it in its own recording only."""
    bed.add(length_s=600, events=((10.0, 0.2, "twitch", 20.0),))
    bed.add(length_s=600, start="2026-02-05T22:00:00+00:00", events=((10.0, 0.2, "twitch", 20.0),))
    added = bed.score_again(1, length_s=600, events=((10.0, 0.2, "twitch", 20.0), (20.0, 0.2, "twitch", 9.0)))
    assert counts_with(bed, None) == [1, 1]
    assert counts_with(bed, str(added)) == [2, 1]
    assert counts_with(bed, "latest") == [2, 1]


def test_unknown_scoring_is_named(bed):
    """A scoring that none of these nights has is refused by its number."""
    bed.add(length_s=60)
    with pytest.raises(UnknownScoringError, match="no scoring 77"):
        counts_with(bed, "77")
