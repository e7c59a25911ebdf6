"""What each failure on the bus means and what is done about it: the one table that bus and sampler read.

The first line of defence is the bus itself: where nothing can have been sent, a transfer is tried again at
once, and nobody else notices. What still fails comes to the sampler as an error. It waits a little longer
after each fault in a row (`PAUSES_S`; `SLOW_PAUSES_S` where a stuck bus keeps other sensors waiting), and at
the counts in the table does more: empties the FIFO and begins to measure again, sets the chip up anew, or
has the bus opened anew. It never gives up.

Error numbers: the kernel's i2c-bcm2835 (Raspberry Pi Zero to 4) and i2c-designware (Raspberry Pi 5).
"""

import errno
from dataclasses import dataclass

from bedtick.firmware.errors import BedtickError, BusError

PAUSES_S = (0.002, 0.005, 0.01, 0.05, 0.2, 1.0)  # after faults in a row; the last goes on for ever
SLOW_PAUSES_S = (*PAUSES_S, 2.0, 5.0)  # no more: a silence must be told of before readers take it for an end
NEVER = 0


@dataclass(frozen=True)
class Treatment:
    """One row of the table; counts are of faults in a row, and each is done again at its multiples.

    Attributes
    ----------
    name, errnos, meaning
        What it is called, how the kernel says it, and what a person is told.
    at_once
        How often the bus tries again within the same call. Only where nothing was sent: a set that was
        sent and lost is gone from the FIFO, and reading on would hide the loss.
    restart_at
        The chip's FIFO is emptied and it begins to measure again: it may stand in the middle of a set.
    set_up_at
        The chip is identified, configured and started anew: it may have lost its power.
    reopen_at
        The bus is closed and opened anew.
    is_slow
        Each failure takes as long as a time-out, and other sensors are not read meanwhile.
    """

    name: str
    errnos: tuple[int, ...]
    meaning: str
    at_once: int = 0
    restart_at: int = NEVER
    set_up_at: int = 3
    reopen_at: int = 10
    is_slow: bool = False


TREATMENTS = (
    Treatment(
        "no answer",
        (errno.EREMOTEIO, errno.ENXIO),
        "no answer (check wiring, power and address)",
        at_once=4,
        set_up_at=5,
    ),
    Treatment(
        "stuck",
        (errno.ETIMEDOUT,),
        "the bus is stuck (unplug the sensor's power and plug it in again)",
        restart_at=2,
        reopen_at=5,
        is_slow=True,
    ),
    Treatment(
        "broken off",
        (errno.EIO,),
        "the transfer broke off (loose wire or weak pull-ups?)",
        restart_at=2,
    ),
    Treatment(
        "busy", (errno.EAGAIN,), "another controller was talking (is anything else wired to this bus?)"
    ),
    Treatment(
        "bus gone",
        (errno.ENODEV, errno.ENOENT, errno.EBADF),
        "the bus has gone (was its adapter unplugged?)",
        set_up_at=1,
        reopen_at=1,
    ),
    Treatment("refused", (errno.EOPNOTSUPP,), "this controller cannot do such a transfer"),
)
SETTINGS_LOST = Treatment(
    "settings lost", (), "the chip is not as it was set up", set_up_at=1, reopen_at=NEVER
)
UNKNOWN = Treatment("unknown", (), "")
BY_ERRNO = {number: treatment for treatment in TREATMENTS for number in treatment.errnos}


def treatment_of(number: int | None) -> Treatment:
    """Return the row of an error number; `UNKNOWN` for one that is not in the table."""
    return BY_ERRNO.get(number or 0, UNKNOWN)


def treatment_of_error(error: BedtickError) -> Treatment:
    """Return the row of an error; anything but a failed transfer is a chip that is not as it was set up."""
    if isinstance(error, BusError) and error.errno is not None:
        return treatment_of(error.errno)
    return SETTINGS_LOST


def is_due(at: int, faults: int) -> bool:
    """Tell whether something that is done at multiples of `at` is done after so many faults in a row."""
    return at != NEVER and faults % at == 0


def pause_s(faults: int, *, is_slow: bool = False) -> float:
    """Return the pause after so many faults in a row, at least 1, in seconds.

    `is_slow` where each of them keeps other sensors waiting.
    """
    pauses_s = SLOW_PAUSES_S if is_slow else PAUSES_S
    return pauses_s[min(faults, len(pauses_s)) - 1]
