"""The detector bench: bedtick and STA/LTA over seeded synthetic nights, and bedtick over real recordings.

`make bench-detector` runs it whole, about 200 hours of nights. With --scenario, --chip, --rate or
--hours only that much of it is run.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import os
import sys
from pathlib import Path
from typing import Any

import tables
from campaign import USUAL_HZ, Row, run_all, trials
from chips import CHIPS
from ideal import AMPLITUDES_MG, limit
from real import real_recordings
from scenarios import SCENARIOS
from sta_lta import INSTALL
from trial import Trial


def parse() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenario", choices=SCENARIOS, action="append", help="only this one; repeatable")
    parser.add_argument("--chip", choices=CHIPS, help="only this one")
    parser.add_argument("--rate", type=float, metavar="HZ", help="only at this rate")
    parser.add_argument("--hours", type=int, help="hours of each scenario, chip and rate")
    parser.add_argument("--seed", type=int, default=1, help="of the first hour; the next ones follow")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers here")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables into this page")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw recall and F1 (.svg, .png)")
    return parser.parse_args()


def chosen(wanted: argparse.Namespace) -> list[Trial]:
    """Return the nights asked for: those of the whole bench, or a part with its own hours."""
    if wanted.hours is None:
        return [
            trial
            for trial in trials(wanted.seed)
            if (wanted.scenario is None or trial.scenario in wanted.scenario)
            and wanted.chip in {None, trial.chip}
            and wanted.rate in {None, trial.rate_hz}
        ]
    return [
        Trial(name, wanted.chip or "ADXL345", wanted.rate or USUAL_HZ, 1.0, wanted.seed + hour)
        for name in wanted.scenario or SCENARIOS
        for hour in range(wanted.hours)
    ]


def into_page(page: Path, text: str) -> None:
    """Put the tables between the marks of a page, or make a page of them."""
    begin, end = "<!-- bench: begin -->\n", "<!-- bench: end -->\n"
    old = page.read_text() if page.exists() else begin + end
    before, _, rest = old.partition(begin)
    page.write_text(before + begin + text + end + rest.partition(end)[2])


def known(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values with None for what is not a number: JSON has no NaN."""
    return {key: None if _is_nan(value) else value for key, value in values.items()}


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def write_results(wanted: argparse.Namespace, rows: list[Row], text: str) -> None:
    """Write the files that were asked for."""
    if wanted.json:
        wanted.json.write_text(json.dumps([known(tables.numbers(row)) for row in rows], indent=1) + "\n")
    if wanted.markdown:
        into_page(wanted.markdown, text)
    if wanted.picture:
        from picture import draw  # noqa: PLC0415  matplotlib takes a second that only a picture is worth

        draw(rows, wanted.picture)


def main() -> None:
    """Run the bench and print its tables."""
    wanted = parse()
    if importlib.util.find_spec("obspy") is None:
        sys.exit(INSTALL)
    rows = run_all(chosen(wanted), wanted.jobs)
    chips = [name for name in AMPLITUDES_MG if name in {row.chip for row in rows}]
    folder = os.environ.get("BEDTICK_DATA")
    heard, refused = real_recordings(Path(folder)) if folder else ([], ["all: BEDTICK_DATA names no folder"])
    text = tables.sections(rows, [limit(name, wanted.seed) for name in chips], heard)
    print(text)
    for reason in refused:
        print(f"recording left out: {reason}")
    write_results(wanted, rows, text)


if __name__ == "__main__":
    main()
