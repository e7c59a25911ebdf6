"""The status light: dark while all is well, a flash as the answer to a press, a blink for trouble.

It stands in a bedroom, so it shines for nothing else, and trouble that passes within `PATIENCE_NS` is not
worth waking anybody. All that it can show is in `PATTERNS`.
"""

from __future__ import annotations

from dataclasses import dataclass

from bedtick.logger.bedside.button import NEVER_NS

MS_NS = 1_000_000
PATIENCE_NS = 5_000_000_000


@dataclass(frozen=True)
class Pattern:
    """Milliseconds lit, dark, lit and so on, beginning lit; once, or again and again."""

    times_ms: tuple[int, ...]
    repeats: bool = False


PATTERNS = {
    "felt": Pattern((120,)),
    "lights_off": Pattern((120, 200, 120)),
    "lights_on": Pattern((800,)),
    "trouble": Pattern((100, 1900), repeats=True),
}


def lit_at(pattern: Pattern, since_ns: int) -> tuple[bool, int]:
    """Tell what a pattern shows some time after its begin.

    Returns
    -------
    tuple
        Whether it is lit, and how many ns after its begin that changes; `NEVER_NS` once it is over.
    """
    length_ns = sum(pattern.times_ms) * MS_NS
    rounds = since_ns // length_ns if pattern.repeats else 0
    change_ns = rounds * length_ns
    for place, time_ms in enumerate(pattern.times_ms):
        change_ns += time_ms * MS_NS
        if since_ns < change_ns:
            return place % 2 == 0, change_ns
    return False, NEVER_NS


class StatusLight:
    """What is being shown, and since when; an answer to a press goes before trouble."""

    def __init__(self) -> None:
        self.due_ns = NEVER_NS
        self._answer: tuple[Pattern, int] | None = None
        self._trouble_since_ns: int | None = None

    def answer(self, kind: str, boot_ns: int) -> None:
        """Begin to answer a press that was a marker of this kind."""
        self._answer = PATTERNS[kind], boot_ns

    def is_lit(self, boot_ns: int, *, is_trouble: bool) -> bool:
        """Tell whether the light is on at a time; `due_ns` then says until when nothing changes."""
        if not is_trouble:
            self._trouble_since_ns = None
        elif self._trouble_since_ns is None:
            self._trouble_since_ns = boot_ns
        for pattern, begin_ns in self._shown():
            if boot_ns < begin_ns:
                self.due_ns = begin_ns
                return False
            lit, change_ns = lit_at(pattern, boot_ns - begin_ns)
            if change_ns != NEVER_NS:
                self.due_ns = begin_ns + change_ns
                return lit
        self._answer, self.due_ns = None, NEVER_NS
        return False

    def _shown(self) -> list[tuple[Pattern, int]]:
        shown = [] if self._answer is None else [self._answer]
        if self._trouble_since_ns is not None:
            shown.append((PATTERNS["trouble"], self._trouble_since_ns + PATIENCE_NS))
        return shown
