"""The emulated chip, part of the product: the same daemon runs on it, fed by a mattress or a recording."""

from dataclasses import dataclass

from bedtick.firmware.bus import I2CBus
from bedtick.firmware.clock import Clock
from bedtick.firmware.emulator.bus import EmulatedAdapter
from bedtick.firmware.emulator.chips import EMULATED_CHIPS, EmulatedChip
from bedtick.firmware.emulator.clock import EmulatedClock
from bedtick.firmware.emulator.faults import Faults
from bedtick.firmware.emulator.mattress import Mattress
from bedtick.firmware.emulator.night import TrueEvent
from bedtick.firmware.emulator.sources import RecordingSource, Source, Still
from bedtick.firmware.emulator.taps import TappedMattress
from bedtick.firmware.errors import SettingsError

__all__ = [
    "EmulatedAdapter",
    "EmulatedChip",
    "EmulatedClock",
    "EmulatedRig",
    "Faults",
    "Mattress",
    "RecordingSource",
    "Source",
    "Still",
    "TappedMattress",
    "TrueEvent",
    "build_emulator",
]


@dataclass(frozen=True)
class EmulatedRig:
    """A bus with one emulated chip on it; `address` is where the chip answers."""

    bus: I2CBus
    chip: EmulatedChip
    adapter: EmulatedAdapter
    faults: Faults
    address: int


def build_emulator(
    source: Source,
    clock: Clock,
    *,
    chip: str = "adxl345",
    multi_read: bool = True,
    rate_error: float = 0.0,
    seed: int = 0,
) -> EmulatedRig:
    """Put an emulated chip on an emulated bus.

    Parameters
    ----------
    source
        What the chip feels: a `Mattress`, a `RecordingSource`, `Still`.
    clock
        An `EmulatedClock` to run as fast as the work allows, or the system's clock.
    chip
        The name of the chip; raises `SettingsError` for one that is not emulated.
    multi_read
        Whether the bus takes several reads in one transaction, as on a Pi 5.
    rate_error
        By what fraction the chip's oscillator is faster than nominal; no effect on a recording.
    seed
        Seed of the chip's own noise.
    """
    if chip not in EMULATED_CHIPS:
        raise SettingsError(f"chip {chip}: there is no emulation of it; choose {', '.join(EMULATED_CHIPS)}")
    kind, address = EMULATED_CHIPS[chip]
    device = kind(source, clock, rate_error=rate_error, seed=seed)
    adapter = EmulatedAdapter({address: device}, clock, multi_read=multi_read, faults=device.faults)
    return EmulatedRig(I2CBus(adapter, "emulated"), device, adapter, device.faults, address)
