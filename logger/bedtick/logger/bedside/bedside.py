"""What a person touches and sees at the bed: the marker button and the status light.

`poll` is called like a sampler's, when `next_poll_ns` has come. It is never in the way of a night: pins that
can not be used are named once in the log, and the night goes on without them.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from bedtick.firmware.clock import Clock
from bedtick.firmware.pin_trouble import PinsUnavailableError
from bedtick.firmware.pins import Change, Pins, open_pins
from bedtick.logger.bedside.button import NEVER_NS, Button
from bedtick.logger.bedside.led import StatusLight
from bedtick.logger.bedside.markers import Lights

LOOK_NS = 100_000_000  # presses are heard meanwhile: only the answer waits
LOOK_AT_LEVEL_NS = 20_000_000  # where no edges are heard a press must last from one look to the next

log = logging.getLogger(__name__)


class Bedside:
    """The button and the light.

    Parameters
    ----------
    pins
        The header; None where it is not available.
    clock
        The clock that `poll` goes by.
    button, led
        BCM numbers; 0 for none.
    put_marker
        Takes a marker's kind and boot time; False where no recording runs yet that could take it: then it is
        offered again.
    is_trouble
        Whether something is wrong that a person could mend.
    """

    def __init__(
        self,
        pins: Pins | None,
        clock: Clock,
        *,
        button: int,
        led: int,
        put_marker: Callable[[str, int], bool],
        is_trouble: Callable[[], bool],
    ) -> None:
        self.next_poll_ns = NEVER_NS
        self._pins = pins
        self._clock = clock
        self._button_pin = button
        self._led_pin = led
        self._put_marker = put_marker
        self._is_trouble = is_trouble
        self._button = Button()
        self._light = StatusLight()
        self._lights = Lights()
        self._is_lit = False
        self._waiting: deque[tuple[str, int]] = deque()  # markers that no recording could take yet
        if pins is not None and (button or led):
            self._guarded(self._begin, pins)

    def poll(self) -> None:
        """Take what was pressed, and show what is to be shown."""
        if self._pins is not None:
            self._guarded(self._look, self._pins)

    def _begin(self, pins: Pins) -> None:
        if self._led_pin:
            pins.show(self._led_pin, is_high=False)
        if self._button_pin:
            is_up = pins.listen(self._button_pin)
            if not is_up:
                log.warning(
                    "the button on GPIO%d is down already and counts once it is let go; if nobody holds it, "
                    "wire one that connects the pin to ground only while it is pressed", self._button_pin,
                )  # fmt: skip
        self.next_poll_ns = self._clock.boot_ns()

    def _look(self, pins: Pins) -> None:
        now_ns = self._clock.boot_ns()
        if self._button_pin:
            self._hear(pins.changes(), now_ns)
        while self._waiting and self._put_marker(*self._waiting[0]):
            self._waiting.popleft()
        if self._led_pin:
            self._show(pins, now_ns, is_trouble=self._is_trouble())
        look_ns = LOOK_NS if pins.hears_edges else LOOK_AT_LEVEL_NS
        self.next_poll_ns = min(now_ns + look_ns, self._button.due_ns, self._light.due_ns)

    def _hear(self, changes: list[Change], now_ns: int) -> None:
        presses = [press for c in changes for press in self._button.change(c.boot_ns, is_down=not c.is_high)]
        for press in [*presses, *self._button.look(now_ns)]:
            kind = self._lights.kind_of(press)
            log.info("marked: %s", kind)
            self._waiting.append((kind, press.boot_ns))
            self._light.answer(kind, now_ns)

    def _show(self, pins: Pins, now_ns: int, *, is_trouble: bool) -> None:
        is_lit = self._light.is_lit(now_ns, is_trouble=is_trouble)
        if is_lit != self._is_lit:
            pins.show(self._led_pin, is_high=is_lit)
            self._is_lit = is_lit

    def _guarded(self, act: Callable[[Pins], None], pins: Pins) -> None:
        """Do something with the pins; where they refuse, say so and leave them alone from then on."""
        try:
            act(pins)
        except PinsUnavailableError as error:
            log.warning("%s; the night goes on without button and light", error)
            self._pins, self.next_poll_ns = None, NEVER_NS


@contextmanager
def header(clock: Clock, *wanted: int) -> Iterator[Pins | None]:
    """Open the header where a wanted pin is not 0; yield None where there is none, or it is not available.

    Presses are heard from `Bedside` on, so that should be the first thing a night does. On emulated time
    there is no header: what a person presses has no time there.
    """
    with ExitStack() as held:
        pins: Pins | None = None
        if any(wanted) and clock.is_real:
            try:
                pins = held.enter_context(open_pins(clock.boot_ns))
            except PinsUnavailableError as error:
                log.warning("%s; the night goes on without them", error)
        yield pins
