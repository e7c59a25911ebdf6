"""What was marked in a night, as the morning reads it: once a press, at its own time, in its own night."""

from __future__ import annotations

import json
import re

import click
import pytest
from click.testing import CliRunner

from bedtick.analysis.cli import main

HOUR = 3600
START = "2026-02-03T21:41:00+00:00"  # 22:41 in Berlin


def mark(bed, recording, *markers):
    """Insert markers, each (kind, seconds since the recording's start), as the daemon does at 100 Hz."""
    for kind, at_s in markers:
        bed._insert(
            "markers",
            recording_id=recording,
            kind=kind,
            sample=max(round(at_s * 100), 0),
            boot_ns=round((100 + at_s) * 1e9),
            source="button",
        )


def summary(bed, *arguments):
    """Run `bedtick summary` on a night."""
    result = CliRunner().invoke(main, ["summary", *arguments, "--db", str(bed.path)])
    assert result.exit_code == 0, result.output
    return result.stdout


def markers(bed, *arguments):
    """Kinds and UTC of the markers in the JSON of a night."""
    found = json.loads(summary(bed, *arguments, "--json"))["markers"]
    return [(marker["kind"], marker["start_utc"]) for marker in found]


def line(screen):
    """Return the sentence about markers as one line; None where there is none."""
    match = re.search(r"Marked: [^.]*\.", " ".join(screen.split()))
    return match and match[0]


def test_a_night_with_markers_tells_them(bed):
    """The screen counts what was felt and says when the lights went off and on, in local time."""
    recording = bed.add(start=START, length_s=9 * HOUR)
    mark(bed, recording, ("lights_off", 600), ("felt", HOUR), ("felt", 2 * HOUR), ("lights_on", 8.15 * HOUR))
    assert line(summary(bed)) == "Marked: 2 jerks felt, lights off 22:51, lights on 06:50."
    assert markers(bed) == [
        ("lights_off", "2026-02-03T21:51:00.000Z"),
        ("felt", "2026-02-03T22:41:00.000Z"),
        ("felt", "2026-02-03T23:41:00.000Z"),
        ("lights_on", "2026-02-04T05:50:00.000Z"),
    ]


def test_a_night_without_markers_says_nothing_of_them(bed):
    """No line on the screen, and an empty array."""
    bed.add(start=START, length_s=HOUR)
    assert line(summary(bed)) is None
    assert markers(bed) == []


def test_a_press_that_two_sensors_lived_through_counts_once(bed):
    """The rows of one press in two recordings are one marker; a later press is another."""
    for place in ("left", "right"):
        mark(bed, bed.add(start=START, length_s=HOUR, place=place), ("felt", 600), ("felt", 700))
    assert line(summary(bed, "--place", "left")) == "Marked: 2 jerks felt."


def test_markers_belong_to_the_night_they_were_made_in(bed):
    """A recording that goes on past noon is cut there, and its markers with it."""
    recording = bed.add(start="2026-02-03T21:00:00+00:00", length_s=20 * HOUR)
    mark(bed, recording, ("felt", HOUR), ("felt", 16 * HOUR))
    assert markers(bed, "2026-02-03") == [("felt", "2026-02-03T22:00:00.000Z")]
    assert markers(bed, "2026-02-04") == [("felt", "2026-02-04T13:00:00.000Z")]


def test_a_marker_after_the_last_stored_sample_is_kept(bed):
    """A press just before the plug was pulled is kept, and so is one from before the first sample."""
    recording = bed.add(start=START, length_s=HOUR, ended="unplugged")
    mark(bed, recording, ("lights_off", -2), ("felt", HOUR + 4))
    assert [kind for kind, _ in markers(bed)] == ["lights_off", "felt"]


def test_without_a_clock_markers_are_told_by_time_since_the_start(bed):
    """A night without a clock has no UTC; its markers count from its start."""
    recording = bed.add(length_s=HOUR, wall=False, synced=None)
    mark(bed, recording, ("lights_off", 600))
    assert json.loads(summary(bed, "--json"))["markers"] == [
        {"kind": "lights_off", "start_utc": None, "start_s": 600.0}
    ]
    assert line(summary(bed)) == "Marked: lights off +0:10."


def test_a_file_from_before_there_were_markers_reads(bed):
    """A database of version 2 has no such table, and no markers."""
    bed.add(start=START, length_s=HOUR)
    bed.database.execute("DROP TABLE markers")
    bed.database.execute("PRAGMA user_version = 2")
    assert markers(bed) == []


@pytest.mark.parametrize("turns", [4, 40])
def test_many_turns_of_the_lights_fit_the_screen(bed, turns):
    """Four times are told one by one; the screen keeps its 32 lines of 80 columns."""
    recording = bed.add(
        start=START,
        length_s=14 * HOUR,
        ended="unplugged",
        events=tuple((60.0 + 40 * n, 0.4, "twitch", 10.0 + n) for n in range(500)),
        bouts=((600, 300, 20, 4.2), (9000, 800, 50, 5.0)),
        invalid={**dict.fromkeys(range(320, 375), ("hum", 60.0)), 0: ("settling", 2.0)},
        faults=tuple((f"fault-{n}", 10.0 + n, n) for n in range(9)),
    )
    mark(
        bed,
        recording,
        ("felt", 60.0),
        *((("lights_off", "lights_on")[n % 2], 700.0 * n) for n in range(turns)),
    )
    lines = click.unstyle(summary(bed, "2026-02-03")).splitlines()
    assert len(lines) <= 32
    assert max(map(len, lines)) <= 80
    assert ("36 more" in line("\n".join(lines))) == (turns == 40)
