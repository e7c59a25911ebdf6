"""Tries again what failed on the bus: what fails now and then is told of once, and all else is looked at."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from bedtick.firmware.errors import BusError

TRIES = 8

Result = TypeVar("Result")


def patiently(action: Callable[[], Result]) -> Result:
    """Do something on the bus, again where it failed; raise the last `BusError` where it always does."""
    for _ in range(TRIES - 1):
        with suppress(BusError):
            return action()
    return action()
