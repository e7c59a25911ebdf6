"""The bench of the daemon's cost on a device file runs, and prints what it promises."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def bench(monkeypatch):
    """Import the bench."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("ioctl_cost")


def test_a_second_of_one_chip(bench, monkeypatch, tmp_path, capsys):
    """The daemon records from the library's chip, and its cost is a line of the table."""
    shim = bench.load_shim()
    if shim.COMPILER is None:
        pytest.skip("the stand-in for /dev/i2c-N needs a C compiler (cc)")
    monkeypatch.setattr(bench, "SETTLED_S", 0.0)
    bus = shim.ShimBus(shim.build_library(tmp_path), tmp_path / "world", "lis3dh")
    cost = bench.measure(bus, "lis3dh", tmp_path, 1.0)
    assert cost.calls > 0
    assert cost.moved_bytes > 6 * 0.5 * cost.samples
    assert 0 < cost.user + cost.kernel < 2
    bench.print_row("lis3dh", cost, multi_read=True)
    assert capsys.readouterr().out.startswith("| lis3dh | several reads a call | ")
