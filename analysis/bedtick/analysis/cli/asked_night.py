"""The night that a command is asked about, and a kind word where there is none yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedtick.analysis.cli.options import print_no_nights
from bedtick.analysis.nights import find_night, load_nights

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from bedtick.analysis.night import Night


def asked_night(
    connection: sqlite3.Connection,
    db: Path,
    name: str,
    place: str | None,
    *,
    as_json: bool,
    time_zone: str | None = None,
) -> Night | None:
    """Return the night of a name and place; None, and kindly said, where there is none yet for `last`.

    Nights are cut by `time_zone`, or by each recording's own where that is None.

    Raises
    ------
    AnalysisError
        For a night that is not there, or that several places have.
    """
    nights = load_nights(connection, time_zone=time_zone)
    if not nights and name == "last":
        print_no_nights(db, as_json=as_json)
        return None
    return find_night(nights, name, place)
