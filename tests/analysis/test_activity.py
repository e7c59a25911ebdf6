"""Motion over the night: minutes as data, and as a strip on the screen."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from bedtick.analysis.cli import main


@pytest.fixture
def path(bed):
    """Return half an hour: minute 10 was lively, minutes 20 to 29 hold no sample."""
    bed.add(length_s=1800)
    bed.database.execute("UPDATE minutes SET activity_mg = 3.0")
    bed.database.execute("UPDATE minutes SET activity_mg = 300.0 WHERE minute = 10")
    bed.database.execute(
        "UPDATE minutes SET activity_mg = NULL, valid_s = 0, gap_s = 60 WHERE minute BETWEEN 20 AND 29"
    )
    return bed.path


def run(path, *arguments):
    """Return what `bedtick summary` prints."""
    return CliRunner().invoke(main, ["summary", "--db", str(path), *arguments]).stdout


def test_each_minute_tells_its_motion(path):
    """Every minute is in the JSON; one without a sample is null, not 0."""
    minutes = json.loads(run(path, "--json"))["activity"]
    assert [minute["start_s"] for minute in minutes] == [60.0 * k for k in range(30)]
    assert [minutes[k]["activity_mg"] for k in (9, 10, 11, 20, 29)] == [3.0, 300.0, 3.0, None, None]
    assert minutes[20]["valid_s"] == 0


def test_the_strip_shows_the_lively_minute_and_what_was_not_recorded(path):
    """The liveliest minute stands out, and time without samples does not look calm."""
    (line,) = [line for line in run(path).splitlines() if line.startswith("Motion")]
    cells = line.split()[1]
    assert (len(cells), cells[0], cells[15], cells[-1]) == (50, "▁", "▁", "·")
    assert {cells[17], cells[18]} == {"█"}
    assert line.endswith("3.0 to 300.0 mg")
