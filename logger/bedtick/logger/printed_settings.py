"""Settings as the text of their own file: each key with its meaning, unit and range, ready to be edited."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from bedtick.logger.settings import SensorSettings, Settings


def print_settings(settings: Settings) -> str:
    """Return the settings as a TOML file in which each key has its meaning, unit and range."""
    first, *more = settings.sensors
    heading = "[[sensor]]" if more else "[sensor]"
    blocks = [_print_table(first, heading), *(_print_plain(sensor) for sensor in more)]
    blocks += [
        _print_table(table, f"[{table.TABLE}]")
        for table in (settings.detector, settings.store, settings.pins)
    ]
    return "\n".join(blocks)


def _print_table(table: Any, heading: str) -> str:
    lines = [f"# {(table.__doc__ or '').strip()}", heading]
    for f in fields(table):
        choices = ", ".join(str(choice) for choice in f.metadata.get("choices", ()))
        allowed = f"one of {choices}" if choices else ""
        if "low" in f.metadata:
            allowed = f"{f.metadata['low']} to {f.metadata['high']}"
        about = "; ".join(x for x in (f.metadata["unit"], allowed, f"default {f.default!r}") if x)
        lines += [f"# {f.metadata['meaning']} ({about})", _print_key(table, f.name)]
    return "\n".join(lines) + "\n"


def _print_plain(sensor: SensorSettings) -> str:
    """Return a further sensor as a table; what its keys mean stands above the first."""
    return "\n".join(["[[sensor]]", *(_print_key(sensor, f.name) for f in fields(sensor))]) + "\n"


def _print_key(table: Any, name: str) -> str:
    return f"{name} = {_toml(getattr(table, name))}"


def _toml(value: object) -> str:
    if not isinstance(value, str):
        return repr(value)
    return json.dumps(value, ensure_ascii=False)  # which escapes what may be in a name as TOML does
