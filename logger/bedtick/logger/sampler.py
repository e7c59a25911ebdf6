"""Samples one chip: drains its FIFO in time, counts what is lost, and goes on after every fault.

The sample index advances by what was read and by what was lost. How much was lost the chip does not
say: the sample clock does, since the oscillator kept running. What may go wrong, and what is done:

| what | how it shows | what is done |
|---|---|---|
| overrun | the chip's overrun bit | the loss is counted from the sample clock, sampling goes on |
| stall | no new sample for 0.1 s | nothing until samples come again, then as an overrun |
| silence | no sample for 20 s | counted as lost so far, again and again: dead time must show |
| bus error | BusError | tried again after a pause; at the third in a row the chip is set up anew |
| chip forgot its settings | ConfigurationLostError | set up anew at once |
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bedtick.firmware.chips import Block, Chip
from bedtick.firmware.clock import Clock
from bedtick.firmware.errors import BusError, ChipError, ConfigurationLostError
from bedtick.firmware.sample_clock import SampleClock
from bedtick.logger.store.batch import Batch

DRAIN_SHARE = 0.4  # of the FIFO's depth: a late wake-up still finds room
LONGEST_PAUSE_NS = 50_000_000  # a slow chip is polled as often, for the sake of its times
STALL_NS = 100_000_000
SILENCE_NS = 20_000_000_000  # readers take a recording without a row for 30 s as ended
RETRY_NS = (50_000_000, 200_000_000, 1_000_000_000)  # pauses after faults in a row; the last goes on
SET_UP_ANEW_AFTER = 3
REMIND_EVERY = 600  # faults in a row, a second apart: 10 minutes

log = logging.getLogger(__name__)


class SampleTaker(Protocol):
    """Where samples go: a `Recorder`, or whoever else listens to a chip."""

    @property
    def next_sample(self) -> int:
        """Index that the next sample will have."""

    def take(self, counts: NDArray[np.int32]) -> Batch:
        """Take samples, (n, 3) counts, that follow the last ones without a gap."""

    def lose(self, lost: int, kind: str, detail: str) -> Batch:
        """Note that `lost` samples never came; the fault says why. 0 notes a fault without a loss."""


class Sampler:
    """One chip and its recorder; `poll` is called when `next_poll_ns` has come.

    Parameters
    ----------
    chip
        Configured and started.
    clock
        The boot clock that drains are timed by.
    set_up
        Identifies, configures and starts the chip anew after it was lost.
    recorder, times
        Where samples go, and the sample clock that the recorder reads its times from.
    put
        Takes each batch of rows.
    """

    def __init__(
        self,
        chip: Chip,
        clock: Clock,
        *,
        set_up: Callable[[], None],
        recorder: SampleTaker,
        times: SampleClock,
        put: Callable[[Batch], None],
    ) -> None:
        self._chip = chip
        self._clock = clock
        self._set_up = set_up
        self._recorder = recorder
        self._times = times
        self._put = put
        self._pause_ns = min(round(DRAIN_SHARE * chip.fifo_depth / times.rate_hz * 1e9), LONGEST_PAUSE_NS)
        self._last_new_ns = clock.boot_ns()
        self._counted_ns = 0  # boot time up to which silence is counted
        self._faults = 0
        self._lost_touch = False
        self.next_poll_ns = clock.boot_ns() + self._pause_ns

    def poll(self) -> None:
        """Drain the chip once, or note that it could not be done and when to try again."""
        try:
            block = self._chip.drain()
        except BusError as error:
            self._fail(error)
            self.count_silence(SILENCE_NS)
            return
        self.next_poll_ns = max(self.next_poll_ns + self._pause_ns, self._clock.boot_ns())
        if self._faults:
            self._recover()
        if len(block.counts):
            self._take(block)
        else:
            self.count_silence(SILENCE_NS)

    def count_silence(self, at_least_ns: int) -> None:
        """Count the time since the last sample as lost, where it is at least so long."""
        silent_ns = self._clock.boot_ns() - max(self._last_new_ns, self._counted_ns)
        if self._recorder.next_sample == 0 or silent_ns < at_least_ns:
            return
        self._counted_ns = self._clock.boot_ns()
        lost = self._missing(self._counted_ns, 0)
        if lost > 1:
            self._put(self._recorder.lose(lost, "silent", f"no sample for {silent_ns / 1e9:.0f} s"))

    def _take(self, block: Block) -> None:
        stalled_ns = block.boot_ns - self._last_new_ns
        if block.overrun:
            self._count_loss(block, "overrun", "the FIFO was full before it was read")
        elif self._lost_touch or stalled_ns > STALL_NS + self._pause_ns:
            self._count_loss(block, "stalled", f"no sample for {stalled_ns / 1e9:.2f} s")
        self._lost_touch = False
        # A full FIFO holds one set more than it counts: no evidence, but for the first sample's time.
        if not block.overrun or self._recorder.next_sample == 0:
            self._times.observe(self._recorder.next_sample + block.produced, block.boot_ns, block.read_ns)
        self._last_new_ns = block.boot_ns
        if batch := self._recorder.take(block.counts):
            self._put(batch)

    def _count_loss(self, block: Block, kind: str, detail: str) -> None:
        """Move the index to where the sample clock says that this block begins."""
        if self._recorder.next_sample == 0:
            return  # nothing came before that could be missed
        lost = self._missing(block.boot_ns, block.produced)
        # Without an overrun, one sample is within what the sample clock can be wrong by.
        if lost > 1 or block.overrun:
            self._put(self._recorder.lose(lost, kind, detail))

    def _missing(self, boot_ns: int, waiting: int) -> int:
        """Return how many samples there should be at a time, by the sample clock, beyond those known of."""
        return max(round(self._times.index_at(boot_ns) + 0.5) - self._recorder.next_sample - waiting, 0)

    def _fail(self, error: BusError) -> None:
        if self._faults % REMIND_EVERY == 0:
            log.warning("%s; trying again", error)
        if self._faults == 0 and self._recorder.next_sample > 0:
            self._put(self._recorder.lose(0, "bus", str(error)))
        self._faults += 1
        self._lost_touch = True  # what the transfer took from the FIFO is gone, with no overrun to show it
        pause_ns = RETRY_NS[min(self._faults, len(RETRY_NS)) - 1]
        is_due = isinstance(error, ConfigurationLostError) or self._faults % SET_UP_ANEW_AFTER == 0
        if is_due and self._is_set_up_again():
            pause_ns = self._pause_ns  # it measures again: any longer and its FIFO would run over
        self.next_poll_ns = self._clock.boot_ns() + pause_ns

    def _is_set_up_again(self) -> bool:
        try:
            self._set_up()
        except (BusError, ChipError) as error:
            log.debug("not yet: %s", error)
            return False
        return True

    def _recover(self) -> None:
        log.warning("the chip answers again, after %d faults", self._faults)
        self._faults = 0
