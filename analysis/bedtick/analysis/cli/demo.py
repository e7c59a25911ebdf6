"""`bedtick demo`: a short emulated night, its summary, and what was found of what was put in."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bedtick.analysis.cli.night_errors import night_errors
from bedtick.analysis.cli.progress import progress_bar
from bedtick.analysis.cli.summary import print_summary
from bedtick.analysis.database import reading
from bedtick.analysis.events import load_events
from bedtick.analysis.matching import Span, match
from bedtick.analysis.nights import load_nights, with_exact_clocks

if TYPE_CHECKING:
    from bedtick.analysis.night import Night
    from bedtick.firmware.emulator import TrueEvent

CLEAR_MG = 10.0


@click.command("demo")
@click.option(
    "--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of bed, sleeper and chip."
)
@click.option(
    "--db", type=click.Path(path_type=Path), help="A database to record into; else a new temporary one."
)
def command(seed: int, db: Path | None) -> None:
    """Record a short emulated night and show its summary; no sensor needed.

    It runs the very code of the night, from the chip's registers to the database, on an emulated chip
    under a synthetic sleeper. The last line compares what was put in with what was found.

    \b
    bedtick demo
    bedtick demo --seed 7
    """  # noqa: D301  click reads the character, not a backslash
    path = db or Path(tempfile.mkdtemp(prefix="bedtick-demo-")) / "demo.db"
    with night_errors():
        from bedtick.logger.daemon import Control  # noqa: PLC0415  the night's side
        from bedtick.logger.demo import NIGHT_S, record_demo  # noqa: PLC0415  the same
        from bedtick.logger.signals import stop_on_signals  # noqa: PLC0415  the same

        with progress_bar("an emulated night", NIGHT_S) as show, stop_on_signals() as stop:
            recording_id, true = record_demo(path, seed, Control(stop, lambda done_ns: show(done_ns / 1e9)))
            was_stopped = stop()
    if was_stopped:
        raise click.ClickException(f"stopped before the night was over; {path} holds what was done.")
    night, detected = _found(path, recording_id)
    print_summary(path, night.name, night.place)
    click.echo(f"\n{_verdict(true, detected)}\nLook again: {sys.argv[0]} summary --db {path}")


def _found(path: Path, recording_id: int) -> tuple[Night, list[Span]]:
    """Return the recording's night, and its events: the database may hold other nights."""
    with reading(path) as connection:
        nights = [n for n in load_nights(connection) if any(p.recording.id == recording_id for p in n.parts)]
        events = [e for n in nights for e in load_events(connection, with_exact_clocks(connection, n))]
    spans = [Span(e.start_s, e.start_s + e.duration_s) for e in events if e.recording == recording_id]
    return nights[-1], spans


def _verdict(true: list[TrueEvent], detected: list[Span]) -> str:
    """Say what was put in, what was found of it, and what was invented."""
    result = match([Span(event.onset_s, event.end_s) for event in true], detected)
    clear = [found for event, found in zip(true, result.found, strict=True) if event.peak_mg >= CLEAR_MG]
    weak = [found for event, found in zip(true, result.found, strict=True) if event.peak_mg < CLEAR_MG]
    return (
        f"Put in: {len(clear)} events of 10 mg and more, {len(weak)} weaker. "
        f"Found: {sum(clear)} and {sum(weak)}. Invented: {result.invented}."
    )
