"""The pins of a Raspberry Pi's header, through RPi.GPIO's interface; the only module that imports it.

Two packages offer that interface: rpi-lgpio, which asks the kernel, and RPi.GPIO, which reaches past it and
knows neither a Pi 5 nor how to hear edges on Linux 6.6 and later. Either is used as found; a night needs
neither. Both install the same module `RPi.GPIO`, so the last one installed hides the other.

Pins are numbered as Broadcom does (BCM: "GPIO17"). Edges are told on a thread of the library's own: they are
queued here with their boot time and handed out by `changes`. The library's own bounce time is left alone, for
the two packages mean different things by it. Where edges cannot be heard, and in case one was missed, each
`changes` also reads the level.
"""

import importlib
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, chdir, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

from bedtick.firmware.pin_trouble import PinsUnavailableError, in_words, library_errors

RESERVED = {
    0: "is kept for add-on boards",
    1: "is kept for add-on boards",
    2: "is the data line of the I2C bus",
    3: "is the clock line of the I2C bus",
}
HIGHEST = 27  # the header has GPIO0 to GPIO27


@dataclass(frozen=True)
class Change:
    """A pin's level from a boot time on."""

    boot_ns: int
    pin: int
    is_high: bool


class Pins(Protocol):
    """Pins by their BCM numbers. Every method raises `PinsUnavailableError` where the library refuses.

    Attributes
    ----------
    hears_edges
        Whether changes between two looks are told; else a short one may be missed.
    """

    hears_edges: bool

    def listen(self, pin: int) -> bool:
        """Make a pin an input with a pull-up, whose changes are told; return whether it is high now."""

    def changes(self) -> list[Change]:
        """Return what changed since the last call on the pins listened to."""

    def expect(self, pin: int) -> None:
        """Make a pin an input with a pull-down, for `wait_until_high`; it must be able to hear edges."""

    def wait_until_high(self, pin: int, timeout_ns: int) -> bool:
        """Return as soon as the pin is high, or after the time-out; tell whether it was high."""

    def show(self, pin: int, *, is_high: bool) -> None:
        """Drive a pin, which becomes an output."""

    def close(self) -> None:
        """Let go of the pins that were used; an output goes dark."""


class HeaderPins:
    """The pins of this machine; `open_pins` makes one.

    Parameters
    ----------
    gpio
        The module `RPi.GPIO`, in BCM mode.
    boot_ns
        The machine's own boot clock.
    """

    def __init__(self, gpio: Any, boot_ns: Callable[[], int]) -> None:
        self.hears_edges = True
        self._gpio = gpio
        self._boot_ns = boot_ns
        self._queue: deque[Change] = deque()
        self._levels: dict[int, bool] = {}
        self._rises: dict[int, threading.Event] = {}
        self._outputs: set[int] = set()

    def listen(self, pin: int) -> bool:
        """Make a pin an input with a pull-up, whose changes are told; return whether it is high now."""
        _refuse_reserved(pin)
        with _in_words(pin):
            self._gpio.setup(pin, self._gpio.IN, pull_up_down=self._gpio.PUD_UP)
            self._levels[pin] = self._is_high(pin)
        try:
            with _in_words(pin):
                self._gpio.add_event_detect(pin, self._gpio.BOTH, callback=self._queue_change)
        except PinsUnavailableError:
            self.hears_edges = False  # reading the level at each look is enough for a button
        return self._levels[pin]

    def changes(self) -> list[Change]:
        """Return what changed since the last call on the pins listened to."""
        found = []
        while self._queue:
            found.append(self._queue.popleft())
        self._levels.update({change.pin: change.is_high for change in found})
        for pin, known in self._levels.items():
            with _in_words(pin):
                is_high = self._is_high(pin)
            if is_high != known:
                found.append(Change(self._boot_ns(), pin, is_high))
                self._levels[pin] = is_high
        return found

    def expect(self, pin: int) -> None:
        """Make a pin an input with a pull-down, for `wait_until_high`; it must be able to hear edges."""
        _refuse_reserved(pin)
        rise = self._rises[pin] = threading.Event()
        with _in_words(pin):
            self._gpio.setup(pin, self._gpio.IN, pull_up_down=self._gpio.PUD_DOWN)
            self._gpio.add_event_detect(pin, self._gpio.RISING, callback=lambda _pin: rise.set())

    def wait_until_high(self, pin: int, timeout_ns: int) -> bool:
        """Return as soon as the pin is high, or after the time-out; tell whether it was high."""
        rise = self._rises[pin]
        rise.clear()  # before the level is read: a rise in between is not slept through
        with _in_words(pin):
            is_high = self._is_high(pin)
        return is_high or rise.wait(timeout_ns / 1e9)

    def show(self, pin: int, *, is_high: bool) -> None:
        """Drive a pin, which becomes an output."""
        with _in_words(pin):
            if pin in self._outputs:
                self._gpio.output(pin, is_high)
                return
            _refuse_reserved(pin)
            self._gpio.setup(pin, self._gpio.OUT, initial=is_high)
            self._outputs.add(pin)

    def close(self) -> None:
        """Let go of the pins that were used; an output goes dark, for it becomes an input."""
        used = {*self._levels, *self._rises, *self._outputs}
        for pin in sorted(used):  # never all pins at once: others may be using theirs
            with suppress(PinsUnavailableError), _in_words(pin):
                self._gpio.cleanup(pin)
        self._levels.clear()
        self._rises.clear()
        self._outputs.clear()

    def _is_high(self, pin: int) -> bool:
        return bool(self._gpio.input(pin))

    def _queue_change(self, pin: int) -> None:
        """Take an edge, on the library's thread. Its level is read late, but the last of a burst is right."""
        boot_ns = self._boot_ns()
        self._queue.append(Change(boot_ns, pin, self._is_high(pin)))


@contextmanager
def open_pins(boot_ns: Callable[[], int]) -> Iterator[HeaderPins]:
    """Load whichever package is there and make it count as Broadcom does; the pins are let go of at the end.

    Parameters
    ----------
    boot_ns
        The machine's own boot clock.

    Raises
    ------
    PinsUnavailableError
        With the reason and what to do, in one line.
    """
    with ExitStack() as held:
        with _in_words():
            # lgpio leaves a pipe in the folder it is imported in, and fails where that can not be written, as
            # in "/" under systemd.
            folder = tempfile.TemporaryDirectory(prefix="bedtick-pins-", ignore_cleanup_errors=True)
            with chdir(held.enter_context(folder)):
                gpio = importlib.import_module("RPi.GPIO")
            gpio.setwarnings(False)
            gpio.setmode(gpio.BCM)
        pins = HeaderPins(gpio, boot_ns)
        held.callback(pins.close)
        yield pins


def _refuse_reserved(pin: int) -> None:
    if pin in RESERVED:
        raise PinsUnavailableError(f"GPIO{pin} {RESERVED[pin]}: choose another pin, such as 17")
    if not 0 <= pin <= HIGHEST:
        raise PinsUnavailableError(
            f"there is no GPIO{pin}: choose 4 to {HIGHEST}, by BCM number and not by place on the header"
        )


@contextmanager
def _in_words(pin: int | None = None) -> Iterator[None]:
    """Turn what the library raises into a PinsUnavailableError that says what to do."""
    try:
        yield
    except library_errors() as error:
        raise PinsUnavailableError(in_words(error, pin)) from error
