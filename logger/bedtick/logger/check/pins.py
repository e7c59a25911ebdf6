"""Whether the pins of the settings can be used; those that are not set are not touched."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from bedtick.firmware.clock import Clock
from bedtick.firmware.pin_trouble import PinsUnavailableError
from bedtick.firmware.pins import Pins
from bedtick.logger.check.finding import GOOD, WARNING, Finding
from bedtick.logger.settings import PinSettings

ABSENT = "nights go on without them"
HELD = "if nobody presses it, wire one that connects the pin to ground only while it is pressed"


def check_pins(
    wired: PinSettings,
    clock: Clock,
    open_header: Callable[[Callable[[], int]], AbstractContextManager[Pins]],
) -> Finding:
    """Set up the pins as the daemon would, and let go of them.

    Parameters
    ----------
    wired
        Which pins are used.
    clock
        The boot clock; on an emulated one there is no header.
    open_header
        As `bedtick.firmware.pins.open_pins`.
    """
    if not (wired.button or wired.led or wired.interrupt):
        return Finding("pins", GOOD, "not used")
    if not clock.is_real:
        return Finding("pins", GOOD, "not looked at: the emulated sensor has no header")
    try:
        with open_header(clock.boot_ns) as pins:
            return _set_up(wired, pins)
    except PinsUnavailableError as error:
        return Finding("pins", WARNING, str(error), ABSENT)


def _set_up(wired: PinSettings, pins: Pins) -> Finding:
    ready = []
    if wired.led:
        pins.show(wired.led, is_high=False)
        ready.append(f"light on GPIO{wired.led}")
    if wired.interrupt:
        pins.expect(wired.interrupt)
        ready.append(f"interrupt on GPIO{wired.interrupt}")
    if wired.button:
        if not pins.listen(wired.button):
            return Finding("pins", WARNING, f"the button on GPIO{wired.button} is down", HELD)
        ready.append(f"button on GPIO{wired.button}")
    return Finding("pins", GOOD, f"ready: {', '.join(ready)}")
