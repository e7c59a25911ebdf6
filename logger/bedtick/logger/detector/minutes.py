"""Turns the kernel's rows of minutes into what is stored of a minute."""

from __future__ import annotations

import math
from typing import Any

from bedtick.logger.detector import layout as lay
from bedtick.logger.detector.events import Minute


def minutes_from(rows: list[tuple[Any, ...]], mg: float, nominal_hz: float) -> list[Minute]:
    """Return the minutes that rows of `layout.MINUTE_ROW` describe, without those that hold no sample.

    Parameters
    ----------
    rows
        Records of the kernel as tuples.
    mg
        Size of a count.
    nominal_hz
        The nominal rate.
    """
    return [_minute(row, mg, nominal_hz) for row in rows if row[1].any()]


def _minute(row: tuple[Any, ...], mg: float, nominal_hz: float) -> Minute:
    number, samples, steps, sum_squares, known, sum_floor, sum_weakest = row
    seconds = {name: count / nominal_hz for name, count in zip(lay.REASONS, samples.tolist(), strict=True)}
    return Minute(
        minute=number,
        activity_mg=math.sqrt(sum_squares / steps) * mg if steps else None,
        floor_mg=sum_floor / known * mg if known else None,
        weakest_mg=sum_weakest / known * mg if known else None,
        seconds=seconds,
    )
