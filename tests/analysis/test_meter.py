"""The screen of `bedtick live` on terminals of every width."""

from __future__ import annotations

import pytest

from bedtick.analysis.screen.look import Look
from bedtick.analysis.screen.meter import live_lines
from bedtick.logger.live import Frame, LiveEvent

PLAIN = Look(blocks=False, colours=False)
TITLE = "adxl345 at 0x53 on i2c-1, place bed"


@pytest.fixture
def frame():
    """Return a function that makes a frame; noise of 4 mg, a level of 12 mg, a peak of 40 mg."""

    def make(level_mg=12.0, peak_mg=40.0, floor_mg=4.0, **others):
        values = {"time_s": 75.0, "rate_hz": 399.8, "lost": 0, "events": (), "trouble": ""}
        return Frame(level_mg=level_mg, peak_mg=peak_mg, floor_mg=floor_mg, **{**values, **others})

    return make


def events(count):
    """Return so many events, oldest first."""
    return tuple(
        LiveEvent(number, 10.0 * number, "movement", 20.0 + number) for number in range(1, count + 1)
    )


@pytest.mark.parametrize("columns", [40, 41, 57, 80, 132])
@pytest.mark.parametrize("rows", [6, 10, 24, 60])
def test_screen_fits(frame, columns, rows):
    """No line reaches the last column, no screen is too high, and the way out is always told."""
    full = frame(events=events(40), trouble="address 0x53, register 0x30: no answer " * 8, lost=12345)
    for one in (full, frame(None, None, None)):
        lines = live_lines(one, TITLE * 3, PLAIN, (columns, rows))
        assert len(lines) <= rows
        assert max(len(line) for line in lines) < columns
        assert "Ctrl-C" in lines[-1]


def test_screen_for_any_terminal(frame):
    """Where UTF-8 is not understood, everything is ASCII and nothing is an escape sequence."""
    screen = "".join(live_lines(frame(events=events(2), trouble="ä?"), "Schlafz. ä", PLAIN, (80, 24)))
    assert screen.isascii()
    assert "\x1b" not in screen
    assert "█" in "".join(live_lines(frame(), TITLE, Look(blocks=True, colours=False), (80, 24)))


@pytest.mark.parametrize(
    ("level_mg", "peak_mg", "filled", "marked"),
    [
        (4.0, 4.0, 0, 0),
        (2.0, 4.0, 0, 0),
        (40.0, 40.0, 39, 39),
        (4.0, 40.0, 0, 39),
        (4000.0, 4000.0, 78, None),
    ],
)
def test_meter_counts_from_the_floor(frame, level_mg, peak_mg, filled, marked):
    """Ten times the floor is the middle; the held peak has a mark, where the bar does not hide it."""
    meter = live_lines(frame(level_mg, peak_mg), TITLE, PLAIN, (81, 24))[2]
    assert (meter[0], meter[-1], len(meter)) == ("[", "]", 80)
    assert meter.count("#") == filled
    assert (meter.index("|") - 1 if "|" in meter else None) == marked


def test_scale_below_the_meter(frame):
    """The mark of ten times the floor stands below the middle, that of a hundred at the end."""
    scale = live_lines(frame(), TITLE, PLAIN, (81, 24))[3]
    assert scale.split() == ["1x", "3x", "10x", "30x", "100x"]
    assert scale.index("10x") == 1 + 39
    assert len(scale) == 80


def test_meter_before_there_is_a_floor(frame):
    """In the first seconds, and while no sample comes, the meter is empty and says so."""
    for unknown in (frame(floor_mg=None), frame(level_mg=None)):
        assert set(live_lines(unknown, TITLE, PLAIN, (80, 24))[2]) == set("[ ]")
    assert "being listened to" in "\n".join(live_lines(frame(floor_mg=None), TITLE, PLAIN, (80, 24)))


def test_newest_events_come_first(frame):
    """The list begins with the newest; what has no room is the oldest."""
    lines = live_lines(frame(events=events(40)), TITLE, PLAIN, (80, 20))
    listed = [line for line in lines if "movement" in line]
    assert listed[0].split() == ["400.0", "s", "movement", "60.0"]
    assert len(listed) == 20 - 12


def test_trouble_and_losses_are_told(frame):
    """What keeps samples from coming stands below the numbers, and so does what was lost."""
    screen = "\n".join(live_lines(frame(trouble="the bus is stuck", lost=7), TITLE, PLAIN, (80, 24)))
    assert "the bus is stuck" in screen
    assert "7 samples lost" in screen
