"""From sample to boot clock to UTC, and how the clock of each moment is known."""

from __future__ import annotations

import random
from datetime import UTC
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from bedtick.analysis.times import SECOND_NS, Chunk, Clock, iso, known_zone, local, zone
from bedtick.analysis.wall_readings import FIRST_TRUE_NS, Reading, believed

RATE_HZ = 100.0
CHUNKS = (Chunk(0, 500, 10 * SECOND_NS, 100.0, None, 0), Chunk(1000, 500, 30 * SECOND_NS, 50.0, None, 0))
CLOCK = Clock(10 * SECOND_NS, RATE_HZ, CHUNKS)


@pytest.mark.parametrize(
    ("sample", "seconds"),
    [(0, 10), (499, 14.99), (700, 17), (999, 19.99), (1000, 30), (1050, 31), (2000, 50)],
)
def test_sample_takes_its_time_from_the_chunk_before(sample, seconds):
    """Within a chunk, in a hole after it and past the last one, the chunk before sets time and rate."""
    assert CLOCK.boot_ns(sample) == pytest.approx(seconds * SECOND_NS, abs=1)


def test_without_chunks_the_nominal_rate_holds():
    """A recording whose first chunk is not on disk yet is timed by its start and nominal rate."""
    assert Clock(10 * SECOND_NS, RATE_HZ).boot_ns(150) == 11.5 * SECOND_NS


def says(boot_s: float, ahead_s: float, synced: int = 1) -> Reading:
    """Make a reading at which UTC is so many seconds ahead of the boot clock."""
    boot_ns = round(boot_s * SECOND_NS)
    return Reading(boot_ns, boot_ns + round(ahead_s * SECOND_NS), synced)


def ahead_s(clock: Clock, sample: int) -> float:
    """Seconds by which UTC is ahead of the boot clock at a sample."""
    return (clock.utc_ns(sample) - clock.boot_ns(sample)) / SECOND_NS


def clock_of(*readings: Reading, hand_s: float | None = None) -> Clock:
    """Make the clock that these readings give, and a person's word."""
    hand_ns = None if hand_s is None else round(hand_s * SECOND_NS)
    return Clock(10 * SECOND_NS, RATE_HZ, CHUNKS, believed(readings), hand_ns)


def offsets_s(*readings: Reading, earliest_ns: int = 0) -> list[tuple[float, float]]:
    """List what is believed, in seconds."""
    found = believed(readings, earliest_ns=earliest_ns)
    return [(offset.boot_ns / SECOND_NS, offset.ahead_ns / SECOND_NS) for offset in found]


def test_what_drifts_between_two_readings_is_shared_out():
    """A step of a second after hours without a server is spread over these hours."""
    clock = clock_of(says(10, 1000), says(14, 1001))
    assert [ahead_s(clock, sample) for sample in (0, 100, 300, 400, 1200)] == [
        1000,
        1000.25,
        1000.75,
        1001,
        1001,
    ]
    assert {clock.quality(sample) for sample in (0, 300, 1200)} == {"synced"}


def test_a_late_clock_repairs_what_came_before():
    """Before the first synchronised reading its offset holds, and the times are called late."""
    clock = clock_of(says(10, 1000, synced=0), says(13, 2000))
    assert ahead_s(clock, 0) == 2000
    assert (clock.quality(299), clock.quality(300)) == ("late", "synced")


def test_an_unsynchronised_wall_clock_is_not_believed():
    """A wall clock that nobody set gives no time at all; neither does none."""
    clock = clock_of(says(5, 900, synced=0), Reading(0, None, 1))
    assert clock.utc_ns(10) is None
    assert clock.quality(10) == "none"


def test_a_person_is_believed_where_no_clock_was():
    """A time set by hand is used, and called late."""
    clock = clock_of(hand_s=600)
    assert (ahead_s(clock, 0), clock.quality(0)) == (600, "late")
    assert not clock.was_believed


def test_a_synchronised_clock_goes_before_a_hand():
    """Even a later synchronised reading is better evidence than a person's memory."""
    clock = clock_of(says(40, 700), hand_s=600)
    assert ahead_s(clock, 0) == 700
    assert clock.was_believed


@pytest.mark.parametrize(
    ("readings", "believed_s"),
    [
        ([says(0, 5000), says(600, 0), says(7200, 0)], [(600, 0), (7200, 0)]),
        ([says(0, 0), says(7000, 5000), says(7200, 5000)], [(0, 0)]),
        ([says(0, 0), says(600, 5000), says(900, 0), says(1300, 0)], [(0, 0), (900, 0), (1300, 0)]),
        ([says(0, 5000), says(600, 0), says(1200, 0)], [(600, 0), (1200, 0)]),
        ([says(1200, 0), says(0, 0), says(600, 5000)], [(0, 0), (1200, 0)]),
        ([says(0, 0), says(60, 1, 0), says(5000, 5000), says(5999, 5000)], [(0, 0)]),
        ([says(0, 0), says(60, 99, 0), says(5000, 5000), says(5999, 5000)], [(5000, 5000), (5999, 5000)]),
    ],
    ids=[
        "wrong at first",
        "wrong at last",
        "wrong between",
        "equally long",
        "in any order",
        "right, then without a server for long",
        "set by hand for long",
    ],
)
def test_of_readings_that_can_not_all_be_true_those_that_held_longest_are(readings, believed_s):
    """A jump by hours means that one side followed a wrong server."""
    assert offsets_s(*readings) == believed_s


def test_the_last_reading_held_until_the_end():
    """A wrong server in the first half hour is outvoted by the right one, though that was read but once."""
    readings = [says(0, 5000), says(1800, 0)]
    assert [offset.ahead_ns for offset in believed(readings)] == [5000 * SECOND_NS]
    assert [offset.ahead_ns for offset in believed(readings, end_boot_ns=3601 * SECOND_NS)] == [0]


@pytest.mark.parametrize(
    ("gap_s", "moved_s", "agree"),
    [(1000, 2.4, True), (1000, 2.6, False), (7200, -5.5, True), (7200, -5.7, False)],
)
def test_drift_is_no_jump(gap_s, moved_s, agree):
    """Two seconds and 500 ppm of the time between agree; what is more is a jump."""
    found = offsets_s(says(0, 0), says(gap_s, moved_s), says(gap_s + 100_000, moved_s))
    assert ((0, 0) in found) == agree
    assert (gap_s, moved_s) in found


def test_utc_ascends_over_a_step_back():
    """A clock that is put back by a second orders nothing wrongly: each sample is later than the last."""
    clock = clock_of(says(10, 1000), says(19.5, 1000), says(20, 999), says(40, 999))
    times_ns = [clock.utc_ns(sample) for sample in range(1200)]
    assert all(a < b for a, b in pairwise(times_ns))


def test_many_small_steps_are_a_jump_in_the_end():
    """A server that takes the clock away by 1.9 s again and again is not followed for ever."""
    readings = [says(600 * k, 1.9 * k) for k in range(10)]
    assert len(offsets_s(*readings)) < 5
    assert len(offsets_s(*(says(600 * k, 0.25 * k) for k in range(10)))) == 10


@pytest.mark.parametrize("seed", range(40))
def test_whatever_the_wall_clock_did_utc_ascends(seed):
    """Thirty steps of any size, at any time, synchronised or not: each sample is later than the last."""
    chance = random.Random(seed)
    size_s = chance.choice([0.5, 3.0, 60.0, 86_400.0, 9e8])
    at_s = sorted(chance.uniform(10, 40) for _ in range(30))
    readings = [says(s, chance.gauss(1e9, size_s), chance.random() < 0.7) for s in at_s]
    clock = clock_of(*readings)
    times_ns = [clock.utc_ns(sample) for sample in range(1500)]
    assert all(a < b for a, b in pairwise(times_ns))
    ahead = [offset.ahead_ns / SECOND_NS for offset in clock.offsets]
    assert max(ahead, default=0) - min(ahead, default=0) < 4.1


def test_a_time_before_bedtick_is_not_believed():
    """A server that says 1970 is wrong, for a chip; a recording that was imported may be old."""
    old = Reading(0, FIRST_TRUE_NS - 1, 1)
    assert offsets_s(old, earliest_ns=FIRST_TRUE_NS) == []
    assert len(offsets_s(old)) == 1
    assert len(offsets_s(Reading(0, FIRST_TRUE_NS, 1), earliest_ns=FIRST_TRUE_NS)) == 1


def test_iso_has_milliseconds_and_z():
    """Moments are written in UTC with `Z`, and the unknown stays unknown."""
    assert iso(1_770_155_000_123_456_789) == "2026-02-03T21:43:20.123Z"
    assert iso(None) is None


def test_local_time_knows_the_repeated_hour():
    """The hour that winter time repeats is told apart by its fold."""
    berlin = ZoneInfo("Europe/Berlin")
    first, second = (local(ns * SECOND_NS, berlin) for ns in (1_792_888_200, 1_792_891_800))
    assert (first.hour, first.fold) == (2, 0)
    assert (second.hour, second.fold) == (2, 1)


@pytest.mark.parametrize("name", [None, "Mars/Olympus", "", "../etc/passwd"])
def test_unknown_zones_are_utc(name):
    """A recording without a usable zone is shown in UTC."""
    assert zone(name) is UTC
    assert name is None or known_zone(name) is None
