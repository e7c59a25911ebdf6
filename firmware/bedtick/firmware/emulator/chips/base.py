"""What all emulated chips share: how they are put into a world, and how they lose and regain their power."""

from abc import ABC, abstractmethod
from typing import ClassVar, Generic

from bedtick.firmware.clock import Clock
from bedtick.firmware.emulator.chips.measuring import FifoT, Measuring
from bedtick.firmware.emulator.chips.ticks import Oscillator
from bedtick.firmware.emulator.faults import Faults
from bedtick.firmware.emulator.sources import Source

ROOM_C = 21.0


class ChipBase(ABC, Generic[FifoT]):
    """A chip with power; what its registers do is told by each chip's own class.

    Parameters
    ----------
    source
        What the chip feels.
    clock
        The clock its oscillator runs on.
    rate_error
        By what fraction the oscillator is faster than nominal.
    seed
        Seed of the chip's own noise.
    identity
        What the identity register reads, None for the usual value.

    Attributes
    ----------
    faults
        Switches, none of them set at first; an adapter may share them.
    temperature_c
        What its thermometer shows, where it has one.
    """

    usual_identity: ClassVar[int]

    def __init__(
        self,
        source: Source,
        clock: Clock,
        *,
        rate_error: float = 0.0,
        seed: int = 0,
        identity: int | None = None,
    ) -> None:
        self.faults = Faults()
        self.temperature_c = ROOM_C
        self._clock = clock
        self._rate_error = rate_error
        self._own_identity = self.usual_identity if identity is None else identity
        self._measuring = Measuring(Oscillator(source, rate_error, seed), clock, self._empty_fifo())
        self._pointer = 0
        self._power_up()

    @property
    def ended(self) -> bool:
        """Whether the source has come to its end and every set of it was read or lost."""
        return self._measuring.ended

    def lose_power(self) -> None:
        """Come back as after an interrupted supply: reset values, at rest, empty FIFO."""
        self._power_up()

    @property
    def _identity(self) -> int:
        """What the identity register shows: the chip's own value, or a wrong one."""
        return self._own_identity if self.faults.identity is None else self.faults.identity

    @abstractmethod
    def _power_up(self) -> None:
        """Take the values that the registers have after power-up."""

    @abstractmethod
    def _empty_fifo(self) -> FifoT:
        """Return the FIFO as it is after power-up."""
