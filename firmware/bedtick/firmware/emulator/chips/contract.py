"""What every emulated chip offers to its bus and to whoever runs it."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bedtick.firmware.clock import Clock
from bedtick.firmware.emulator.faults import Faults
from bedtick.firmware.emulator.sources import Source


class EmulatedChip(Protocol):
    """A chip at register level, behind an emulated adapter.

    Attributes
    ----------
    faults
        Switches, none of them set at first; an adapter may share them.
    temperature_c
        What its thermometer shows, where it has one.
    """

    faults: Faults
    temperature_c: float

    def __init__(
        self,
        source: Source,
        clock: Clock,
        *,
        rate_error: float = 0.0,
        seed: int = 0,
        identity: int | None = None,
    ) -> None:
        """Power up at rest; `identity` is what the identity register reads, None for the usual value."""

    @property
    def ended(self) -> bool:
        """Whether the source has come to its end and every set of it was read or lost."""

    def lose_power(self) -> None:
        """Come back as after an interrupted supply: reset values, standby, empty FIFO."""

    def write(self, data: bytes) -> None:
        """Take what a write message carries: the register pointer, then values."""

    def read(self, length: int) -> bytes:
        """Give `length` bytes from the register pointer on, with everything that reading them does."""


class Output(Protocol):
    """How a chip, as its settings stand, turns acceleration into the bytes of its sets.

    Attributes
    ----------
    rate_hz
        The nominal rate of its sets.
    row_bytes
        Bytes of one set.
    """

    @property
    def rate_hz(self) -> float:
        """The nominal rate of its sets."""

    @property
    def row_bytes(self) -> int:
        """Bytes of one set."""

    def encode(self, acc_g: NDArray[np.float64], rng: np.random.Generator | None) -> bytes:
        """Return sets for acceleration (n, 3) in g; no noise is added without `rng`."""
