"""Keeps the log of the night's side off a screen that tells the same in its own words."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def quiet_log(name: str = "bedtick", level: int = logging.CRITICAL) -> Iterator[None]:
    """Hold back what a log says below a level while this lasts; if not told else, all of bedtick."""
    log = logging.getLogger(name)
    before = log.level
    log.setLevel(level)
    try:
        yield
    finally:
        log.setLevel(before)
