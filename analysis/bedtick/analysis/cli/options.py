"""Options and arguments that several commands share, and how they answer without a night."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bedtick.analysis.database import find_database
from bedtick.analysis.night import NIGHT_FORMS, is_night_name
from bedtick.analysis.screen.look import Look, look_of
from bedtick.analysis.times import known_zone

if TYPE_CHECKING:
    from collections.abc import Callable

Decorated = TypeVar("Decorated", bound="Callable[..., Any]")


def database_option(function: Decorated) -> Decorated:
    """Add `--db PATH`; the function gets `db`, a Path: the database meant, whether or not it exists."""
    return click.option(
        "--db",
        type=click.Path(path_type=Path, readable=False),
        callback=lambda _ctx, _param, value: find_database(value, os.environ),
        help="The database; else $BEDTICK_DB, else the system's, else the user's own.",
    )(function)


def json_option(function: Decorated) -> Decorated:
    """Add `--json`; the function gets `as_json`, a bool."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")(function)


def place_option(function: Decorated) -> Decorated:
    """Add `--place NAME`; the function gets `place`, a text or None."""
    return click.option("--place", metavar="NAME", help="Which sensor's, where there are several.")(function)


def scoring_option(function: Decorated) -> Decorated:
    """Add `--scoring ID|latest`; the function gets `scoring`, digits, `latest` or None."""
    return click.option(
        "--scoring",
        metavar="ID|latest",
        callback=_check_scoring,
        help="Show another scoring than the live one.",
    )(function)


def time_zone_option(function: Decorated) -> Decorated:
    """Add `--tz NAME`; the function gets `time_zone`, the name of a zone that is known here, or None."""
    return click.option(
        "--tz",
        "time_zone",
        metavar="NAME",
        callback=_check_time_zone,
        help="Cut and show nights by this time zone, such as Europe/Berlin; else by the recording's own.",
    )(function)


def night_argument(function: Decorated) -> Decorated:
    """Add NIGHT; the function gets `night`, a night's name or `last`."""
    return click.argument("night", default="last", metavar="[NIGHT]", callback=_check_night)(function)


def print_json(value: object) -> None:
    """Print one JSON value, readable by people too."""
    click.echo(json.dumps(value, indent=2, allow_nan=False))


def print_no_nights(db: Path, *, as_json: bool) -> None:
    """Say kindly that nothing has been recorded yet; no error."""
    click.echo("[]" if as_json else f"No nights yet in {db}. Start one with `bedtick run`.")


def current_look() -> Look:
    """Say what standard output can show."""
    return look_of(sys.stdout, os.environ)


def _check_night(_context: click.Context, _parameter: click.Parameter, name: str) -> str:
    if not is_night_name(name):
        raise click.BadParameter(f"{name!r} names no night: write {NIGHT_FORMS}.")
    return name


def _check_time_zone(_context: click.Context, _parameter: click.Parameter, name: str | None) -> str | None:
    if name is None or known_zone(name) is not None:
        return name
    raise click.BadParameter(f"{name!r} is no time zone: write a name such as Europe/Berlin or UTC.")


def _check_scoring(_context: click.Context, _parameter: click.Parameter, scoring: str | None) -> str | None:
    if scoring is None or scoring == "latest" or (scoring.isascii() and scoring.isdigit()):
        return scoring
    raise click.BadParameter(f"{scoring!r} is no scoring: write its id, a number, or latest.")
