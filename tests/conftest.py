"""What the tests of all rooms share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture
def data_folder():
    """Return the folder of real recordings, or skip."""
    folder = os.environ.get("BEDTICK_DATA")
    if not folder:
        pytest.skip("BEDTICK_DATA does not name the folder of real recordings")
    return Path(folder)


def pytest_terminal_summary(terminalreporter):
    """Print what campaigns counted, with their seeds."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == "counted":
                terminalreporter.write_line(value)
