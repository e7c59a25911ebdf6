"""What the morning's screens say, and that they fit."""

from __future__ import annotations

import io

import click
import pytest

from bedtick.analysis.database import reading
from bedtick.analysis.nights import load_nights
from bedtick.analysis.recordings import Machine
from bedtick.analysis.screen.look import Look, look_of, shown
from bedtick.analysis.screen.summary import summary_screen
from bedtick.analysis.screen.words import duration
from bedtick.analysis.summary import summarise

HOUR = 3600
PLAIN = Look(blocks=True, colours=False)
ASCII = Look(blocks=False, colours=False)


def screen_of(bed, look=PLAIN):
    """Screen of the last night of a fabricated database."""
    with reading(bed.path) as connection:
        night = load_nights(connection, Machine(None, None))[-1]
        return summary_screen(summarise(connection, night), look)


def busy_night(bed, **changes):
    """Fill in a night with everything a summary can tell."""
    plan = {
        "start": "2026-02-03T21:41:00+00:00",
        "length_s": 8 * HOUR,
        "events": tuple((60.0 + 40 * n, 0.4, "twitch", 10.0 + n) for n in range(500)),
        "bouts": ((600, 300, 20, 4.2), (9000, 800, 50, 5.0)),
        "invalid": {**dict.fromkeys(range(320, 375), ("hum", 60.0)), 0: ("settling", 2.0)},
        "faults": tuple((f"fault-{n}", 10.0 + n, n) for n in range(9)),
        "ended": "unplugged",
    }
    bed.add(**{**plan, **changes})


def line_with(screen, start):
    """Give the last line of a screen that begins so."""
    return [line for line in screen.splitlines() if line.startswith(start)][-1]


@pytest.mark.parametrize("hours", [1, 8, 11, 14])
@pytest.mark.parametrize("look", [PLAIN, ASCII, Look(blocks=True, colours=True)])
def test_any_night_fits_one_screen(bed, hours, look):
    """Whatever happened, the summary has at most 32 lines of 80 columns."""
    busy_night(bed, length_s=hours * HOUR)
    lines = click.unstyle(screen_of(bed, look)).splitlines()
    assert len(lines) <= 32
    assert max(map(len, lines)) <= 80


def test_ascii_terminal_gets_ascii(bed):
    """Where the encoding is not UTF-8 nothing but ASCII is written, free text included."""
    busy_night(bed, place="Bett Süd")
    screen = screen_of(bed, ASCII)
    assert screen.isascii()
    assert "Bett S?d" in screen


def test_plain_look_has_no_escapes(bed):
    """Without colours there is no escape sequence; with them the words are the same."""
    busy_night(bed)
    coloured = screen_of(bed, Look(blocks=True, colours=True))
    assert "\x1b" not in screen_of(bed)
    assert "\x1b" in coloured
    assert click.unstyle(coloured) == screen_of(bed)


@pytest.mark.parametrize(
    ("ended", "words"),
    [("stopped", "stopped."), ("unplugged", "unplugged: at most 10 s before the end may be missing.")],
)
def test_the_end_is_told(bed, ended, words):
    """The header says from when to when in local time, and how it ended."""
    bed.add(length_s=HOUR, ended=ended)
    assert f"22:41 to 23:41 Europe/Berlin, {words}" in screen_of(bed).replace("\n", " ")


def test_quiet_hour_and_invalid_hour_look_different(bed):
    """An hour without events is called quiet only where it was valid; else words say it cannot be told."""
    bed.add(
        start="2026-02-03T22:00:00+00:00",
        length_s=3 * HOUR,
        events=((10.0, 0.2, "twitch", 20.0),),
        invalid=dict.fromkeys(range(60, 115), ("hum", 60.0)),
    )
    screen = screen_of(bed)
    assert line_with(screen, "00:00") == "00:00  ■░░░░░░░░░░░       0  only 5 min valid: cannot say"
    assert line_with(screen, "01:00").endswith("none in 1 h 00 min of valid time")
    assert line_with(screen, "23:00").split()[2:] == ["1", "█" * 36, "1"]


def test_events_of_an_invalid_hour_get_no_bar(bed):
    """A mostly invalid hour shows its count but no rate, however many events it has."""
    bed.add(
        start="2026-02-03T22:00:00+00:00",
        length_s=HOUR,
        events=tuple((10.0 * n, 0.2, "twitch", 20.0) for n in range(300)),
        invalid=dict.fromkeys(range(55), ("hum", 60.0)),
    )
    assert line_with(screen_of(bed), "23:00").endswith("300  only 5 min valid: cannot say")


def test_a_little_invalid_time_is_not_rounded_away():
    """Even one invalid minute of an hour takes a cell of its own."""
    assert PLAIN.division(59 / 60, 1 / 60, 12, began_late=False) == "■" * 11 + "░"


def test_an_hour_that_began_late_is_empty_on_the_left():
    """What was not recorded stands on the side of the hour where it was."""
    assert PLAIN.division(0.5, 0, 4, began_late=True) == "··■■"
    assert PLAIN.division(0.5, 0, 4, began_late=False) == "■■··"


def test_any_rate_shows():
    """The smallest bar is visible, and only nothing is drawn as nothing."""
    assert (PLAIN.bar(0.0001, 30), PLAIN.bar(0, 30), PLAIN.bar(1, 3)) == ("▏", "", "███")
    assert (ASCII.bar(0.0001, 30), ASCII.bar(0, 30), ASCII.bar(1, 3)) == ("=", "", "===")


def test_limits_are_printed(bed):
    """The last words say what the log is not; forbidden words do not appear."""
    busy_night(bed)
    screen = screen_of(bed)
    assert screen.splitlines()[-1] == (
        "A movement log, not a diagnosis: not EMG, no sleep stages, not which sleeper."
    )
    assert "PLM" not in screen


def test_findings_are_told_in_sentences(bed):
    """Bouts, quiet, weakest jerk, what was left out and faults have a sentence each."""
    busy_night(bed)
    screen = screen_of(bed).replace("\n  ", " ").replace("\n", " ")
    assert "Bouts: 2, 18 min together; longest from 01:11, 13 min, an event every 5.0 s." in screen
    assert "First 30 valid minutes without an event: began 6 h 15 min after the start." in screen
    assert "Sensitivity: tonight, on this bed, jerks above 7.0 mg" in screen
    assert "Left out of the rates:" in screen
    assert "Faults: fault-8 1x (8 samples lost)," in screen
    assert "6 more kinds." in screen


def test_night_without_a_clock_says_so(bed):
    """Without a clock the times count from the start and the screen says why."""
    bed.add(synced=None, length_s=HOUR, events=((1800.0, 0.2, "twitch", 20.0),))
    screen = screen_of(bed)
    assert "Night r1, a recording without a clock" in screen
    assert "+0:00 to +1:00 since the start, stopped." in screen
    assert "Clock: none to trust" in screen
    assert "+0:30:00  twitch" in screen


@pytest.mark.parametrize(
    ("weakest_mg", "words"),
    [(7.04, "jerks above 7.0 mg"), (0.0045, "jerks above 0.1 mg"), (None, "not measured")],
)
def test_sensitivity_is_never_said_to_be_boundless(bed, weakest_mg, words):
    """A very small bound is not rounded to 0, and an unknown one is called so."""
    bed.add(length_s=120)
    bed.database.execute("UPDATE minutes SET weakest_mg = ?", [weakest_mg])
    assert words in screen_of(bed)


def test_sensitivity_tells_of_the_worst_tenth(bed):
    """Beside the median stands what one minute in ten was worse than."""
    bed.add(length_s=11 * 60)
    bed.database.execute("UPDATE minutes SET weakest_mg = 5 + minute * minute")
    assert "jerks above 30.0 mg (worst tenth: 86.0 mg)." in screen_of(bed)


def test_two_sensors_of_a_place_are_called_two(bed):
    """Where two sensors recorded a place by turns, the screen says that their numbers are added."""
    bed.add(length_s=HOUR)
    bed.add(length_s=HOUR)
    bed.database.execute(
        "INSERT INTO sensors (id, place, chip, bus, address) VALUES (9, 'bed', 'lis3dh', '1', 24)"
    )
    bed.database.execute("UPDATE recordings SET sensor_id = 9 WHERE id = 2")
    screen = screen_of(bed)
    assert "bed (adxl345), bed (lis3dh)" in screen
    assert "sums over these sensors" in screen


def test_control_characters_are_not_passed_on():
    """Free text cannot steer the terminal."""
    assert shown("bed\x1b[2J\n", PLAIN) == "bed [2J "


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min"), (90, "2 min"), (3599, "1 h 00 min"), (29700, "8 h 15 min")],
)
def test_durations_have_two_units(seconds, text):
    """Lengths of time are rounded to what a person wants to know."""
    assert duration(seconds) == text


class Terminal(io.StringIO):
    """A stream that says it is a terminal with an encoding."""

    encoding = "UTF-8"

    def isatty(self):
        """Pretend to be a terminal."""
        return True


@pytest.mark.parametrize(
    ("environ", "colours"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colour_is_for_terminals_that_want_it(environ, colours):
    """A terminal gets colours unless NO_COLOR is set (and not empty) or it is dumb."""
    assert look_of(Terminal(), environ) == Look(blocks=True, colours=colours)


def test_pipe_gets_no_colour(tmp_path):
    """A file or pipe gets no colours, and blocks only where its encoding has them."""
    for encoding, blocks in (("utf-8", True), ("ascii", False), ("latin-1", False)):
        with (tmp_path / "out").open("w", encoding=encoding) as stream:
            assert look_of(stream, {}) == Look(blocks=blocks, colours=False)
