"""Samples one chip: drains its FIFO in time, counts what is lost, and goes on after every fault.

The sample index advances by what was read and by what was lost. How much was lost the chip does not
say: the sample clock does, since the oscillator kept running (`held_back` tells how). Every fault is one row
with its cost; a long silence, one row every 20 s. What may go wrong, and what is done:

| what | how it shows | what is done |
|---|---|---|
| overrun | the chip's overrun bit | the loss is counted, sampling goes on |
| stall | no new sample for 0.1 s | set up anew every 5 s; the loss is counted when samples come again |
| silence | no sample for 20 s | counted as lost so far, again and again: dead time must show |
| bus error | `BusError` | tried again, and more, by the table in `bedtick.firmware.retries` |
| another chip, or lost settings | `ChipError`, `ConfigurationLostError` | set up anew at once (same table) |

Drains are not quite regular: each comes at another fraction of a sample interval. Else, where an interval is
a whole number of samples, all counts would be cut off at the same place, and tell nothing of how the rest
of a sample is spent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bedtick.firmware.chips import Block, Chip
from bedtick.firmware.clock import Clock
from bedtick.firmware.errors import BusError, ChipError
from bedtick.firmware.retries import is_due, pause_s, treatment_of_error
from bedtick.firmware.sample_clock import SampleClock
from bedtick.logger.sampling.fault_log import FaultLog
from bedtick.logger.sampling.held_back import HeldBack
from bedtick.logger.store.batch import Batch

DRAIN_SHARE = 0.49  # of the FIFO's depth: a late wake-up still finds room, and few transfers carry many sets
LONGEST_PAUSE_NS = 50_000_000  # a slow chip is polled as often, for the sake of its times
GOLDEN = 0.618033988749895  # multiples of it fall evenly between whole numbers, however many there are
STALL_NS = 100_000_000
WAKE_NS = 5_000_000_000
SILENCE_NS = 20_000_000_000  # readers take a recording without a row for 30 s as ended
SILENCE_MARGIN_S = 1.0  # of a silence that goes on: more must not be counted than turns out to be lost

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
    others_wait
        Whether a fault that takes long costs other sensors samples.

    Attributes
    ----------
    trouble
        What is wrong at present, in words; empty while samples come.
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
        others_wait: Callable[[], bool] = lambda: False,
    ) -> None:
        self.trouble = ""
        self._chip = chip
        self._clock = clock
        self._set_up = set_up
        self._recorder = recorder
        self._times = times
        self._put = put
        self._others_wait = others_wait
        self._held_back = HeldBack(times, chip.fifo_depth)
        self._fault_log = FaultLog(log, clock)
        self._pause_ns = min(round(DRAIN_SHARE * chip.fifo_depth / times.rate_hz * 1e9), LONGEST_PAUSE_NS)
        self._uneven_ns = min(round(1e9 / times.rate_hz), self._pause_ns)
        self._remedy: Callable[[], None] | None = None  # to be done before the next drain
        self._polls = 0
        self._faults = 0
        self._last_new_ns = self._woken_ns = self._counted_ns = clock.boot_ns()
        self._due_ns = self.next_poll_ns = clock.boot_ns() + self._pause_ns

    def poll(self) -> None:
        """Drain the chip once, or note that it could not be done and when to try again."""
        try:
            block = self._drain()
        except (BusError, ChipError) as error:
            self._fail(error)
            self._count_long_silence()
            return
        self._schedule(self._due_ns + self._pause_ns)
        if block is None:
            return
        if self._faults:
            self._recover()
        if len(block.counts) or block.overrun:
            self._take(block)
        if not len(block.counts):
            self._wake()
            self._count_long_silence()

    def count_silence(self, at_least_ns: int) -> None:
        """Bring all to an end: let go of what is held back, and count the time since the last sample as lost.

        Silence is counted where it is at least so long.
        """
        self._let_go()
        if self._clock.boot_ns() - self._last_new_ns >= at_least_ns:
            self._lose_until_now(0.0)

    def _take(self, block: Block) -> None:
        self._note_gap(block)
        if len(block.counts):
            self._last_new_ns = block.boot_ns
            self.trouble = ""
        if self._held_back:
            self._held_back.add(block)
            if self._held_back.is_ripe(block.boot_ns):
                self._let_go()
        elif len(block.counts):
            self._times.observe(self._recorder.next_sample + block.produced, block.boot_ns, block.read_ns)
            self._hand_over(block.counts)

    def _note_gap(self, block: Block) -> None:
        """See whether samples are missing before this block; before the first of all none can be."""
        if self._recorder.next_sample == 0:
            return
        stalled_ns = block.boot_ns - self._last_new_ns
        if block.overrun:
            self._held_back.begin("overrun", "the FIFO was full before it was read")
        elif stalled_ns > STALL_NS + self._pause_ns:
            self._held_back.begin("stalled", f"no sample for {stalled_ns / 1e9:.2f} s")

    def _let_go(self) -> None:
        """Hand over what was held back, each stretch after the samples that were lost before it."""
        for lost, stretch in self._held_back.placed(self._recorder.next_sample):
            # A late host, a silence already counted, an overrun that shows twice: nothing more was lost.
            if lost or stretch.kind == "bus":
                self._put(self._recorder.lose(lost, stretch.kind, stretch.detail))
            first = self._recorder.next_sample
            for reading in stretch.readings:
                self._times.observe(first + reading.sample_count, reading.boot_ns, reading.read_ns)
            self._hand_over(np.concatenate(stretch.blocks))

    def _hand_over(self, counts: NDArray[np.int32]) -> None:
        if batch := self._recorder.take(counts):
            self._put(batch)

    def _count_long_silence(self) -> None:
        if self._clock.boot_ns() - max(self._last_new_ns, self._counted_ns) >= SILENCE_NS:
            self._let_go()
            self._lose_until_now(SILENCE_MARGIN_S)
            self._held_back.begin("silent", "the rest of a silence")

    def _lose_until_now(self, margin_s: float) -> None:
        """Count as lost what the sample clock says should have come by now, less some seconds' worth."""
        if self._recorder.next_sample == 0:
            return
        now_ns = self._counted_ns = self._clock.boot_ns()
        should_be = self._times.index_at(now_ns) + 1 - margin_s * self._times.rate_hz
        lost = int(should_be) - self._recorder.next_sample
        if lost > 0:
            silent_s = (now_ns - self._last_new_ns) / 1e9
            blame = self._held_back.blame() or ("silent", f"no sample for {silent_s:.0f} s")
            self._put(self._recorder.lose(lost, *blame))

    def _fail(self, error: BusError | ChipError) -> None:
        self._faults += 1
        self.trouble = str(error)
        treatment = treatment_of_error(error)
        self._fault_log.trouble(treatment.name, self.trouble)
        if self._recorder.next_sample > 0:
            self._held_back.begin("bus", self.trouble)
        if self._held_back.is_ripe(self._clock.boot_ns()):
            self._let_go()
        # A remedy that failed stays due: it may have left the chip half set up.
        if is_due(treatment.set_up_at, self._faults):
            self._remedy = self._set_up
        elif self._remedy is None and is_due(treatment.restart_at, self._faults):
            self._remedy = self._chip.start
        is_slow = treatment.is_slow and self._others_wait()
        self._schedule(self._clock.boot_ns() + round(pause_s(self._faults, is_slow=is_slow) * 1e9))

    def _drain(self) -> Block | None:
        """Return what the FIFO holds; None where the chip had to be set up first."""
        if self._remedy is None:
            return self._chip.drain()
        self._remedy()
        self._remedy = None
        return None

    def _wake(self) -> None:
        """Set up anew a chip that answers but gives no samples: it may have fallen asleep."""
        now_ns = self._clock.boot_ns()
        if now_ns - max(self._last_new_ns, self._woken_ns) >= WAKE_NS:
            self._woken_ns = now_ns
            self.trouble = "the chip answers but gives no samples"
            self._fault_log.trouble("stalled", self.trouble)
            self._remedy = self._set_up

    def _recover(self) -> None:
        self._fault_log.good_news(f"the chip answers again, after {self._faults} faults")
        self._faults = 0

    def _schedule(self, due_ns: int) -> None:
        self._due_ns = max(due_ns, self._clock.boot_ns())
        self._polls += 1
        self.next_poll_ns = self._due_ns + round(self._polls * GOLDEN % 1.0 * self._uneven_ns)
