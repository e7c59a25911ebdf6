"""Keeps the log of the night's side off a screen that tells the same in its own words."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def quiet_log() -> Iterator[None]:
    """Hold back warnings of firmware and logger while this lasts."""
    log = logging.getLogger("bedtick")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)
