"""What is wrong with a database, in words."""

from __future__ import annotations

from dataclasses import dataclass

# {db} stands for the path of the database.
SALVAGE = "copy the file away, then read out what is left: bedtick verify --db {db} --repair NEW.db"
RESCORE = "its raw samples can be scored again: bedtick rescore NIGHT --db {db}"
KEEP = "another program wrote it, or bedtick has a mistake: keep a copy, and tell us"


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
