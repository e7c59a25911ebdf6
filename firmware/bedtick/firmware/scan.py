"""Which accelerometers answer on a bus, and what else does, found without harm to other devices.

A scan looks only at the addresses that a known chip may have. At each it asks the drivers that know the
address, and a driver reads nothing but its identity register. An address that a kernel driver owns is left
alone. So one look at an address has four ends:

| end | what answered |
|---|---|
| found | a known chip, by its identity |
| stranger | something else: a clock module has an address that an accelerometer may have too |
| owned | nobody was asked: the kernel uses this address |
| silent | nothing |

A bus that is stuck ends the scan at once, since every further address would take its time-out.
"""

import errno
from collections.abc import Sequence
from dataclasses import dataclass

from bedtick.firmware.bus import I2CBus
from bedtick.firmware.chips import CHIPS, Chip, Identity
from bedtick.firmware.clock import Clock
from bedtick.firmware.errors import BusError, ChipError, SettingsError
from bedtick.firmware.linux_i2c import owned_words

LIKELY_STRANGERS = {0x68: "a clock module such as the DS3231 has this address too"}


@dataclass(frozen=True)
class Found:
    """A known chip that answered; its driver has sent it nothing but the question who it is."""

    chip: Chip
    address: int
    identity: Identity


@dataclass(frozen=True)
class Stranger:
    """Something that answers and is no known chip; `sentence` tells its address and identity byte."""

    address: int
    sentence: str


@dataclass(frozen=True)
class Owned:
    """An address that a driver of the kernel uses, with the driver's name."""

    address: int
    driver: str


@dataclass(frozen=True)
class Scan:
    """What one scan of a bus saw; each tuple is in the order in which bedtick prefers the chips.

    Attributes
    ----------
    bus_name
        As a person knows it: "/dev/i2c-1".
    wanted
        The names of the chips that were looked for.
    """

    bus_name: str
    wanted: tuple[str, ...]
    found: tuple[Found, ...]
    strangers: tuple[Stranger, ...]
    owned: tuple[Owned, ...]
    silent: tuple[int, ...]


def scan(bus: I2CBus, clock: Clock, *, chip: str = "auto", address: int = 0) -> Scan:
    """Look for accelerometers.

    Parameters
    ----------
    bus, clock
        Where to look, and the clock that drivers are given.
    chip
        A chip's name, or `auto` for all.
    address
        The only address to look at; 0 for the usual ones of the chips.

    Raises
    ------
    SettingsError
        For a name that is no chip's.
    BusError
        Where the bus is stuck.
    """
    if chip != "auto" and chip not in CHIPS:
        raise SettingsError(f"no chip is called {chip!r}; there are auto, {', '.join(CHIPS)}")
    wanted = tuple(CHIPS) if chip == "auto" else (chip,)
    addresses = (address,) if address else usual_addresses(wanted)
    seen = [_look(bus, clock, one, _kinds_at(wanted, one)) for one in addresses]
    return Scan(
        bus.name,
        wanted,
        found=tuple(one for one in seen if isinstance(one, Found)),
        strangers=tuple(one for one in seen if isinstance(one, Stranger)),
        owned=tuple(one for one in seen if isinstance(one, Owned)),
        silent=tuple(one for one in seen if isinstance(one, int)),
    )


def usual_addresses(chips: Sequence[str]) -> tuple[int, ...]:
    """Return the addresses that these chips may have, each once, the usual one of the first chip first."""
    return tuple(dict.fromkeys(address for name in chips for address in CHIPS[name].addresses))


def explain_nothing(seen: Scan) -> str:
    """Return one line on a scan that found nothing: what was tried, what is there instead, what to do."""
    what = seen.wanted[0] if len(seen.wanted) == 1 else "accelerometer"
    tried = [*seen.silent, *(one.address for one in seen.strangers), *(one.address for one in seen.owned)]
    listed = ", ".join(f"0x{address:02X}" for address in sorted(tried))
    parts = [f"{seen.bus_name}: no {what} answers (tried {listed})"]
    parts += [one.sentence for one in seen.strangers]
    parts += [owned_words(seen.bus_name, one.address, one.driver) for one in seen.owned]
    parts.append("check SDA, SCL, 3.3 V and ground, and that I2C is on (sudo raspi-config)")
    return "; ".join(parts)


def explain_several(seen: Scan) -> str:
    """Return one line on a scan that found more than one chip: which, and how to record them all."""
    listed = " and ".join(f"{one.chip.name} at 0x{one.address:02X}" for one in seen.found)
    tables = " ".join(
        f'[[sensor]] place = "side {number}" address = 0x{one.address:02X}'
        for number, one in enumerate(seen.found, 1)
    )
    return f"{seen.bus_name}: there are {listed}; to record them all, the settings need: {tables}"


def _kinds_at(wanted: tuple[str, ...], address: int) -> list[type[Chip]]:
    """Return the drivers to ask at an address: those that know it, else all, for one set by hand."""
    kinds = [CHIPS[name] for name in wanted]
    return [kind for kind in kinds if address in kind.addresses] or kinds


def _look(bus: I2CBus, clock: Clock, address: int, kinds: list[type[Chip]]) -> Found | Stranger | Owned | int:
    """Return what is at one address; the address itself where nothing is."""
    if driver := bus.kernel_driver(address):
        return Owned(address, driver)
    denials = []
    for kind in kinds:
        chip = kind(bus, address, clock)
        try:
            return Found(chip, address, chip.identify())
        except ChipError as error:
            denials.append(str(error))
        except BusError as error:
            if error.errno == errno.ETIMEDOUT:
                raise
            return address
    likely = f" ({LIKELY_STRANGERS[address]})" if address in LIKELY_STRANGERS else ""
    return Stranger(address, denials[0] + likely)
