"""`bedtick replay`: a recording through the emulated chip and the whole daemon path."""

from __future__ import annotations

from pathlib import Path

import click

from bedtick.analysis.cli.night_errors import night_errors
from bedtick.analysis.cli.options import database_option
from bedtick.analysis.cli.progress import progress_bar
from bedtick.analysis.cli.sensor import config_option


@click.command("replay")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--chip", required=True, metavar="NAME", help="The emulated chip, such as adxl345.")
@database_option
@config_option
def command(file: Path, chip: str, db: Path, config: Path | None) -> None:
    """Run a recording through an emulated chip, as fast as it can.

    FILE is a recording (.npz or .csv). Each row becomes one sample of the chip: rounded, clipped,
    drained through its FIFO over the bus, detected and stored as at night.

    \b
    bedtick replay night.npz --chip adxl345
    """  # noqa: D301  click reads the character, not a backslash
    with night_errors():
        from bedtick.firmware.recording_file import load_recording  # noqa: PLC0415  the night's side
        from bedtick.logger.daemon import Control  # noqa: PLC0415  the same
        from bedtick.logger.replay import replay_recording  # noqa: PLC0415  the same
        from bedtick.logger.settings import read_settings  # noqa: PLC0415  the same
        from bedtick.logger.signals import stop_on_signals  # noqa: PLC0415  the same

        settings = read_settings(config)
        recording = load_recording(file)
        with progress_bar("replaying", float(recording.t_s[-1])) as show, stop_on_signals() as stop:
            control = Control(stop, lambda done_ns: show(done_ns / 1e9))
            done = replay_recording(recording, settings, db, chip=chip, control=control)
    if not done.is_new:
        click.echo(f"{file} is in {db} already, as recording {done.recording_id}; nothing changed.")
    elif done.is_whole:
        click.echo(f"Replayed {file} into {db} as recording {done.recording_id}.")
    else:
        raise click.ClickException(
            f"stopped before the end of {file}; recording {done.recording_id} holds what was done."
        )
