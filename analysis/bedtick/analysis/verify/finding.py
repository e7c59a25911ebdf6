"""What is wrong with a database, in words."""

from __future__ import annotations

from dataclasses import dataclass

SALVAGE = "copy the file away, then read out what is left: bedtick verify --repair NEW.db"
RESCORE = "its raw samples can be scored again: bedtick rescore NIGHT"
KEEP = "another program wrote it, or a mistake in bedtick: keep a copy of the file, and tell us"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: which check found it, where (a recording's id, None for the file), what.

    `is_known` where it is what an earlier salvage could not bring back, and said so.
    """

    check: str
    recording: int | None
    what: str
    advice: str
    is_known: bool = False
