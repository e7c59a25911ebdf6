"""The screen of `bedtick live`: a level meter and the newest events, for a terminal of 40 columns or more.

The meter is logarithmic and counts from the noise floor: a push that is three times as strong moves it by a
quarter of its length, on any chip and any bed. Its end is a hundred times the floor.
"""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

from bedtick.analysis.screen.look import shown

if TYPE_CHECKING:
    from bedtick.analysis.screen.look import Look
    from bedtick.logger.live import Frame, LiveEvent

LEAST_COLUMNS = 40
MOST_COLUMNS = 100
MARKS = (1, 3, 10, 30, 100)  # times the floor
FULL_RATIO = 100.0
TROUBLE_LINES = 3
LEAVING = "Ctrl-C ends it; nothing is stored."


def live_lines(frame: Frame, title: str, look: Look, size: tuple[int, int]) -> list[str]:
    """Return the screen, a line each; none is wider than the terminal.

    Parameters
    ----------
    frame
        What to show.
    title
        Which sensor this is.
    look
        What the terminal can show.
    size
        Its columns and rows.
    """
    # One column stays free: a terminal may break the line that fills its last one.
    columns, rows = min(max(size[0], LEAST_COLUMNS), MOST_COLUMNS) - 1, size[1]
    head = [
        look.heading(shown(title, look)[:columns]),
        "",
        _meter(frame, look, columns),
        _scale(columns),
        *_numbers(frame),
        *(look.warning(line) for line in _trouble(frame.trouble, look, columns)),
        "",
    ]
    room = max(rows - len(head) - 3, 0)
    newest = list(reversed(frame.events))[:room]
    listed = [_event(event) for event in newest] or ["no event yet: knock on the mattress"]
    lines = [*head, f"{'time':>8}  {'kind':<9} {'peak mg':>8}", *listed[:room]]
    return [*lines[: max(rows - 1, 0)], look.aside(LEAVING)][:rows]


def ratio_to_floor(level_mg: float | None, floor_mg: float | None) -> float | None:
    """Return how many times the noise floor a level is; None where either is not known."""
    return level_mg / floor_mg if level_mg is not None and floor_mg else None


def _meter(frame: Frame, look: Look, columns: int) -> str:
    cells = columns - 2
    ratio, held = (ratio_to_floor(mg, frame.floor_mg) for mg in (frame.level_mg, frame.peak_mg))
    if ratio is None or held is None:
        return f"[{'':{cells}}]"
    filled, mark = _place(ratio, cells), min(_place(held, cells), cells - 1)
    bar = ("█" if look.blocks else "#") * filled
    rest = f"{'':{max(mark - filled, 0)}}|" if mark >= filled else ""
    tail = " " * (cells - filled - len(rest))
    return f"[{bar}{rest}{tail}]"


def _place(ratio: float, cells: int) -> int:
    """Return how many cells a ratio to the floor fills."""
    share = math.log(max(ratio, 1.0)) / math.log(FULL_RATIO)
    return min(round(share * cells), cells)


def _scale(columns: int) -> str:
    """Return the marks below the meter, each from its place on; the last one up to the end."""
    line = ""
    for mark in MARKS:
        label = f"{mark}x"
        at = min(1 + _place(mark, columns - 2), columns - len(label))
        line = f"{line:{at}}{label}"
    return line


def _numbers(frame: Frame) -> list[str]:
    ratio = ratio_to_floor(frame.level_mg, frame.floor_mg)
    times = f"{ratio:.1f} x the noise" if ratio is not None else ""
    lost = f"{frame.lost} samples lost" if frame.lost else "no sample lost"
    floor = "" if frame.floor_mg is not None else "being listened to"
    return [
        f"level {_mg(frame.level_mg)}  {times}",
        f"peak  {_mg(frame.peak_mg)}  in the last 3 s",
        f"noise {_mg(frame.floor_mg)}  {floor}",
        f"rate  {frame.rate_hz:7.1f} Hz  {lost}",
    ]


def _mg(level_mg: float | None) -> str:
    return f"{'-' if level_mg is None else f'{level_mg:.1f}':>7} mg"


def _trouble(trouble: str, look: Look, columns: int) -> list[str]:
    return textwrap.wrap(shown(trouble, look), columns)[:TROUBLE_LINES]


def _event(event: LiveEvent) -> str:
    return f"{event.start_s:6.1f} s  {event.kind:<9} {event.peak_mg:8.1f}"
