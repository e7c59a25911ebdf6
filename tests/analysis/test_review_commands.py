"""The review commands as a person calls them: output, JSON, exit codes, and what they import."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version

import pytest
from click.testing import CliRunner

from bedtick.analysis.cli import COMMANDS, main

EVENT_KEYS = [
    "id", "night", "recording", "scoring", "start_s", "duration_s", "start_utc", "clock", "kind", "peak_mg",
    "rms_mg", "dominant_hz", "tilt_deg", "snr", "bout", "sub_bursts", "direction_ratio", "train_hz",
]  # fmt: skip
NIGHT_KEYS = [
    "night", "place", "start_utc", "end_utc", "clock", "ended", "recordings", "recorded_s", "valid_s",
    "events", "per_valid_hour", "twitch", "movement", "large", "turn",
]  # fmt: skip
SUMMARY_KEYS = [
    "night", "place", "time_zone", "start_utc", "end_utc", "clock", "ended", "samples_missing_at_most_s",
    "events_missing_at_most_s", "recordings", "recorded_s", "valid_s", "invalid_s", "unscored_s", "rates_of",
    "events", "kinds", "hours", "activity", "strongest", "bouts", "minutes_to_long_quiet", "weakest_mg",
    "weakest_worst_tenth_mg", "faults", "markers",
]  # fmt: skip


def run(*arguments):
    """Run bedtick inside this process."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def night(bed):
    """Make a database with one short night of two events."""
    bed.add(length_s=600, events=((100.0, 0.25, "twitch", 21.5), (200.0, 1.5, "movement", 12.0)))
    return bed.path


def test_summary_shows_the_last_night(night):
    """`summary` prints the night and its events."""
    result = run("summary", "--db", night)
    assert result.exit_code == 0
    assert result.output.startswith("Night 2026-02-03, Tuesday to Wednesday   bed (adxl345)\n")


def test_summary_is_one_object_with_fixed_keys(night):
    """`summary --json` prints one object; its keys are a promise."""
    assert list(json.loads(run("summary", "--db", night, "--json").stdout)) == SUMMARY_KEYS


def test_nights_is_one_array_with_fixed_keys(night):
    """`nights --json` prints an array with one object a night."""
    (row,) = json.loads(run("nights", "--db", night, "--json").stdout)
    assert list(row) == NIGHT_KEYS


def test_event_has_the_keys_of_the_contract(night):
    """`events --json` gives every key of the contract, in its order, null where unknown."""
    event, _ = json.loads(run("events", "--db", night, "--json").stdout)
    assert list(event) == EVENT_KEYS
    assert event | {"rms_mg": 0} == {
        "id": 1, "night": "2026-02-03", "recording": 1, "scoring": 1, "start_s": 100.0, "duration_s": 0.25,
        "start_utc": "2026-02-03T21:42:40.000Z", "clock": "synced", "kind": "twitch", "peak_mg": 21.5,
        "rms_mg": 0, "dominant_hz": 6.5, "tilt_deg": None, "snr": 10.75, "bout": None,
        "sub_bursts": None, "direction_ratio": None, "train_hz": None,
    }  # fmt: skip


def test_features_of_an_event_are_read(night, bed):
    """What version 2 stores of an event is in its JSON."""
    bed.database.execute(
        "UPDATE events SET sub_bursts = 4, direction_ratio = 0.9, train_hz = 2.5 WHERE id = 1"
    )
    event, _ = json.loads(run("events", "--db", night, "--json").stdout)
    assert (event["sub_bursts"], event["direction_ratio"], event["train_hz"]) == (4, 0.9, 2.5)


@pytest.mark.parametrize("command", ["events", "summary"])
def test_file_of_version_1_is_read(night, bed, command):
    """A file without the columns of version 2 reads as before; what it does not have is null."""
    for column in ("sub_bursts", "direction_ratio", "train_hz"):
        bed.database.execute(f"ALTER TABLE events DROP COLUMN {column}")
    bed.database.execute("DROP TABLE calibrations")
    bed.database.execute("PRAGMA user_version = 1")
    value = json.loads(run(command, "--db", night, "--json").stdout)
    event = value[0] if command == "events" else value["strongest"][0]
    assert (event["peak_mg"], event["sub_bursts"], event["train_hz"]) == (21.5, None, None)


def test_infinite_ratio_is_unknown(night, bed):
    """A peak over a floor of nothing is no number that JSON knows."""
    bed.database.execute("UPDATE events SET snr = 9e999")
    event, _ = json.loads(run("events", "--db", night, "--json").stdout)
    assert event["snr"] is None


def test_tables_have_one_line_a_row(night):
    """The tables fit 80 columns, with a heading and one line a row."""
    for command, rows in (("nights", 1), ("events", 2)):
        lines = run(command, "--db", night).output.splitlines()
        assert len(lines) == 1 + rows
        assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("command", ["summary", "nights", "events"])
def test_database_without_nights_is_no_error(bed, command):
    """Before the first night the commands say so kindly, and `[]` as JSON."""
    kindly = run(command, "--db", bed.path)
    assert (kindly.exit_code, kindly.output) == (
        0,
        f"No nights yet in {bed.path}. Start one with `bedtick run`.\n",
    )
    assert run(command, "--db", bed.path, "--json").output == "[]\n"


def test_night_without_events_is_no_error(bed):
    """A night without events is told as one, and `[]` as JSON."""
    bed.add(length_s=600)
    assert run("events", "--db", bed.path).output == "No events in night 2026-02-03.\n"
    assert run("events", "--db", bed.path, "--json").output == "[]\n"
    assert run("summary", "--db", bed.path).exit_code == 0


@pytest.mark.parametrize("command", ["summary", "nights", "events"])
def test_missing_database_is_one_line(tmp_path, command):
    """No database is one line on standard error and exit code 1."""
    result = run(command, "--db", tmp_path / "no.db")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [("1999-01-01",), ("r99",), ("--scoring", "77")])
def test_unknown_night_or_scoring_is_one_line(night, arguments):
    """What is not in the database is named in one line, exit code 1."""
    result = run("summary", "--db", night, *arguments)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)


def test_unknown_night_of_an_empty_database_is_an_error(bed):
    """A night asked for by name must exist, even where there are none."""
    assert run("summary", "2026-01-01", "--db", bed.path).exit_code == 1


@pytest.mark.parametrize(
    "arguments", [("yesterday",), ("--scoring", "best"), ("--scoring", "-1"), ("--nope",)]
)
def test_wrong_usage_has_exit_code_2(night, arguments):
    """What bedtick cannot read is wrong usage."""
    assert run("summary", "--db", night, *arguments).exit_code == 2


def test_environment_names_the_database(night, monkeypatch):
    """`$BEDTICK_DB` is read where no option is given."""
    monkeypatch.setenv("BEDTICK_DB", str(night))
    assert run("nights").output.splitlines()[1].startswith("2026-02-03")


def test_reading_leaves_the_file_alone(night, bed):
    """The review commands change no byte of the database."""
    bed.database.close()
    before = night.read_bytes()
    for command in ("summary", "nights", "events"):
        assert run(command, "--db", night).exit_code == 0
    assert night.read_bytes() == before


def test_help_groups_the_commands():
    """The help names every command in the order of a day, each with its line."""
    output = run("--help").output
    marks = [
        "Tonight:",
        "run ",
        "check ",
        "demo ",
        "Morning:",
        "summary ",
        "nights ",
        "events ",
        "Laptop:",
        "import ",
    ]
    positions = [output.index(f"\n{mark}" if mark.endswith(":") else f"  {mark}") for mark in marks]
    assert positions == sorted(positions)
    assert all(entry.does in output for entry in COMMANDS)


def test_version_is_the_distributions():
    """`--version` prints the installed version."""
    assert version("bedtick") in run("--version").output


def test_unknown_command_is_wrong_usage():
    """A command that does not exist is wrong usage, told by name."""
    result = run("sumary")
    assert result.exit_code == 2
    assert "sumary" in result.stderr


HEAVY = ("numba", "numpy", "smbus2", "sqlite_utils", "rich")
PROBE = """
import sys
from bedtick.analysis.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert not end.code, end.code
print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)
"""


@pytest.mark.parametrize("command", [["summary"], ["nights"], ["events"], ["--help"]])
def test_review_needs_none_of_the_nights_packages(night, command):
    """The review commands import neither the detector's packages nor the writer's."""
    options = [] if command == ["--help"] else ["--db", str(night)]
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(heavy=HEAVY), *command, *options],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == "[]\n"


def test_help_imports_no_command():
    """`--help` is written from the table; no command's module is loaded for it."""
    probe = (
        "import sys\nfrom bedtick.analysis.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print([m for m in sys.modules if m.startswith('bedtick.analysis.cli.')], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_closed_pipe_is_quiet(bed):
    """Piping into `head` ends without a traceback."""
    bed.add(length_s=8 * 3600, events=tuple((2.0 * n + 1, 0.2, "twitch", 20.0) for n in range(9000)))
    bedtick = f"{sys.executable} -c 'from bedtick.analysis.cli import main; main()'"
    program = f"{bedtick} events --db {bed.path} | head -1"
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("  Event")
    assert done.stderr == ""


def test_file_of_a_first_start_that_was_cut_short_is_named_empty(tmp_path):
    """A file without a table is no stranger's: the next start fills it."""
    path = tmp_path / "bedtick.db"
    path.touch()
    result = run("summary", "--db", path)
    assert result.exit_code == 1
    assert result.stderr == f"Error: {path} is still empty; the next `bedtick run` fills it\n"


def test_each_place_is_shown_apart(bed):
    """Two sides of a bed have a table each, and no command adds them up: it asks which one is meant."""
    bed.add(length_s=600, events=((100.0, 0.25, "twitch", 21.5),), place="left")
    bed.add(length_s=600, place="right")
    listed = run("nights", "--db", bed.path).stdout.splitlines()
    assert [line for line in listed if line.startswith("Place")] == ["Place: left", "Place: right"]
    rows = json.loads(run("nights", "--json", "--db", bed.path).stdout)
    assert [(row["place"], row["events"]) for row in rows] == [("left", 1), ("right", 0)]
    for command in ("summary", "events"):
        result = run(command, "--db", bed.path)
        assert result.exit_code == 1
        assert "choose one with --place: left, right" in result.stderr
    found = json.loads(run("summary", "--json", "--place", "left", "--db", bed.path).stdout)
    assert [recording["place"] for recording in found["recordings"]] == ["left"]
    assert found["events"]["count"] == 1
    assert len(json.loads(run("events", "--json", "--place", "left", "--db", bed.path).stdout)) == 1
    assert json.loads(run("events", "--json", "--place", "right", "--db", bed.path).stdout) == []
