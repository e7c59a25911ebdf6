"""`bedtick live`: a level meter and events as they happen, so that a sensor can be placed."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import click

from bedtick.analysis.cli.full_screen import FullScreen
from bedtick.analysis.cli.night_errors import night_errors
from bedtick.analysis.cli.options import current_look, database_option, place_option
from bedtick.analysis.cli.quiet_log import quiet_log
from bedtick.analysis.cli.sensor import bus_option, chip_option, config_option, open_rig
from bedtick.analysis.screen.meter import live_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bedtick.logger.live import Frame

HEADING = "t_s,level_mg,floor_mg,event"


@click.command("live")
@bus_option
@chip_option
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Of an emulated mattress.")
@database_option
@config_option
@place_option
def command(bus: str, chip: str, *, seed: int, db: Path, config: Path | None, place: str | None) -> None:
    """Show how strongly a sensor moves, and events as they happen, to find the best place for it.

    Ends with Ctrl-C. Nothing is stored. While a recording runs, stop that first. Where it does not write to
    a terminal it gives a line a second instead: t_s,level_mg,floor_mg,event.

    \b
    bedtick live
    bedtick live --bus emulated
    bedtick live > levels.csv
    """  # noqa: D301  click reads the character, not a backslash
    with night_errors():
        from bedtick.logger.settings import read_settings, sensor_at, with_chip  # noqa: PLC0415  the night's side
        from bedtick.logger.signals import stop_on_signals  # noqa: PLC0415  the same

        with stop_on_signals() as stop:  # first of all: what follows takes a moment to load
            from bedtick.logger.live import free_sensor, watch  # noqa: PLC0415  the same

            settings = with_chip(read_settings(config), chip)
            sensor = sensor_at(settings, place)
            guard = nullcontext() if bus.startswith("emulated") else free_sensor(db)
            with _ends_unread(), guard:
                rig = open_rig(bus, sensor, seed=seed, at_real_speed=True)
                title = f"{rig.chip.name} at 0x{rig.address:02X} on {rig.bus_name}, place {sensor.place}"
                with _output(title) as show:
                    watch(rig, settings.detector, show, stop)


@contextmanager
def _output(title: str) -> Iterator[Callable[[Frame], None]]:
    """Draw on a terminal, and write lines to everything else; yields what takes each frame."""
    if not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        click.echo(HEADING)
        yield PlainLines().show
        return
    look, newest = current_look(), None

    def show(frame: Frame) -> None:
        nonlocal newest
        newest = frame
        screen.draw(live_lines(frame, title, look, screen.measure()))

    with quiet_log(), FullScreen() as screen:
        screen.draw(["starting ..."])  # the first time it compiles, which may take a minute
        yield show
    if newest is not None:
        click.echo(_farewell(newest))


@contextmanager
def _ends_unread() -> Iterator[None]:
    """End quietly where nobody reads any more: a closed pipe, or a terminal that has gone."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.EIO):
            raise


def _farewell(frame: Frame) -> str:
    found = frame.events[-1].number if frame.events else 0
    events = "1 event" if found == 1 else f"{found} events"
    return f"{events} in {frame.time_s:.0f} s; nothing was stored."


class PlainLines:
    """Writes a line a second: the largest level in it, the noise floor, and the events that ended in it."""

    def __init__(self) -> None:
        self._next_s = 1.0
        self._levels_mg: list[float] = []
        self._told = 0  # the number of the last event told

    def show(self, frame: Frame) -> None:
        """Take a frame; write a line where a second is over."""
        if frame.level_mg is not None:
            self._levels_mg.append(frame.level_mg)
        if frame.time_s < self._next_s:
            return
        self._next_s = frame.time_s // 1 + 1
        new = [event for event in frame.events if event.number > self._told]
        self._told = max([self._told, *(event.number for event in new)])
        events = ";".join(f"{event.kind} {event.peak_mg:.1f}" for event in new)
        level = f"{max(self._levels_mg):.2f}" if self._levels_mg else ""
        floor = "" if frame.floor_mg is None else f"{frame.floor_mg:.2f}"
        self._levels_mg.clear()
        click.echo(f"{frame.time_s:.1f},{level},{floor},{events}")
