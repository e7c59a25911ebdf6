"""Draws the bench's picture: recall by amplitude for each chip, and F1 by scenario beside STA/LTA."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

import sta_lta
import tables
from campaign import USUAL_HZ, Row

OWN, OTHER = "#1f6f8b", "#d98e04"


def draw(rows: list[Row], path: Path) -> None:
    """Write the picture to `path`; its ending says in which format."""
    mpl.rcParams["svg.hashsalt"] = "bedtick"  # the same results give the same file
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5.5), layout="constrained")
    _draw_amplitudes(left, [row for row in rows if row.rate_hz == USUAL_HZ])
    _draw_scenarios(right, [row for row in rows if (row.chip, row.rate_hz) == ("ADXL345", USUAL_HZ)])
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    plt.close(figure)


def _draw_amplitudes(axes: Axes, rows: list[Row]) -> None:
    middles_mg = np.sqrt(np.array(tables.CLASSES_MG[:-1]) * np.array(tables.CLASSES_MG[1:]))
    for name, result in tables.pool(rows).items():
        axes.semilogx(middles_mg, [share for share, _ in tables.recall_by_class(result)], "o-", label=name)
    axes.set(xlabel="peak at the sensor, mg", ylabel="recall, all scenarios", ylim=(0.0, 1.02))
    axes.set_xticks([2, 4, 8, 20, 50, 200], ["2", "4", "8", "20", "50", "200"])
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")


def _draw_scenarios(axes: Axes, rows: list[Row]) -> None:
    shown = [row for row in rows if row.tally.counted.any()]
    at = np.arange(len(shown))
    best = [float(sta_lta.f1_of(row.triggers[row.best_trigger])) for row in shown]
    own = [row.tally.f1 for row in shown]
    axes.hlines(at, np.minimum(best, own), np.maximum(best, own), color="0.75", zorder=1)
    axes.scatter(best, at, color=OTHER, label="STA/LTA, best setting in hindsight")
    axes.scatter(own, at, color=OWN, label="bedtick, as it comes")
    axes.set(xlabel="F1, ADXL345 at 400 Hz, 8 mg and more")
    axes.set_yticks(at, [row.scenario for row in shown])
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
