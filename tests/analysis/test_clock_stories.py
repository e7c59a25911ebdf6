"""Clock stories: what the wall clock did in a night, and the night that a reader shall see.

One row of `STORIES` is one story. The truth is known: each recording has a true start, and an event every
half hour from the first quarter on. What the wall clock said is told apart from it, by what it was off. The
files are filled as the daemon fills them: an anchor at the start, at each step of the clock and at the end,
and one in every raw chunk's row.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from bedtick.analysis.cli import main
from bedtick.analysis.database import reading
from bedtick.analysis.hand_start import ROUNDING_NS
from bedtick.analysis.nights import load_nights, with_exact_clocks
from bedtick.analysis.recordings import Machine
from bedtick.analysis.screen.words import moment
from bedtick.analysis.wall_readings import AGREE_NS, DRIFT, FIRST_TRUE_NS
from bedtick.logger.wall_clock import LOOK_NS, STEP_NS

PAGE = Path(__file__).parents[2] / "docs" / "clock.md"
HOUR_S = 3600.0
RATE_HZ = 100.0
CHUNK_S = 600.0
FIRST_EVENT_S, EVENT_EVERY_S = 900.0, 1800.0
SYNCED, UNSYNCED = True, False
WELL_PLACED_S = 0.005


class Says(NamedTuple):
    """From an hour of the recording on the wall clock is off by `off_s`, or shows `shows`."""

    hour: float
    synced: bool
    off_s: float = 0.0
    shows: str | None = None


RIGHT = (Says(0, SYNCED),)
STALE = (Says(0, UNSYNCED, off_s=-15 * HOUR_S),)  # where it stood when the plug was pulled in the morning
NO_CLOCK = (Says(0, UNSYNCED, shows="never"),)


@dataclass(frozen=True)
class Rec:
    """A recording: when it truly began, for how long it ran, what the clock said, and where it was.

    `boot` names the boot that it ran in, None for one of its own; `boot_s` is that boot's clock at its start.
    The boot clock is too fast by `fast_ppm`. At `leap_hour` there is a leap second.
    """

    start: str
    hours: float
    clock: tuple[Says, ...] = RIGHT
    zone: str | None = "Europe/Berlin"
    boot: str | None = None
    boot_s: float = 60.0
    ended: str = "unplugged"
    place: str = "bed"
    source: str = "chip"
    fast_ppm: float = 0.0
    leap_hour: float | None = None

    def utc_s(self, at_s: float) -> float:
        """Give true UTC at a time of the recording; a leap second is counted twice."""
        leapt = self.leap_hour is not None and at_s >= self.leap_hour * HOUR_S
        return datetime.fromisoformat(self.start).timestamp() + at_s - leapt

    def boot_clock_s(self, at_s: float) -> float:
        """Give what the boot clock says then."""
        return self.boot_s + at_s * (1 + self.fast_ppm * 1e-6)

    def wall(self, at_s: float) -> tuple[float | None, int]:
        """By how much the wall clock is ahead of the boot clock then, and whether it is synchronised."""
        said = [says for says in self.clock if says.hour * HOUR_S <= at_s][-1]
        since_s = said.hour * HOUR_S
        if said.shows == "never":
            return None, 0
        showed_s = self.utc_s(since_s) + said.off_s
        if said.shows:
            showed_s = datetime.fromisoformat(said.shows).timestamp()
        return showed_s - self.boot_clock_s(since_s), int(said.synced)


class Night(NamedTuple):
    """A night as a reader sees it: name, worst clock, from and to on its local clock, how many events."""

    name: str
    clock: str
    start: str
    end: str
    events: int


@dataclass(frozen=True)
class Story:
    """What happened, what a person said about it afterwards, and the nights that are shown."""

    name: str
    recordings: tuple[Rec, ...]
    nights: tuple[Night, ...]
    notes: tuple[tuple[str, str], ...] = ()
    tz: str | None = None
    within_s: float = WELL_PLACED_S


EVENING = "2026-02-03 22:00+01:00"
WHOLE = Night("2026-02-03", "synced", "22:00", "06:00", 16)
LATE = Night("2026-02-03", "late", "22:00", "06:00", 16)
NAMELESS = Night("r1", "none", "+0:00", "+8:00", 16)

STORIES = (
    # One boot.
    Story("synchronised all night", (Rec(EVENING, 8),), (WHOLE,)),
    Story("stopped, not unplugged", (Rec(EVENING, 8, ended="stopped"),), (WHOLE,)),
    Story("no wall clock at all", (Rec(EVENING, 8, NO_CLOCK),), (NAMELESS,)),
    Story("never synchronised, went on from when it was unplugged", (Rec(EVENING, 8, STALE),), (NAMELESS,)),
    Story(
        "never synchronised, 1970",
        (Rec(EVENING, 8, (Says(0, UNSYNCED, shows="1970-01-01 00:00:09+00:00"),)),),
        (NAMELESS,),
    ),
    Story(
        "never synchronised, 2035",
        (Rec(EVENING, 8, (Says(0, UNSYNCED, shows="2035-06-01 12:00+00:00"),)),),
        (NAMELESS,),
    ),
    Story(
        "a time server that says 1970 all night",
        (Rec(EVENING, 8, (Says(0, SYNCED, shows="1970-01-01 00:00:09+00:00"),)),),
        (NAMELESS,),
    ),
    Story("late, after five hours", (Rec(EVENING, 8, (*STALE, Says(5, SYNCED))),), (LATE,)),
    Story("late, a minute before the plug", (Rec(EVENING, 8, (*STALE, Says(7.98, SYNCED))),), (LATE,)),
    Story(
        "late, 1970 before",
        (Rec(EVENING, 8, (Says(0, UNSYNCED, shows="1970-01-01 00:00:09+00:00"), Says(5, SYNCED))),),
        (LATE,),
    ),
    Story(
        "late, 2035 before: the clock leaps back nine years",
        (Rec(EVENING, 8, (Says(0, UNSYNCED, shows="2035-06-01 12:00+00:00"), Says(5, SYNCED))),),
        (LATE,),
    ),
    Story("no clock at first, then a server", (Rec(EVENING, 8, (*NO_CLOCK, Says(0.2, SYNCED))),), (LATE,)),
    Story("no server any more after an hour", (Rec(EVENING, 8, (*RIGHT, Says(1, UNSYNCED))),), (WHOLE,)),
    Story(
        "set back by hand by three hours",
        (Rec(EVENING, 8, (*RIGHT, Says(4, UNSYNCED, off_s=-3 * HOUR_S))),),
        (WHOLE,),
    ),
    Story(
        "set ahead by hand by five hours, put right by a server",
        (Rec(EVENING, 8, (*RIGHT, Says(2, UNSYNCED, off_s=5 * HOUR_S), Says(6, SYNCED))),),
        (WHOLE,),
    ),
    Story(
        "running backwards: set back by ten minutes again and again",
        (Rec(EVENING, 8, (*RIGHT, *(Says(h / 4, UNSYNCED, off_s=-600.0 * h) for h in range(1, 32)))),),
        (WHOLE,),
    ),
    Story(
        "a server seven hours wrong for half an hour, then the right one",
        (Rec(EVENING, 8, (Says(0, SYNCED, off_s=7 * HOUR_S), Says(0.5, SYNCED))),),
        (LATE,),
    ),
    Story(
        "a wrong server for twenty minutes in the middle",
        (Rec(EVENING, 8, (*RIGHT, Says(3, SYNCED, off_s=-40 * HOUR_S), Says(3.33, SYNCED))),),
        (WHOLE,),
    ),
    Story(
        "a wrong server for the last ten minutes",
        (Rec(EVENING, 8, (*RIGHT, Says(7.83, SYNCED, off_s=9 * HOUR_S))),),
        (WHOLE,),
    ),
    Story(
        "no server any more after ten minutes, a wrong one in the last hour",
        (Rec(EVENING, 8, (*RIGHT, Says(1 / 6, UNSYNCED), Says(7, SYNCED, off_s=-9 * HOUR_S))),),
        (WHOLE,),
    ),
    Story(
        "a server that comes and goes every quarter of an hour",
        (Rec(EVENING, 8, tuple(Says(k / 4, k % 2 == 1) for k in range(32))),),
        (LATE,),
    ),
    Story(
        "slewed: the boot clock 40 ppm fast for six hours, then put back by 0.9 s",
        (Rec(EVENING, 8, (*RIGHT, Says(6, SYNCED)), fast_ppm=40.0),),
        (WHOLE,),
        within_s=0.35,
    ),
    Story(
        "a step of 1.5 s during an event, for the clock drifted without a server",
        (
            Rec(
                "2026-02-03 22:00:30+01:00",
                8,
                (*RIGHT, Says(7.75 + 0.1 / HOUR_S, SYNCED)),
                fast_ppm=-54.0,
            ),
        ),
        (WHOLE,),
        within_s=0.1,
    ),
    Story(
        "a clock module wrong by an hour, and no server",
        (Rec(EVENING, 8, (Says(0, UNSYNCED, off_s=HOUR_S),)),),
        (NAMELESS,),
    ),
    Story(
        "a clock module wrong by an hour, put right after ten minutes",
        (Rec(EVENING, 8, (Says(0, UNSYNCED, off_s=HOUR_S), Says(0.167, SYNCED))),),
        (LATE,),
    ),
    Story(
        "a leap second",
        (Rec("2028-12-31 22:00+01:00", 8, (*RIGHT, Says(3, SYNCED)), leap_hour=3.0),),
        (Night("2028-12-31", "synced", "22:00", "05:59", 16),),
        within_s=1.0,
    ),
    # Several boots and recordings.
    Story(
        "unplugged at night, both boots synchronised",
        (Rec(EVENING, 3), Rec("2026-02-04 01:10+01:00", 5)),
        (Night("2026-02-03", "synced", "22:00", "06:10", 16),),
    ),
    Story(
        "unplugged at night, the second boot late",
        (Rec(EVENING, 3), Rec("2026-02-04 01:10+01:00", 5, (*STALE, Says(4, SYNCED)))),
        (Night("2026-02-03", "late", "22:00", "06:10", 16),),
    ),
    Story(
        "a second boot without a clock between two with one",
        (Rec(EVENING, 2), Rec("2026-02-04 00:10+01:00", 2, STALE), Rec("2026-02-04 03:00+01:00", 3)),
        # Listed by their last recordings, so that `last` is the night that went on.
        (Night("r2", "none", "+0:00", "+2:00", 4), Night("2026-02-03", "synced", "22:00", "06:00", 10)),
    ),
    Story(
        "the same, and a person says when it began",
        (Rec(EVENING, 2), Rec("2026-02-04 00:10+01:00", 2, STALE), Rec("2026-02-04 03:00+01:00", 3)),
        (Night("2026-02-03", "late", "22:00", "06:00", 14),),
        notes=(("r2", "2026-02-04T00:10"),),
    ),
    Story(
        "two boots without a clock",
        (Rec(EVENING, 2, STALE), Rec("2026-02-04 00:10+01:00", 5, NO_CLOCK)),
        (Night("r1", "none", "+0:00", "+2:00", 4), Night("r2", "none", "+0:00", "+5:00", 10)),
    ),
    Story(
        "the daemon began anew in one boot, the server came in its second recording",
        (
            Rec(EVENING, 2, STALE, boot="b"),
            Rec(
                "2026-02-04 00:01+01:00", 6, (*STALE, Says(1, SYNCED)), boot="b", boot_s=60 + 2 * HOUR_S + 60
            ),
        ),
        (Night("2026-02-03", "late", "22:00", "06:01", 16),),
    ),
    Story(
        "the daemon began anew in one boot, the server was there in its first recording only",
        (
            Rec(EVENING, 2, boot="b"),
            Rec("2026-02-04 00:01+01:00", 6, STALE, boot="b", boot_s=60 + 2 * HOUR_S + 60),
        ),
        (Night("2026-02-03", "synced", "22:00", "06:01", 16),),
    ),
    Story(
        "two sides of a bed; one sensor was out when the server came",
        (
            Rec(EVENING, 8, STALE, boot="b"),
            Rec(
                "2026-02-03 22:30+01:00",
                7.5,
                (*STALE, Says(3, SYNCED)),
                boot="b",
                boot_s=1860.0,
                place="left",
            ),
        ),
        (LATE, Night("2026-02-03", "late", "22:30", "06:00", 15)),
    ),
    Story(
        "an emulated night of the same boot has a clock of its own",
        (
            Rec(EVENING, 1, boot="b"),
            Rec("2020-01-01 22:00+01:00", 1, NO_CLOCK, boot="b", boot_s=9e6, source="emulated"),
        ),
        (
            Night("2026-02-03", "synced", "22:00", "23:00", 2),
            Night("r2", "none", "+0:00", "+1:00", 2),
        ),
    ),
    Story(
        "three nights, the second without a clock",
        (Rec(EVENING, 8), Rec("2026-02-04 22:00+01:00", 8, STALE), Rec("2026-02-05 22:00+01:00", 8)),
        (
            WHOLE,
            Night("r2", "none", "+0:00", "+8:00", 16),
            Night("2026-02-05", "synced", "22:00", "06:00", 16),
        ),
    ),
    # What a person says.
    Story(
        "placed by hand",
        (Rec(EVENING, 8, STALE),),
        (LATE,),
        notes=(("last", "2026-02-03T22:00"),),
    ),
    Story(
        "placed by hand, and corrected by both of its names",
        (Rec(EVENING, 8, STALE),),
        (LATE,),
        notes=(
            ("r1", "2026-01-05T20:00"),
            ("2026-01-05", "2027-03-01 01:00"),
            ("r1", "2026-02-03T21:00+00:00"),
        ),
    ),
    Story(
        "placed by hand: both recordings of the boot are",
        (
            Rec(EVENING, 2, STALE, boot="b"),
            Rec("2026-02-04 00:01+01:00", 6, STALE, boot="b", boot_s=60 + 2 * HOUR_S + 60),
        ),
        (Night("2026-02-03", "late", "22:00", "06:01", 16),),
        notes=(("r2", "2026-02-04T00:01"),),
    ),
    Story(
        "placed by hand, and taken back",
        (Rec(EVENING, 8, STALE),),
        (Night("r1", "none", "+0:00", "+8:00", 16),),
        notes=(("last", "2026-02-03T22:00"), ("r1", "unknown")),
    ),
    # Time zones, summer time and noon.
    Story(
        "summer time begins: a day of 23 hours",
        (Rec("2026-03-28 12:00+01:00", 24),),
        (
            Night("2026-03-28", "synced", "12:00", "12:00", 46),
            Night("2026-03-29", "synced", "12:00", "13:00", 2),
        ),
    ),
    Story(
        "summer time ends: a day of 25 hours",
        (Rec("2026-10-24 12:00+02:00", 25),),
        (Night("2026-10-24", "synced", "12:00", "12:00", 50),),
    ),
    Story(
        "asleep while summer time ends",
        (Rec("2026-10-24 22:00+02:00", 9),),
        (Night("2026-10-24", "synced", "22:00", "06:00", 18),),
    ),
    Story(
        "asleep while summer time begins, late",
        (Rec("2026-03-28 22:00+01:00", 8, (*STALE, Says(7, SYNCED))),),
        (Night("2026-03-28", "late", "22:00", "07:00", 16),),
    ),
    Story(
        "over noon",
        (Rec("2026-02-04 11:00+01:00", 2),),
        (
            Night("2026-02-03", "synced", "11:00", "12:00", 2),
            Night("2026-02-04", "synced", "12:00", "13:00", 2),
        ),
    ),
    Story(
        "up to noon exactly",
        (Rec("2026-02-04 10:00+01:00", 2),),
        (Night("2026-02-03", "synced", "10:00", "12:00", 4),),
    ),
    Story(
        "over noon of the day before, by a clock that was set later",
        (Rec("2026-02-04 11:00+01:00", 2, (*STALE, Says(1.9, SYNCED))),),
        (
            Night("2026-02-03", "late", "11:00", "12:00", 2),
            Night("2026-02-04", "late", "12:00", "13:00", 2),
        ),
    ),
    Story(
        "travel: one night in Berlin, the next in New York",
        (Rec(EVENING, 8), Rec("2026-02-04 22:00-05:00", 8, zone="America/New_York")),
        (WHOLE, Night("2026-02-04", "synced", "22:00", "06:00", 16)),
    ),
    Story(
        "travel in one night: a nap in New York, the rest in London, told by the clock of its start",
        (
            Rec("2026-02-03 17:00-05:00", 1, zone="America/New_York"),
            Rec("2026-02-04 06:00+00:00", 3, zone="Europe/London"),
        ),
        (Night("2026-02-03", "synced", "17:00", "04:00", 8),),
    ),
    Story(
        "travel over the date line: two evenings of one date are one night",
        (
            Rec("2026-02-03 22:00+13:00", 8, zone="Pacific/Auckland"),
            Rec("2026-02-03 22:00-08:00", 8, zone="America/Los_Angeles"),
        ),
        (Night("2026-02-03", "synced", "22:00", "03:00", 32),),
    ),
    Story(
        "the same, told apart by one zone for all",
        (
            Rec("2026-02-03 22:00+13:00", 8, zone="Pacific/Auckland"),
            Rec("2026-02-03 22:00-08:00", 8, zone="America/Los_Angeles"),
        ),
        (
            Night("2026-02-02", "synced", "01:00", "09:00", 16),
            Night("2026-02-03", "synced", "22:00", "06:00", 16),
        ),
        tz="America/Los_Angeles",
    ),
    Story(
        "read by another zone than it was recorded in",
        (Rec(EVENING, 8),),
        (
            Night("2026-02-03", "synced", "06:00", "12:00", 12),
            Night("2026-02-04", "synced", "12:00", "14:00", 4),
        ),
        tz="Asia/Tokyo",
    ),
    Story(
        "a zone that was never known is UTC",
        (Rec(EVENING, 8, zone=None),),
        (Night("2026-02-03", "synced", "21:00", "05:00", 16),),
    ),
)


def fill(bed, recordings):
    """Fill a file as the daemon does."""
    for number, plan in enumerate(recordings, 1):
        length_s = plan.hours * HOUR_S
        onsets_s = [FIRST_EVENT_S + EVENT_EVERY_S * k for k in range(int(plan.hours * 2))]
        recording = bed.add(
            length_s=length_s,
            gaps=((0.0, length_s),),  # the chunks are made below
            events=tuple((at_s, 0.5, "twitch", 20.0) for at_s in onsets_s),
            zone=plan.zone,
            boot_id=plan.boot or f"boot of {number}",
            boot_s=plan.boot_s,
            place=plan.place,
            source=plan.source,
            ended=plan.ended,
        )
        add_chunks(bed, recording, plan)
        add_anchors(bed, recording, plan)


def add_chunks(bed, recording, plan):
    """Insert the raw chunks; the wall clock is read when a chunk is full, and counted back to its start."""
    at_s = 0.0
    while at_s < plan.hours * HOUR_S:
        until_s = min(at_s + CHUNK_S, plan.hours * HOUR_S)
        insert(
            bed, "raw_chunks", plan, recording, at_s, plan.wall(until_s),
            first_sample=round(at_s * RATE_HZ), sample_count=round((until_s - at_s) * RATE_HZ),
            rate_hz=RATE_HZ / (1 + plan.fast_ppm * 1e-6),
        )  # fmt: skip
        at_s = until_s


def add_anchors(bed, recording, plan):
    """Insert an anchor soon after the start, soon after each step, and at an end by a signal."""
    marks = [("start", 0.04), *(("step", says.hour * HOUR_S + 0.04) for says in plan.clock[1:])]
    marks += [("stop", plan.hours * HOUR_S)] * (plan.ended == "stopped")
    for cause, at_s in marks:
        insert(
            bed, "anchors", plan, recording, at_s, plan.wall(at_s), sample=round(at_s * RATE_HZ), cause=cause
        )


def insert(bed, table, plan, recording, at_s, wall, **columns):
    """Insert a row that ties the boot clock to the wall clock."""
    ahead_s, synced = wall
    boot_ns = round(plan.boot_clock_s(at_s) * 1e9)
    utc_ns = None if ahead_s is None else boot_ns + round(ahead_s * 1e9)
    bed._insert(table, recording_id=recording, boot_ns=boot_ns, utc_ns=utc_ns, synced=synced, **columns)


def run(*arguments):
    """Run bedtick, which must succeed; give what it printed."""
    result = CliRunner().invoke(main, [str(one) for one in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def shown(bed, story):
    """Nights as a reader sees them, in order, with the events of each."""
    with reading(bed.path) as connection:
        nights = [
            with_exact_clocks(connection, night)
            for night in load_nights(connection, Machine(None, None), story.tz)
        ]
    zone = ["--tz", story.tz] if story.tz else []
    found = []
    for night in nights:
        asked = [night.name, "--place", night.place, "--db", bed.path, *zone]
        events = json.loads(run("events", *asked, "--json"))
        spans = [moment(night, ns) for ns in (night.start_ns, night.end_ns)]
        found.append((Night(night.name, night.clock_quality, *spans, len(events)), events))
        assert f"Night {night.name}" in run("summary", *asked)
        assert json.loads(run("summary", *asked, "--json"))["events"]["count"] == len(events)
    assert len(json.loads(run("nights", "--db", bed.path, *zone, "--json"))) == len(nights)
    return found


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_clock_story(bed, story):
    """The nights are those of the story; each event is where it truly was, or says that nobody knows."""
    fill(bed, story.recordings)
    for night, start in story.notes:
        run("note", night, "--starts", start, "--db", bed.path)
    found = shown(bed, story)
    assert tuple(night for night, _ in found) == story.nights
    for night, events in found:
        assert [event["clock"] == "none" for event in events] == [night.clock == "none"] * len(events)
        for event in events:
            plan = story.recordings[event["recording"] - 1]
            if event["start_utc"] is not None:
                shown_s = datetime.fromisoformat(event["start_utc"]).timestamp()
                nth = round((event["start_s"] - FIRST_EVENT_S) / EVENT_EVERY_S)
                true_s = plan.utc_s(FIRST_EVENT_S + nth * EVENT_EVERY_S)
                assert shown_s == pytest.approx(true_s, abs=story.within_s)
        times = [(event["start_utc"] or "", event["start_s"]) for event in events]
        if len({event["recording"] for event in events}) == 1:
            assert all(a < b for a, b in pairwise(times))


def test_there_are_stories_enough():
    """Each story has a name of its own."""
    assert len({story.name for story in STORIES}) == len(STORIES) >= 20


def told(story):
    """Write a story as a row of the page about the clock."""
    nights = "; ".join(
        f"{night.name} {night.clock}, {night.start} to {night.end}, {night.events}" for night in story.nights
    )
    return f"| {story.name} | {nights} |"


def test_the_page_tells_every_story():
    """The table of the page has one row for each story, in their order, and no other."""
    rows = PAGE.read_text().split("\n## Clock stories\n")[1].split("|---|---|\n")[1].splitlines()
    assert rows == [told(story) for story in STORIES]


def test_the_numbers_of_the_page_are_those_of_the_code():
    """What the page says of limits is what the code takes."""
    page = " ".join(PAGE.read_text().split())
    assert f"more than {AGREE_NS / 1e9:g} s and {DRIFT * 1e6:g} ppm" in page
    assert f"before {datetime.fromtimestamp(FIRST_TRUE_NS / 1e9, UTC):%Y}:" in page
    assert f"more than {STEP_NS / 1e6:g} ms" in page
    assert ROUNDING_NS == 600e9
    assert "ten minutes may overlap" in page
    assert LOOK_NS == 1e9
    assert "Once a second the two clocks are compared" in page
