"""An emulated chip at work: its oscillator, its FIFO, and how far the two have come on the clock.

The oscillator runs freely on the given clock: the source begins when the chip first measures, and goes on
through standby, changes of settings and losses of power.
"""

from typing import Generic, Protocol, TypeVar

from bedtick.firmware.clock import Clock
from bedtick.firmware.emulator.chips.contract import Output
from bedtick.firmware.emulator.chips.ticks import Oscillator, Ticks


class Fifo(Protocol):
    """What takes in the ticks, whether it keeps sets, words or bytes."""

    @property
    def readable(self) -> int:
        """How much has not been read, in whatever it counts; 0 where it is empty."""

    def run(self, ticks: Ticks | None) -> None:
        """Go on with other ticks, or with none."""

    def catch_up(self, time_ns: int) -> None:
        """Take in the ticks up to `time_ns`."""


FifoT = TypeVar("FifoT", bound=Fifo)


class Measuring(Generic[FifoT]):
    """The state of one chip's sampling.

    Parameters
    ----------
    oscillator
        What makes the chip's ticks its own.
    clock
        The clock that the oscillator runs on.
    fifo
        Where its sets wait.

    Attributes
    ----------
    fifo
        May be replaced by an empty one, as a loss of power does.
    """

    def __init__(self, oscillator: Oscillator, clock: Clock, fifo: FifoT) -> None:
        self.fifo = fifo
        self._oscillator = oscillator
        self._clock = clock
        self._began_ns: int | None = None

    @property
    def ended(self) -> bool:
        """Whether the source has come to its end and every set of it was read or lost."""
        end_ns = self._oscillator.source.end_ns
        if end_ns is None or self._began_ns is None:
            return False
        self.catch_up()
        return self._clock.boot_ns() - self._began_ns >= end_ns and not self.fifo.readable

    def run(self, output: Output | None) -> None:
        """Measure with these settings from now on, or rest."""
        if output is None:
            self.fifo.run(None)
            return
        if self._began_ns is None:
            self._began_ns = self._clock.boot_ns()
        self.fifo.run(Ticks(self._oscillator, output, self._clock.boot_ns() - self._began_ns))

    def catch_up(self) -> None:
        """Take in the sets that have come until now."""
        if self._began_ns is not None:
            self.fifo.catch_up(self._clock.boot_ns() - self._began_ns)
