"""What `check` says about the machine: power, pins, room on the disk."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from bedtick.firmware.clock import SystemClock
from bedtick.firmware.emulator import EmulatedClock
from bedtick.firmware.pin_trouble import PinsUnavailableError
from bedtick.logger.check.finding import FAILURE, GOOD, WARNING
from bedtick.logger.check.machine import check_room, judge_room
from bedtick.logger.check.pins import check_pins
from bedtick.logger.check.power import check_power
from bedtick.logger.settings import PinSettings

FLAGS = "devices/platform/soc/soc:firmware/get_throttled"
WIRED = PinSettings(button=17, led=27, interrupt=22)


class FakePins:
    """Pins that remember what they were asked for."""

    hears_edges = True

    def __init__(self, *, is_up=True):
        self.is_up = is_up
        self.asked = []

    def listen(self, pin):
        """Tell whether the button is up."""
        self.asked.append(("listen", pin))
        return self.is_up

    def expect(self, pin):
        """Take the interrupt line."""
        self.asked.append(("expect", pin))

    def show(self, pin, *, is_high):
        """Drive the light."""
        self.asked.append(("show", pin, is_high))


@pytest.fixture
def header():
    """Return a function that makes what opens a header, of pins or with an error."""

    def make(pins):
        @contextmanager
        def open_header(_boot_ns):
            if isinstance(pins, Exception):
                raise pins
            yield pins

        return open_header

    return make


@pytest.fixture
def system(tmp_path):
    """Return a function that writes the files of a `/sys`, and the folder."""

    def write(**files):
        for name, text in files.items():
            path = tmp_path / {"flags": FLAGS}.get(name, f"class/hwmon/hwmon1/{name}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return write


@pytest.mark.parametrize(
    ("flags", "state", "words"),
    [
        ("0\n", GOOD, "the voltage holds"),
        ("50005\n", WARNING, "the voltage is too low now"),
        ("50000\n", WARNING, "the voltage was too low since"),
        ("4", WARNING, "slowed down now"),
        ("80008", WARNING, "slowed down now"),
        ("e0000", WARNING, "slowed down since"),
        ("nonsense", GOOD, "can not be told"),
    ],
)
def test_flags_of_the_firmware(system, flags, state, words):
    """Low voltage goes before throttling, and now before earlier."""
    finding = check_power(system(flags=flags))
    assert finding.state == state
    assert words in finding.sentence
    assert bool(finding.advice) == (state == WARNING)


def test_alarm_where_there_are_no_flags(system):
    """The kernel's alarm is taken of the Pi's own voltage, and of no other sensor."""
    assert "too low now" in check_power(system(name="rpi_volt\n", in0_lcrit_alarm="1\n")).sentence
    assert "holds" in check_power(system(in0_lcrit_alarm="0\n")).sentence
    assert "can not be told" in check_power(system(name="nct6775\n", in0_lcrit_alarm="1\n")).sentence


def test_machine_without_flags(system):
    """Where no file tells anything that is said, and is no fault."""
    finding = check_power(system())
    assert finding.state == GOOD
    assert "can not be told here" in finding.sentence


def test_pins_that_are_not_set_are_left_alone(header):
    """Nothing is opened where nothing is wired, nor where there is no header."""
    untouched = header(AssertionError("opened"))
    assert check_pins(PinSettings(), SystemClock(), untouched).sentence == "not used"
    assert "no header" in check_pins(WIRED, EmulatedClock(), untouched).sentence


def test_pins_that_are_ready(header):
    """Each wired pin is set up as at night, the light dark."""
    pins = FakePins()
    finding = check_pins(WIRED, SystemClock(), header(pins))
    assert finding.state == GOOD
    assert all(f"GPIO{pin}" in finding.sentence for pin in (17, 22, 27))
    assert sorted(pins.asked) == [("expect", 22), ("listen", 17), ("show", 27, False)]


def test_button_that_is_down(header):
    """A button that nobody presses and is down is wired the wrong way."""
    finding = check_pins(WIRED, SystemClock(), header(FakePins(is_up=False)))
    assert finding.state == WARNING
    assert "GPIO17 is down" in finding.sentence


def test_pins_that_are_not_available(header):
    """Why the pins can not be used is said; nights go on without them."""
    finding = check_pins(WIRED, SystemClock(), header(PinsUnavailableError("pins: no library")))
    assert (finding.state, finding.sentence) == (WARNING, "pins: no library")
    assert "nights go on" in finding.advice


@pytest.mark.parametrize(
    ("free_bytes", "night_bytes", "state", "words"),
    [
        (80e9, 15e6, GOOD, "5333 nights"),
        (300e6, 15e6, WARNING, "20 nights"),
        (10e6, 15e6, FAILURE, "0 nights"),
        (2.5e9, 0, GOOD, "2.5 GB free"),
    ],
)
def test_room_by_the_nights_that_fit(free_bytes, night_bytes, state, words):
    """Room for less than a month is a warning, for less than a night a failure."""
    finding = judge_room(free_bytes, night_bytes)
    assert finding.state == state
    assert words in finding.sentence


def test_room_of_the_database_s_own_disk(tmp_path):
    """The disk that is looked at is the one with the database."""
    assert "free" in check_room(tmp_path / "bed.db", 1.0).sentence
