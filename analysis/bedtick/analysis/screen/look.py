"""What the terminal can show: colours, block characters, and the pieces drawn with them."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WIDTH = 80
_EIGHTHS = " ▏▎▍▌▋▊▉█"


@dataclass(frozen=True)
class Look:
    """How to draw: `blocks` for Unicode block characters, `colours` for escape sequences."""

    blocks: bool
    colours: bool

    def heading(self, text: str) -> str:
        """Set off a title."""
        return self._styled(text, bold=True)

    def aside(self, text: str) -> str:
        """Step back behind the rest."""
        return self._styled(text, dim=True)

    def warning(self, text: str) -> str:
        """Draw the eye."""
        return self._styled(text, fg="yellow")

    def bar(self, share: float, cells: int) -> str:
        """Draw a bar of up to so many cells; anything above 0 shows."""
        eighths = max(round(share * cells * 8), 1 if share > 0 else 0)
        if not self.blocks:
            return "=" * max(round(share * cells), 1 if share > 0 else 0)
        drawn = "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")
        return self._styled(drawn, fg="cyan")

    def division(self, valid: float, invalid: float, cells: int, *, began_late: bool) -> str:
        """Draw how a span divides: valid, invalid, and the rest not recorded (first if `began_late`).

        `valid` and `invalid` are shares of the whole.
        """
        valid_cells = round(valid * cells)
        # Invalid time is never rounded away, nor drawn as valid.
        invalid_cells = min(max(round(invalid * cells), 1 if invalid > 0.01 else 0), cells)
        valid_cells = min(valid_cells, cells - invalid_cells)
        full, hollow, nothing = ("■", "░", "·") if self.blocks else ("#", "x", ".")
        rest = self.aside(nothing * (cells - valid_cells - invalid_cells))
        recorded = full * valid_cells + self.warning(hollow * invalid_cells)
        return rest + recorded if began_late else recorded + rest

    def strip(self, shares: Sequence[float | None]) -> str:
        """Draw one cell for each share, 0 lowest and 1 highest; None where nothing was recorded."""
        levels, nothing = ("▁▂▃▄▅▆▇█", "·") if self.blocks else ("_.-=+*%#", " ")
        return "".join(nothing if share is None else levels[round(share * 7)] for share in shares)

    def _styled(self, text: str, **style: str | bool) -> str:
        return click.style(text, **style) if self.colours and text else text  # type: ignore[arg-type]


def look_of(stream: TextIO, environ: Mapping[str, str]) -> Look:
    """Find out what a stream can show; https://no-color.org is respected."""
    colours = stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
    return Look(blocks=_is_utf8(stream.encoding), colours=colours)


def shown(text: str, look: Look) -> str:
    """Make free text (a place, a fault's kind) safe to show: one line, and ASCII where need be."""
    line = "".join(sign if sign.isprintable() else " " for sign in text)
    return line if look.blocks else line.encode("ascii", "replace").decode("ascii")


def _is_utf8(encoding: str | None) -> bool:
    try:
        return codecs.lookup(encoding or "ascii").name == "utf-8"
    except LookupError:
        return False
