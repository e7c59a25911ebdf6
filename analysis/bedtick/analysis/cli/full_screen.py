"""A terminal's second screen, drawn over and over, and left as it was found.

Escape sequences of the xterm family, which every terminal of today and `tmux` know: the second screen
(`?1049`) keeps what was on the first, `?25` hides and shows the cursor. Only lines that changed are sent, so
that a slow line to the device is enough. The keyboard is left alone: no mode has to be put back.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

ENTER = "\x1b[?1049h\x1b[?25l"
LEAVE = "\x1b[?25h\x1b[?1049l"
CLEAR = "\x1b[2J"
END_OF_LINE = "\x1b[K"
USUAL_SIZE = (80, 24)


class FullScreen:
    """Standard output, a terminal, as a screen of lines; a context manager."""

    def __init__(self) -> None:
        self._size = USUAL_SIZE
        self._lines: list[str] = []

    def __enter__(self) -> Self:
        _send(ENTER)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _send(LEAVE)

    def measure(self) -> tuple[int, int]:
        """Return columns and rows as they are now; what was drawn on another size is drawn anew."""
        size = _terminal_size()
        if size != self._size:
            self._size = size
            self._lines = []
            _send(CLEAR)
        return size

    def draw(self, lines: list[str]) -> None:
        """Show lines from the top on, in place of those that were there."""
        before = self._lines + [""] * (len(lines) - len(self._lines))
        after = lines + [""] * (len(before) - len(lines))
        changed = [
            f"\x1b[{row};1H{line}{END_OF_LINE}"
            for row, (old, line) in enumerate(zip(before, after, strict=True), 1)
            if line != old
        ]
        self._lines = lines
        if changed:
            _send("".join(changed))


def _terminal_size() -> tuple[int, int]:
    try:
        size = os.get_terminal_size(sys.stdout.fileno())
    except OSError:
        return USUAL_SIZE
    return (size.columns, size.lines) if size.columns and size.lines else USUAL_SIZE


def _send(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
