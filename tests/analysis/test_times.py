"""From sample to boot clock to UTC, and how the clock of each moment is known."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from bedtick.analysis.times import (
    SECOND_NS,
    Anchor,
    Chunk,
    Clock,
    iso,
    local,
    with_anchors,
    with_chunks,
    zone,
)

RATE_HZ = 100.0
CHUNKS = [Chunk(0, 500, 10 * SECOND_NS, 100.0, None, 0), Chunk(1000, 500, 30 * SECOND_NS, 50.0, None, 0)]
CLOCK = with_chunks(Clock(10 * SECOND_NS, RATE_HZ), CHUNKS)


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


def anchor(boot_s: float, ahead_s: int, cause: str = "step", synced: int = 1) -> Anchor:
    """Make an anchor at which UTC is so many seconds ahead of the boot clock."""
    boot_ns = round(boot_s * SECOND_NS)
    return Anchor(boot_ns, boot_ns + ahead_s * SECOND_NS, synced, cause)


def ahead_s(clock: Clock, sample: int) -> float:
    """Seconds by which UTC is ahead of the boot clock at a sample."""
    return (clock.utc_ns(sample) - clock.boot_ns(sample)) / SECOND_NS


def test_a_step_changes_the_times_after_it():
    """The offset of a moment is that of the latest synchronised anchor at or before it."""
    clock = with_anchors(CLOCK, [anchor(10, 1000), anchor(13, 2000)])
    assert [ahead_s(clock, sample) for sample in (0, 299, 300, 1200)] == [1000, 1000, 2000, 2000]
    assert clock.quality(0) == "synced"


def test_a_late_clock_repairs_what_came_before():
    """Before the first synchronised anchor its offset holds, and the times are called late."""
    clock = with_anchors(CLOCK, [anchor(10, 1000, "start", synced=0), anchor(13, 2000)])
    assert ahead_s(clock, 0) == 2000
    assert (clock.quality(299), clock.quality(300)) == ("late", "synced")


def test_chunks_are_anchors_too():
    """A synchronised chunk ties the boot clock to UTC as a row of `anchors` does."""
    clock = with_chunks(Clock(0, RATE_HZ), [Chunk(0, 500, 5 * SECOND_NS, 100.0, 905 * SECOND_NS, 1)])
    assert ahead_s(clock, 10) == 900
    assert clock.quality(10) == "synced"


def test_an_unsynchronised_wall_clock_is_not_believed():
    """A wall clock that nobody set gives no time at all."""
    chunk = Chunk(0, 500, 5 * SECOND_NS, 100.0, 905 * SECOND_NS, 0)
    clock = with_anchors(with_chunks(Clock(0, RATE_HZ), [chunk]), [anchor(0, 900, "start", synced=0)])
    assert clock.utc_ns(10) is None
    assert clock.quality(10) == "none"


def test_the_last_word_of_a_person_holds_where_no_clock_was():
    """A time set by hand is used, the latest row of them, and called late."""
    clock = with_anchors(CLOCK, [anchor(10, 500, "hand", synced=0), anchor(10, 600, "hand", synced=0)])
    assert ahead_s(clock, 0) == 600
    assert clock.quality(0) == "late"


def test_a_synchronised_clock_goes_before_a_hand():
    """Even a later synchronised anchor is better evidence than a person's memory."""
    clock = with_anchors(CLOCK, [anchor(40, 700), anchor(10, 600, "hand", synced=0)])
    assert ahead_s(clock, 0) == 700


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
