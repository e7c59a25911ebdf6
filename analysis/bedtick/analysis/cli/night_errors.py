"""What goes wrong at night, told in one line; for the commands that reach firmware and logger."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def night_errors() -> Iterator[None]:
    """Turn bedtick's own errors into click's: one line on standard error, exit code 1."""
    from bedtick.firmware.errors import BedtickError  # noqa: PLC0415  a laptop need not have it

    try:
        yield
    except BedtickError as error:
        raise click.ClickException(str(error)) from error
