"""Emulated pins: levels as a recording of them says, on an emulated clock, and a record of what was shown."""

from collections.abc import Callable, Iterable

from bedtick.firmware.clock import Clock
from bedtick.firmware.pins import Change

STEP_NS = 1_000_000  # a line that a chip drives is looked at this often


class EmulatedPins:
    """Pins that behave as `recorded` says; all are high before their first change, as with pull-ups.

    Parameters
    ----------
    clock
        What the recording's times are on.
    recorded
        Changes, rising in time.
    lines
        Pins that something else drives, such as a chip's interrupt: asked for their level.
    hears_edges
        False where only the level at each look is seen, as with a library that hears no edges.

    Attributes
    ----------
    shown
        What was shown on outputs, each with the time since when.
    is_open
        Whether `close` was not called yet.
    """

    def __init__(
        self,
        clock: Clock,
        recorded: Iterable[Change] = (),
        *,
        lines: dict[int, Callable[[], bool]] | None = None,
        hears_edges: bool = True,
    ) -> None:
        self.hears_edges = hears_edges
        self.shown: list[Change] = []
        self.is_open = True
        self._clock = clock
        self._recorded = list(recorded)
        self._lines = lines or {}
        self._levels: dict[int, bool] = {}
        self._told_ns = clock.boot_ns()

    def listen(self, pin: int) -> bool:
        """Return whether the pin is high now; from here on its changes are told."""
        self._levels[pin] = self.is_high(pin)
        return self._levels[pin]

    def changes(self) -> list[Change]:
        """Return what changed since the last call."""
        since_ns, self._told_ns = self._told_ns, self._clock.boot_ns()
        if self.hears_edges:
            return [
                change
                for change in self._recorded
                if change.pin in self._levels and since_ns < change.boot_ns <= self._told_ns
            ]
        now = {pin: self.is_high(pin) for pin in self._levels}
        found = [Change(self._told_ns, pin, high) for pin, high in now.items() if high != self._levels[pin]]
        self._levels = now
        return found

    def expect(self, pin: int) -> None:
        """Do nothing: every level can be waited for."""

    def wait_until_high(self, pin: int, timeout_ns: int) -> bool:
        """Let time pass until the pin is high, or for the time-out; tell whether it was high."""
        end_ns = self._clock.boot_ns() + timeout_ns
        while not self.is_high(pin):
            now_ns = self._clock.boot_ns()
            if now_ns >= end_ns:
                return False
            self._clock.sleep_until(min(now_ns + STEP_NS, end_ns))
        return True

    def show(self, pin: int, *, is_high: bool) -> None:
        """Write down what is shown from now on."""
        self.shown.append(Change(self._clock.boot_ns(), pin, is_high))

    def close(self) -> None:
        """Remember that the pins were let go of."""
        self.is_open = False

    def is_high(self, pin: int) -> bool:
        """Return the level of a pin now."""
        if pin in self._lines:
            return self._lines[pin]()
        now_ns = self._clock.boot_ns()
        levels = [
            change.is_high for change in self._recorded if change.pin == pin and change.boot_ns <= now_ns
        ]
        return levels[-1] if levels else True
