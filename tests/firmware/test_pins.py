"""The pins through the interface of either package, and emulated pins in their place."""

from __future__ import annotations

import sys
import types
from collections import defaultdict

import pytest

from bedtick.firmware.emulator import EmulatedClock
from bedtick.firmware.emulator.pins import EmulatedPins
from bedtick.firmware.pin_trouble import PinsUnavailableError
from bedtick.firmware.pins import Change, open_pins

BUTTON, LED, LINE = 17, 27, 22
SECOND_NS = 1_000_000_000


class FakeGpio(types.ModuleType):
    """The module `RPi.GPIO` as both packages offer it: levels and callbacks of a header that is not there."""

    IN, OUT, BCM, LOW, HIGH = 1, 0, 11, 0, 1
    PUD_UP, PUD_DOWN, RISING, BOTH = 22, 21, 31, 33

    def __init__(self, refusals=None):
        super().__init__("RPi.GPIO")
        self.levels = defaultdict(lambda: 1)
        self.pulls, self.callbacks, self.cleaned = {}, {}, []
        self.mode = self.warnings = None
        self.refusals = refusals or {}

    def _refuse(self, call):
        if call in self.refusals:
            raise self.refusals[call]

    def setwarnings(self, value):
        """Remember what was asked for."""
        self.warnings = value

    def setmode(self, mode):
        """Remember what was asked for."""
        self._refuse("setmode")
        self.mode = mode

    def setup(self, pin, direction, pull_up_down=None, initial=None):
        """Make a pin an input or an output."""
        self._refuse("setup")
        if direction == self.OUT:
            self.levels[pin] = int(initial)
        else:
            self.pulls[pin] = pull_up_down

    def input(self, pin):
        """Read a level."""
        self._refuse("input")
        return self.levels[pin]

    def output(self, pin, value):
        """Set a level."""
        self._refuse("output")
        self.levels[pin] = int(value)

    def add_event_detect(self, pin, edge, callback):
        """Remember who wants to be told."""
        self._refuse("add_event_detect")
        self.callbacks[pin] = (edge, callback)

    def cleanup(self, pin):
        """Remember what was let go of."""
        self.cleaned.append(pin)

    def drive(self, pin, level):
        """Change a level as the world does; whoever listens to such edges is told."""
        self.levels[pin] = level
        edge, callback = self.callbacks.get(pin, (None, None))
        if edge == self.BOTH or (edge == self.RISING and level):
            callback(pin)


@pytest.fixture
def clock():
    """Make an emulated clock that stands at 5 s."""
    return EmulatedClock(5 * SECOND_NS)


@pytest.fixture
def install(monkeypatch):
    """Return a function that puts a fake module in RPi.GPIO's place."""

    def put(gpio):
        monkeypatch.setitem(sys.modules, "RPi", types.ModuleType("RPi"))
        monkeypatch.setitem(sys.modules, "RPi.GPIO", gpio)
        return gpio

    return put


def test_pins_are_counted_as_broadcom_does_and_let_go_of_alone(install, clock):
    """BCM numbers, no warnings on the screen, and at the end only the pins that were used are cleaned up."""
    gpio = install(FakeGpio())
    with open_pins(clock.boot_ns) as header:
        header.listen(BUTTON)
        header.expect(LINE)
        header.show(LED, is_high=True)
        assert gpio.cleaned == []
    assert (gpio.mode, gpio.warnings) == (gpio.BCM, False)
    assert gpio.cleaned == [BUTTON, LINE, LED]


def test_a_change_is_told_once_with_its_time(install, clock):
    """Edges between two looks come in their order, each with its own boot time, and only once."""
    gpio = install(FakeGpio())
    with open_pins(clock.boot_ns) as header:
        assert header.listen(BUTTON)
        assert gpio.pulls[BUTTON] == gpio.PUD_UP
        for level in (0, 1, 0):
            clock.advance(1_000_000)
            gpio.drive(BUTTON, level)
        clock.advance(50_000_000)
        assert header.changes() == [
            Change(5 * SECOND_NS + k * 1_000_000, BUTTON, is_high)
            for k, is_high in ((1, False), (2, True), (3, False))
        ]
        assert header.changes() == []
        assert header.hears_edges


def test_a_missed_edge_is_seen_at_the_next_look(install, clock):
    """A level that changed without a callback is told with the time of the look."""
    gpio = install(FakeGpio())
    with open_pins(clock.boot_ns) as header:
        header.listen(BUTTON)
        gpio.levels[BUTTON] = 0
        clock.advance(20_000_000)
        assert header.changes() == [Change(clock.boot_ns(), BUTTON, is_high=False)]
        assert header.changes() == []


def test_without_edges_the_level_is_read(install, clock):
    """Where RPi.GPIO hears no edges, a button still works, and says that it has to be looked at often."""
    gpio = install(FakeGpio({"add_event_detect": RuntimeError("Failed to add edge detection")}))
    with open_pins(clock.boot_ns) as header:
        header.listen(BUTTON)
        assert not header.hears_edges
        gpio.drive(BUTTON, 0)
        assert [change.is_high for change in header.changes()] == [False]


def test_an_interrupt_line_needs_edges(install, clock):
    """Without edges the line can not be waited for, and the reason names the package to change."""
    install(FakeGpio({"add_event_detect": RuntimeError("Failed to add edge detection")}))
    with open_pins(clock.boot_ns) as header, pytest.raises(PinsUnavailableError, match=r"GPIO22.*rpi-lgpio"):
        header.expect(LINE)


def test_waiting_ends_with_a_rise_or_the_time_out(install, clock):
    """A line that is high is not waited for; a rise during the wait ends it; else the time-out does."""
    gpio = install(FakeGpio())
    gpio.levels[LINE] = 0
    with open_pins(clock.boot_ns) as header:
        header.expect(LINE)
        assert gpio.pulls[LINE] == gpio.PUD_DOWN
        assert not header.wait_until_high(LINE, 1_000)
        gpio.drive(LINE, 1)
        assert header.wait_until_high(LINE, 60 * SECOND_NS)
        gpio.drive(LINE, 0)
        read = gpio.input
        gpio.input = lambda pin: (read(pin), gpio.drive(pin, 1))[0]  # it rises right after it was read
        assert header.wait_until_high(LINE, 60 * SECOND_NS)


def test_an_old_rise_does_not_end_a_wait(install, clock):
    """A rise from before the wait, whose line is low again, counts for nothing."""
    gpio = install(FakeGpio())
    with open_pins(clock.boot_ns) as header:
        header.expect(LINE)
        gpio.drive(LINE, 1)
        gpio.drive(LINE, 0)
        assert not header.wait_until_high(LINE, 1_000)


@pytest.mark.parametrize(
    ("pin", "words"), [(2, "data line of the I2C bus"), (3, "clock line"), (0, "add-on"), (28, "no GPIO28")]
)
def test_pins_that_have_another_task_are_refused(install, clock, pin, words):
    """The bus's own pins and those that do not exist are never touched."""
    gpio = install(FakeGpio())
    with open_pins(clock.boot_ns) as header:
        for use in (header.listen, header.expect, lambda number: header.show(number, is_high=False)):
            with pytest.raises(PinsUnavailableError, match=words):
                use(pin)
    assert (gpio.pulls, dict(gpio.levels), gpio.cleaned) == ({}, {}, [])


def test_a_pin_in_use_is_named(install, clock):
    """A pin that another program holds is named, with what to do."""
    install(FakeGpio({"setup": RuntimeError("GPIO busy")}))
    with (
        open_pins(clock.boot_ns) as header,
        pytest.raises(PinsUnavailableError, match=r"GPIO17: another program"),
    ):
        header.listen(BUTTON)


def test_lgpio_s_own_error_is_understood(install, clock, monkeypatch):
    """The module lgpio raises a class of its own, which is neither OSError nor RuntimeError."""
    lgpio = types.ModuleType("lgpio")
    lgpio.error = type("error", (Exception,), {})
    monkeypatch.setitem(sys.modules, "lgpio", lgpio)
    gpio = install(FakeGpio())
    with open_pins(clock.boot_ns) as header:
        header.listen(BUTTON)
        gpio.refusals["input"] = lgpio.error("'GPIO not allocated'")
        with pytest.raises(PinsUnavailableError, match="GPIO17: 'GPIO not allocated'"):
            header.changes()


def test_emulated_pins_tell_what_was_recorded(clock):
    """Recorded changes are told once their time has come, only those of pins that are listened to."""
    start_ns = clock.boot_ns()
    recorded = [Change(start_ns + 10, BUTTON, is_high=False), Change(start_ns + 20, LINE, is_high=True)]
    header = EmulatedPins(clock, recorded)
    assert header.listen(BUTTON)
    clock.advance(5)
    assert header.changes() == []
    clock.advance(50)
    assert header.changes() == recorded[:1]
    assert header.changes() == []


def test_an_emulated_wait_takes_emulated_time(clock):
    """The wait for a line ends when it rises, or after its time-out, on the emulated clock."""
    start_ns = clock.boot_ns()
    header = EmulatedPins(
        clock, [Change(0, LINE, is_high=False), Change(start_ns + 7_000_000, LINE, is_high=True)]
    )
    assert not header.wait_until_high(LINE, 5_000_000)
    assert clock.boot_ns() == start_ns + 5_000_000
    assert header.wait_until_high(LINE, 50_000_000)
    assert clock.boot_ns() == start_ns + 7_000_000
