"""Waiting for a chip's interrupt line instead of for the time of the next drain.

The line is high while about half of the FIFO waits to be read; by the clock a drain comes when nearly as
much should be waiting. So there is little to gain: a chip that runs slower than it should is not asked too
early, and that is all, since sample times come from the sample clock either way. Where half of the FIFO takes
longer than `LONGEST_RISE_NS` there is nothing to gain: by the clock a drain comes sooner.

The wait for the line begins when the drain is due by the clock, and ends at one and a half times as long as
the line needs to rise. So a line that is always high is the clock's own pace; one that never rises still
leaves room in the FIFO, and after `MOST_IN_VAIN` of those in a row the clock alone is believed. A pause after
a fault is slept through: a full FIFO, which holds the line high, must not cut it short.

The line rises with a sample, so drains right after it would all see the same fraction of a sample interval,
and the sample clock would be off by half a sample. Each comes another fraction later instead, as in
`sampler`.
"""

from __future__ import annotations

import logging

from bedtick.firmware.chips import Chip
from bedtick.firmware.clock import Clock
from bedtick.firmware.pin_trouble import PinsUnavailableError
from bedtick.firmware.pins import Pins
from bedtick.logger.sampling.sampler import GOLDEN

WATERMARK_SHARE = 0.5  # of the FIFO's depth: there the drivers have the line rise
LONGEST_RISE_NS = 40_000_000
PATIENCE = 1.5  # times the time that the line needs to rise
MOST_IN_VAIN = 20  # about a second

log = logging.getLogger(__name__)


class InterruptClock:
    """A clock whose waits for the next drain end with a rise of the interrupt line.

    Parameters
    ----------
    clock
        What time is told by, and slept by where the line is no help.
    pins, pin
        The line; `expect` was called for it.
    rise_ns
        How long after a drain the line rises. After one and a half times that the drain comes anyway.
    sample_ns
        The interval between two samples.
    """

    def __init__(self, clock: Clock, pins: Pins, pin: int, *, rise_ns: int, sample_ns: int) -> None:
        self.is_real = clock.is_real
        self._clock = clock
        self._pins: Pins | None = pins
        self._pin = pin
        self._latest_ns = round(PATIENCE * rise_ns)
        self._sample_ns = sample_ns
        self._drained_ns = clock.boot_ns()
        self._rises = 0
        self._in_vain = 0

    def boot_ns(self) -> int:
        """Return nanoseconds since boot."""
        return self._clock.boot_ns()

    def sleep_until(self, boot_ns: int) -> None:
        """Return when the chip is to be drained, at `boot_ns` or some time after it."""
        self._clock.sleep_until(boot_ns)
        left_ns = self._drained_ns + self._latest_ns - self.boot_ns()
        if self._pins is not None and left_ns > 0:
            self._wait(self._pins, left_ns)
        self._drained_ns = self.boot_ns()

    def _wait(self, pins: Pins, timeout_ns: int) -> None:
        before_ns = self.boot_ns()
        try:
            rose = pins.wait_until_high(self._pin, timeout_ns)
        except PinsUnavailableError as error:
            self._give_up(str(error))
            return
        if rose and self.boot_ns() - before_ns > self._sample_ns // 10:  # it was not high before
            self._rises += 1
            self._clock.sleep_until(self.boot_ns() + round(self._rises * GOLDEN % 1.0 * self._sample_ns))
        self._in_vain = 0 if rose else self._in_vain + 1
        if self._in_vain == MOST_IN_VAIN:
            self._give_up("never rises")

    def _give_up(self, reason: str) -> None:
        self._pins = None
        log.warning(
            "interrupt line on GPIO%d: %s; the sensor is read by the clock instead, and nothing is lost. "
            "Check the wire, or set pins.interrupt to 0",
            self._pin,
            reason,
        )


def with_interrupt(clock: Clock, pins: Pins | None, pin: int, chip: Chip, rate_hz: float) -> Clock:
    """Return a clock that waits for a chip's interrupt line; the same clock where that can not be.

    Parameters
    ----------
    clock
        What the daemon sleeps by.
    pins
        The header; None where it is not available.
    pin
        Where the line is wired to, a BCM number; 0 for nowhere.
    chip, rate_hz
        The one chip that is drained, and its rate.
    """
    if pin == 0 or pins is None:
        return clock
    if chip.interrupt_pin is None:
        log.warning("pins.interrupt = %d is of no use: the %s has no pin for it; set it to 0", pin, chip.name)
        return clock
    rise_ns = round(WATERMARK_SHARE * chip.fifo_depth / rate_hz * 1e9)
    if rise_ns > LONGEST_RISE_NS:
        log.warning(
            "pins.interrupt = %d is of no use with the %s at %g Hz: it is read by the clock before its line "
            "would rise; set it to 0", pin, chip.name, rate_hz,
        )  # fmt: skip
        return clock
    try:
        pins.expect(pin)
    except PinsUnavailableError as error:
        log.warning("interrupt line: %s; the sensor is read by the clock instead, and nothing is lost", error)
        return clock
    log.info("drains wait for the chip's pin %s on GPIO%d", chip.interrupt_pin, pin)
    return InterruptClock(clock, pins, pin, rise_ns=rise_ns, sample_ns=round(1e9 / rate_hz))
