"""Sets the bench's results as tables of Markdown, and as plain numbers for a JSON file."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

import sta_lta
from campaign import Row
from chips import CHIPS
from ideal import Limit
from real import Real
from score import Tally, add

CLASSES_MG = (2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0, 50.0, 500.0)
CLEAR_MG = 20.0  # events from here on are clear to any chip


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table of Markdown; every column but the first is set to the right."""
    ruled = ["| " + " | ".join(line) + " |" for line in [head, *rows]]
    return "\n".join([ruled[0], "|---|" + "--:|" * (len(head) - 1), *ruled[1:]]) + "\n"


def _number(value: float, form: str = ".3f") -> str:
    return "-" if math.isnan(value) else format(value, form)


def onset_errors_ms(result: Tally, least_mg: float) -> tuple[float, float]:
    """Return median and 95th percentile of the onset errors' size, of found events from `least_mg` on."""
    errors = result.onset_error_s[result.counted & result.found & (result.peak_mg >= least_mg)]
    if not len(errors):
        return math.nan, math.nan
    return float(1e3 * np.median(np.abs(errors))), float(1e3 * np.percentile(np.abs(errors), 95))


def numbers(row: Row) -> dict[str, Any]:
    """Return one row's results by name."""
    result, best = row.tally, row.triggers[row.best_trigger]
    hits, missed, false = (int(x) for x in best)
    hours = result.total_s / 3600.0
    return {
        "scenario": row.scenario,
        "chip": row.chip,
        "rate_hz": row.rate_hz,
        "hours": hours,
        "events": int(result.counted.sum()),
        "recall": result.recall,
        "precision": result.precision,
        "f1": result.f1,
        "false_per_hour": result.false_per_hour,
        "onset_median_ms": onset_errors_ms(result, CLEAR_MG)[0],
        "onset_p95_ms": onset_errors_ms(result, CLEAR_MG)[1],
        "fragments_per_event": result.fragments / max(1, int(result.found.sum())),
        "neither_per_hour": result.neither / hours,
        "valid_share": result.valid_s / result.total_s,
        "invalid_s": result.invalid_s,
        "sta_lta_f1": float(sta_lta.f1_of(best)) if hits + missed else math.nan,
        "sta_lta_recall": hits / (hits + missed) if hits + missed else math.nan,
        "sta_lta_false_per_hour": false / hours if hits + missed else math.nan,
        "sta_lta_setting": repr(sta_lta.GRID[row.best_trigger]) if hits + missed else None,
    }


def scenario_table(rows: list[Row]) -> str:
    """Return the table of one chip at one rate: a line a scenario, bedtick and STA/LTA side by side."""
    head = [
        "scenario", "hours", "events", "recall", "PPV", "F1", "false/h", "onset error, median (p95) ms",
        "fragments an event", "neither way/h", "valid", "STA/LTA F1", "its recall", "its false/h",
    ]  # fmt: skip
    return table(head, [_scenario_line(numbers(row)) for row in rows])


def _scenario_line(one: dict[str, Any]) -> list[str]:
    return [
        one["scenario"], f"{one['hours']:.0f}", str(one["events"]), _number(one["recall"]),
        _number(one["precision"]) if one["events"] else "-", _number(one["f1"]),
        _number(one["false_per_hour"], ".2f"),
        f"{_number(one['onset_median_ms'], '.0f')} ({_number(one['onset_p95_ms'], '.0f')})",
        f"{one['fragments_per_event']:.2f}", f"{one['neither_per_hour']:.1f}", f"{one['valid_share']:.1%}",
        _number(one["sta_lta_f1"]), _number(one["sta_lta_recall"]),
        _number(one["sta_lta_false_per_hour"], ".2f"),
    ]  # fmt: skip


def recall_by_class(result: Tally) -> list[tuple[float, int]]:
    """Return recall and number of events in each class of `CLASSES_MG`, the heartbeat's bound left aside."""
    classes = []
    for low_mg, high_mg in itertools.pairwise(CLASSES_MG):
        inside = (result.peak_mg >= low_mg) & (result.peak_mg < high_mg)
        share = float(result.found[inside].mean()) if inside.any() else math.nan
        classes.append((share, int(inside.sum())))
    return classes


def amplitude_table(pooled: dict[str, Tally]) -> str:
    """Return recall by amplitude, a line a chip and rate."""
    names = [f"{low:.0f}-{high:.0f} mg" for low, high in itertools.pairwise(CLASSES_MG[:-1])]
    lines = [
        [name, *(_number(share) for share, _ in recall_by_class(result))] for name, result in pooled.items()
    ]
    return table(["chip", *names, f"{CLASSES_MG[-2]:.0f} mg and more"], lines)


def pool(rows: list[Row]) -> dict[str, Tally]:
    """Return all scenarios with events together, by chip and rate."""
    keys = list(dict.fromkeys((row.chip, row.rate_hz) for row in rows))
    return {
        f"{chip}, {rate_hz:.0f} Hz": add([x.tally for x in rows if (x.chip, x.rate_hz) == (chip, rate_hz)])
        for chip, rate_hz in keys
    }


def limit_table(limits: list[Limit]) -> str:
    """Return recall in white noise beside that of an ideal energy detector."""
    lines = [
        [one.chip, f"{peak_mg:g}", f"{ideal:.3f}", f"{own:.3f}"]
        for one in limits
        for peak_mg, ideal, own in zip(one.peaks_mg, one.ideal, one.bedtick, strict=True)
    ]
    return table(["chip", "peak, mg", "ideal energy detector", "bedtick"], lines)


def real_table(heard: list[Real]) -> str:
    """Return the real recordings: events, and time by what it was good for."""
    reasons = sorted({reason for one in heard for reason in one.seconds})
    lines = [
        [
            one.name, f"{one.length_s:.0f}", "yes" if one.still else "", str(one.events),
            f"{one.events / one.length_s * 3600:.1f}" if one.still else "-",
            *(f"{one.seconds.get(reason, 0.0):.0f}" for reason in reasons),
        ]
        for one in heard
    ]  # fmt: skip
    return table(["recording", "s", "at rest", "events", "false/h", *(f"{r}, s" for r in reasons)], lines)


def sections(rows: list[Row], limits: list[Limit], heard: list[Real]) -> str:
    """Return all tables, each under its heading."""
    parts = []
    for name in pool(rows):
        group = [row for row in rows if f"{row.chip}, {row.rate_hz:.0f} Hz" == name]
        bound_mg = CHIPS[group[0].chip].bound_mg
        parts.append(f"## {name}, events of {bound_mg:g} mg and more\n\n{scenario_table(group)}")
    parts.append(f"## Recall by amplitude\n\n{amplitude_table(pool(rows))}")
    parts.append(f"## Distance to the limit, in white noise\n\n{limit_table(limits)}")
    parts.append(f"## Real recordings\n\n{real_table(heard)}")
    return "\n".join(parts)
