"""The command `bedtick`: a table of names, each loaded on use.

`bedtick --help` and `bedtick summary` are read over SSH on a slow machine, so a command's module is
imported only when it is called; the line it has in the help stands in the table. Every such module
offers its click command under the name `command`. The night's commands reach firmware and logger, which
a laptop need not have, from inside their functions.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple

import click

from bedtick.analysis.errors import AnalysisError


class Entry(NamedTuple):
    """One command: its name, the section of the help it stands in, its module, what it does."""

    name: str
    section: str
    module: str
    does: str


_HERE = "bedtick.analysis.cli"
COMMANDS = (
    Entry("run", "Tonight", f"{_HERE}.run", "Record until stopped: what the service runs."),
    Entry("check", "Tonight", f"{_HERE}.check", "Is the device healthy? Line by line, and what to do."),
    Entry("live", "Tonight", f"{_HERE}.live", "How strongly does it move? To find the sensor's place."),
    Entry("tap", "Tonight", f"{_HERE}.tap", "Calibrate a bed's ring-down from five taps."),
    Entry("demo", "Tonight", f"{_HERE}.demo", "A short emulated night and its summary; no sensor needed."),
    Entry("summary", "Morning", f"{_HERE}.summary", "One night on one screen."),
    Entry("nights", "Morning", f"{_HERE}.nights", "All nights, a line each."),
    Entry("events", "Morning", f"{_HERE}.events", "The events of a night, a line each."),
    Entry("note", "Morning", f"{_HERE}.note", "Say when a night without a clock began."),
    Entry("import", "Laptop", f"{_HERE}.import_", "Take a recording file into the database and detect."),
    Entry("replay", "Laptop", f"{_HERE}.replay", "Run a recording file through the emulated chip."),
    Entry("rescore", "Experts", f"{_HERE}.rescore", "Detect again with other settings, beside the old."),
    Entry("sensitivity", "Experts", f"{_HERE}.sensitivity", "What a night could and could not have found."),
    Entry("verify", "Experts", f"{_HERE}.verify", "Is the database sound? Read out one that is not."),
)
_BY_NAME = {entry.name: entry for entry in COMMANDS}


class Commands(click.Group):
    """A click group that knows its commands by name and imports one only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Names of all commands, in the order of the help."""
        return list(_BY_NAME)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  the same
        """Import a command, or None for an unknown name."""
        entry = _BY_NAME.get(cmd_name)
        if entry is None:
            return None
        command = import_module(entry.module).command
        if not isinstance(command, click.Command):
            raise TypeError(f"{entry.module}.command is no click command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  the same
        """Write the sections of the help from the table, without importing any command."""
        for section in dict.fromkeys(entry.section for entry in COMMANDS):
            with formatter.section(section):
                formatter.write_dl([(e.name, e.does) for e in COMMANDS if e.section == section])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what analysis cannot do becomes one line and exit code 1."""
        try:
            return super().invoke(ctx)
        except AnalysisError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="bedtick")
def main() -> None:
    """Count jerks in sleep with an accelerometer under the mattress.

    A movement log, not a diagnosis. In the morning: bedtick summary
    """
