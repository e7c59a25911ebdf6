"""`bedtick import`: a recording file straight into the detector and the store."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from bedtick.analysis.cli.night_errors import night_errors
from bedtick.analysis.cli.options import database_option
from bedtick.analysis.cli.progress import progress_bar
from bedtick.analysis.cli.sensor import config_option

FIRST_YEAR, LAST_YEAR = 1970, 2199  # nanoseconds of later years do not fit 64 bits


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--as", "chip", metavar="CHIP", help="Round and clip as this chip would, such as adxl345.")
@click.option("--start", metavar="TIME", help="When it began, for a recording without a clock (ISO 8601).")
@database_option
@config_option
def command(file: Path, chip: str | None, start: str | None, db: Path, config: Path | None) -> None:
    """Take a recording into the database and detect on it.

    FILE is .npz with acc_g (n, 3) in g and fs_hz or t_s, or .csv with the header t_s,x_g,y_g,z_g; rows
    with NaN are gaps. TIME without a zone is local.

    \b
    bedtick import night.npz
    bedtick import night.csv --start 2026-02-03T22:45
    """  # noqa: D301  click reads the character, not a backslash
    start_ns = _utc_ns(start)
    with night_errors():
        from bedtick.firmware.recording_file import doubt_about_units, load_recording  # noqa: PLC0415  the night's side
        from bedtick.logger.importer import import_recording  # noqa: PLC0415  the same
        from bedtick.logger.settings import read_settings  # noqa: PLC0415  the same

        settings = read_settings(config)
        recording = load_recording(file)
        with progress_bar("importing", len(recording.t_s)) as show:
            done = import_recording(
                recording, settings, db, chip=chip, hand_start_utc_ns=start_ns, progress=show
            )
        if doubt := doubt_about_units(recording):
            click.echo(f"Warning: {file}: {doubt}", err=True)
    if done.is_new_recording:
        click.echo(f"Imported {file} into {db} as recording {done.recording_id}.")
    elif done.is_new_scoring:
        click.echo(f"{file} is in {db} already, as recording {done.recording_id}; scored again beside it.")
    else:
        kept = "nothing changed" if start is None else "nothing changed, nor did its start"
        click.echo(f"{file} is in {db} already, as recording {done.recording_id}; {kept}.")


def _utc_ns(start: str | None) -> int | None:
    """Return a time given by hand in ns since 1970; a time without a zone is taken as local."""
    if start is None:
        return None
    try:
        moment = datetime.fromisoformat(start).astimezone(UTC)
    except (ValueError, OverflowError):
        moment = None
    if moment is None or not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise click.BadParameter(f"{start!r} is no time: write it as 2026-02-03T22:45.", param_hint="--start")
    return round(moment.timestamp() * 1e6) * 1000
