"""A night at the bed, on emulated pins: presses become markers, and the light keeps dark."""

from __future__ import annotations

import contextlib
import logging
from itertools import pairwise

import pytest

from bedtick.firmware.clock import SystemClock
from bedtick.firmware.emulator import EmulatedClock
from bedtick.firmware.emulator.pins import EmulatedPins
from bedtick.firmware.pin_trouble import PinsUnavailableError
from bedtick.firmware.pins import Change
from bedtick.logger.bedside import bedside as bedside_module
from bedtick.logger.bedside.bedside import Bedside, header
from bedtick.logger.bedside.button import NEVER_NS

BUTTON, LED = 17, 27
MS = 1_000_000
S = 1000 * MS
START = 50 * S


class Bed:
    """A bedside on emulated time; times in and out are seconds since its start.

    `presses` are (at_s, held_s); every press bounces at both ends.
    """

    def __init__(self, *presses, led=LED, **options):
        self.clock = EmulatedClock(START)
        recorded = [
            Change(START + round(at_s * S) + bounce_ms * MS, BUTTON, is_high=is_high)
            for pressed_s, held_s in presses
            for at_s, first in ((pressed_s, False), (pressed_s + held_s, True))
            for bounce_ms, is_high in ((0, first), (3, not first), (7, first))
        ]
        self.pins = EmulatedPins(self.clock, recorded, **options)
        self.is_recording = True
        self.is_trouble = False
        self.put = []
        self.bedside = Bedside(
            self.pins,
            self.clock,
            button=BUTTON,
            led=led,
            put_marker=self.put_marker,
            is_trouble=lambda: self.is_trouble,
        )

    def put_marker(self, kind, boot_ns):
        """Take a marker while a recording runs."""
        if self.is_recording:
            self.put.append((kind, (boot_ns - START) / S, (self.clock.boot_ns() - START) / S))
        return self.is_recording

    def run(self, until_s):
        """Poll whenever it is due, up to a time."""
        while self.bedside.next_poll_ns < START + until_s * S:
            self.clock.sleep_until(self.bedside.next_poll_ns)
            self.bedside.poll()
        self.clock.sleep_until(START + round(until_s * S))
        return self

    def markers(self):
        """Kinds and times of the markers that were taken."""
        return [(kind, at_s) for kind, at_s, _ in self.put]

    def lit(self):
        """Spans in which the light was on, in seconds."""
        shown = [((change.boot_ns - START) / S, change.is_high) for change in self.pins.shown]
        return [(begin, end) for (begin, is_lit), (end, _) in pairwise(shown) if is_lit]


def test_a_night_of_presses():
    """Short and long presses, all bouncing, become markers with the time at which the finger came."""
    bed = Bed((10.0, 2.0), (600.0, 0.2), (601.0, 0.1), (3000.0, 0.3), (28000.0, 1.7)).run(28100)
    assert bed.markers() == [
        ("lights_off", 10.0), ("felt", 600.0), ("felt", 601.0), ("felt", 3000.0), ("lights_on", 28000.0),
    ]  # fmt: skip


def test_a_marker_is_handed_over_within_a_fifth_of_a_second():
    """A short press is handed over soon after the finger lifts, a long one soon after 1.5 s."""
    bed = Bed((10.03, 0.25), (20.0, 4.0)).run(30)
    (_, _, felt_s), (_, _, off_s) = bed.put
    assert felt_s <= 10.03 + 0.25 + 0.2
    assert off_s <= 20.0 + 1.5 + 0.2


def test_the_light_answers_presses_and_is_dark_otherwise():
    """One flash for a press, two for lights off, a long one for lights on, and not a flicker besides."""
    bed = Bed((10.0, 0.2), (20.0, 2.0), (3000.0, 2.0)).run(3600)
    lengths = [(round(begin, 1), pytest.approx(end - begin, abs=0.01)) for begin, end in bed.lit()]
    assert lengths == [(10.2, 0.12), (21.5, 0.12), (21.8, 0.12), (3001.5, 0.8)]


def test_the_light_is_dark_all_night():
    """An hour without trouble or presses leaves the pin as it was set at the start: low."""
    assert Bed().run(3600).pins.shown == [Change(START, LED, is_high=False)]


def test_trouble_blinks_until_it_is_over():
    """Trouble that lasts is shown after five seconds, with short blinks, and ends dark."""
    bed = Bed().run(10)
    bed.is_trouble = True
    bed.run(20)
    bed.is_trouble = False
    bed.run(30)
    begins = [begin for begin, _ in bed.lit()]
    assert begins == [pytest.approx(s, abs=0.11) for s in (15, 17, 19)]
    assert not bed.pins.shown[-1].is_high


def test_a_marker_waits_for_a_recording():
    """A press before any recording runs is kept, with its time, and taken by the first that does."""
    bed = Bed((1.0, 0.2), (3.0, 0.2))
    bed.is_recording = False
    bed.run(60)
    assert bed.put == []
    bed.is_recording = True
    bed.run(61)
    assert bed.markers() == [("felt", 1.0), ("felt", 3.0)]


def test_presses_during_a_stuck_bus_keep_their_time():
    """Presses while nobody could look, as during a transfer that times out, are told apart afterwards."""
    bed = Bed((10.0, 0.2), (12.0, 0.1), (13.0, 1.8)).run(9.9)
    bed.clock.sleep_until(START + 16 * S)
    bed.run(17)
    assert bed.markers() == [("felt", 10.0), ("felt", 12.0), ("lights_off", 13.0)]


def test_without_edges_the_button_is_looked_at_often():
    """Where only levels are read, a press of 80 ms is found, timed to a look."""
    bed = Bed((10.0, 0.08), (20.0, 2.0), hears_edges=False).run(30)
    assert bed.markers() == [
        ("felt", pytest.approx(10.0, abs=0.025)),
        ("lights_off", pytest.approx(20.0, abs=0.025)),
    ]


def test_a_shorted_button_is_named_and_marks_nothing(caplog):
    """A button that is down from the start is warned of once and ignored until it is let go."""
    bed = Bed((-1.0, 30.0), (40.0, 0.2)).run(60)
    assert bed.markers() == [("felt", 40.0)]
    assert [
        entry.getMessage().split(";")[0] for entry in caplog.records if entry.levelno == logging.WARNING
    ] == ["the button on GPIO17 is down already and counts once it is let go"]


def test_a_button_without_a_light_works():
    """With the light not wired nothing is shown, and presses are marked."""
    bed = Bed((1.0, 0.2), led=0).run(10)
    assert bed.markers() == [("felt", 1.0)]
    assert bed.pins.shown == []


def test_without_pins_nothing_is_due():
    """Without a header the bedside never wants to be polled, and polling it does nothing."""
    bedside = Bedside(
        None, EmulatedClock(), button=BUTTON, led=LED, put_marker=lambda *_: True, is_trouble=lambda: True
    )
    bedside.poll()
    assert bedside.next_poll_ns == NEVER_NS


@pytest.mark.parametrize("method", ["listen", "changes", "show"])
def test_pins_that_fail_are_left_alone(caplog, monkeypatch, method):
    """Whenever the pins refuse, the log says so once, and the night is never disturbed again."""

    def refuse(*_args, **_named):
        raise PinsUnavailableError("GPIO17: another program holds it")

    monkeypatch.setattr(EmulatedPins, method, refuse)
    bed = Bed((1.0, 0.2))
    bed.run(3)
    bed.bedside.poll()
    assert bed.bedside.next_poll_ns == NEVER_NS
    assert [entry.getMessage() for entry in caplog.records if entry.levelno == logging.WARNING] == [
        "GPIO17: another program holds it; the night goes on without button and light"
    ]


def opening(act, monkeypatch):
    """Have the header opened by a function."""
    monkeypatch.setattr(bedside_module, "open_pins", contextlib.contextmanager(act))


def test_the_header_is_opened_only_for_a_real_night_with_something_wired(monkeypatch):
    """On emulated time, and where every pin is 0, the library is left alone; else it is let go of again."""
    opened = []

    def act(_boot_ns):
        opened.append("open")
        yield "pins"
        opened.append("closed")

    opening(act, monkeypatch)
    with header(EmulatedClock(), BUTTON) as pins, header(SystemClock(), 0, 0, 0) as none:
        assert (pins, none, opened) == (None, None, [])
    with header(SystemClock(), 0, LED, 0) as pins:
        assert (pins, opened) == ("pins", ["open"])
    assert opened == ["open", "closed"]


def test_a_header_that_is_not_available_does_not_stop_the_night(monkeypatch, caplog):
    """The reason is logged in one line, and the night goes on."""

    def act(_boot_ns):
        raise PinsUnavailableError("pins: this is no Raspberry Pi")
        yield

    opening(act, monkeypatch)
    with header(SystemClock(), BUTTON) as pins:
        assert pins is None
    assert [entry.getMessage() for entry in caplog.records] == [
        "pins: this is no Raspberry Pi; the night goes on without them"
    ]
