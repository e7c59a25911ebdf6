"""Why the pins can not be used, in one line each, with what to do about it.

What rpi-lgpio says was read from its source (version 0.6); what RPi.GPIO says comes from issue threads and
other public reports only. None of it was seen on a Raspberry Pi by the author of this table.
"""

import os
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from bedtick.firmware.errors import BedtickError

PACKAGES = ("rpi-lgpio", "RPi.GPIO")
INSTALL = (
    "sudo apt install python3-rpi-lgpio, and make bedtick's virtual environment with --system-site-packages"
)
START_ANEW = f"remove both (pip uninstall RPi.GPIO rpi-lgpio), then {INSTALL}"
JOIN_GROUP = "sudo usermod -aG gpio $USER, then log in again"

# What a package's message contains, and what it means. The first that fits is taken.
SAID = (
    ("only be run on a Raspberry Pi", "this is no Raspberry Pi, or its kernel does not say so"),
    ("old-style revision", "rpi-lgpio does not know so old a Raspberry Pi"),
    ("peripheral base address", f"the package RPi.GPIO does not know this Raspberry Pi: {START_ANEW}"),
    ("/dev/mem", f"no permission for the pins: {JOIN_GROUP}"),
    ("edge detection", f"the package RPi.GPIO hears no edges with this kernel: {START_ANEW}"),
    ("busy", "another program or overlay holds it: end that, or choose another pin"),
    ("mode has already been set", "another part of this program counts pins by their place"),
    (".lgd-nfy", "lgpio can not write its pipe: set TMPDIR to a folder that bedtick may write"),
)


class PinsUnavailableError(BedtickError):
    """A pin, or the header as a whole, can not be used; the night goes on without it."""


def library_errors() -> tuple[type[Exception], ...]:
    """Return what the packages raise; lgpio's own class is known only once it is imported."""
    usual = (ImportError, RuntimeError, OSError, ValueError)
    own = getattr(sys.modules.get("lgpio"), "error", None)
    return usual if own is None else (*usual, own)


def in_words(error: Exception, pin: int | None) -> str:
    """Say in one line what an error of a package means.

    Parameters
    ----------
    error
        What it raised.
    pin
        The pin it was about; None where it was about all of them.
    """
    what = "pins" if pin is None else f"GPIO{pin}"
    return f"{what}: {_reason(error)}"


def _reason(error: Exception) -> str:
    here = [name for name in PACKAGES if _is_installed(name)]
    if isinstance(error, ModuleNotFoundError):
        return _missing(error, here)
    said = str(error)
    if "open gpiochip" in said:
        return _no_chip(Path("/dev"))
    told = next((words for part, words in SAID if part.lower() in said.lower()), said)
    if len(here) == len(PACKAGES) and START_ANEW not in told:
        return f"{told} (rpi-lgpio and RPi.GPIO are both installed, and one hides the other: {START_ANEW})"
    return told


def _missing(error: ModuleNotFoundError, here: list[str]) -> str:
    if error.name not in {"RPi", "RPi.GPIO"}:
        return f"the module {error.name} is missing, which rpi-lgpio needs: sudo apt install python3-lgpio"
    if here:
        # Whichever of the two is uninstalled takes the shared file with it.
        return f"{' and '.join(here)} is installed but its file is gone: {START_ANEW}"
    return f"the package rpi-lgpio is not installed: {INSTALL}"


def _no_chip(devices: Path) -> str:
    closed = [chip for chip in devices.glob("gpiochip*") if not os.access(chip, os.R_OK | os.W_OK)]
    if closed:
        return f"no permission for the pins: {JOIN_GROUP}"
    return (
        "the kernel's device for the header was not found: "
        "set RPI_LGPIO_CHIP to the number that gpiodetect shows beside pinctrl"
    )


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
