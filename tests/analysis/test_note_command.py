"""`bedtick note --starts`, and `--tz` of the morning commands: what is taken, and what is refused."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import pytest
from click.testing import CliRunner

from bedtick.analysis import writing
from bedtick.analysis.cli import main
from bedtick.analysis.errors import NotWritableError

UNCLOCKED = {"synced": None, "wall": False, "length_s": 3600}
SPRING = "there was no 02:30 on 2026-03-29 in Europe/Berlin: the clocks went forward"


def run(*arguments):
    """Run bedtick inside this process."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def anchors(path):
    """All times that a person gave: recording, boot time in s, UTC."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT recording_id, boot_ns / 1e9,"
            " strftime('%Y-%m-%dT%H:%M', utc_ns / 1000000000, 'unixepoch'), sample, synced"
            " FROM anchors WHERE cause = 'hand' ORDER BY id"
        )
        return rows.fetchall()


def names(path, *options):
    """Names of all nights."""
    return [night["night"] for night in json.loads(run("nights", "--db", path, "--json", *options).stdout)]


def test_a_night_without_a_clock_gets_its_date(bed):
    """The recording is told by the time that was given, in its own zone; the command says how it is now."""
    bed.add(**UNCLOCKED)
    result = run("note", "--starts", "2026-02-03T22:45", "--db", bed.path)
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "Recording 1 began 2026-02-03 22:45 CET: night 2026-02-03.",
        "Wrong? Say it again: bedtick note r1 --starts TIME",
    ]
    assert anchors(bed.path) == [(1, 100.0, "2026-02-03T21:45", 0, 0)]
    (night,) = json.loads(run("nights", "--db", bed.path, "--json").stdout)
    assert (night["night"], night["clock"], night["start_utc"]) == (
        "2026-02-03",
        "late",
        "2026-02-03T21:45:00.000Z",
    )


def test_the_last_word_counts(bed):
    """A start can be corrected by either name of the night, as often as needed."""
    bed.add(**UNCLOCKED)
    for night, start in (
        ("r1", "2026-02-03T22:45"),
        ("2026-02-03", "2026-02-04 22:00"),
        ("r1", "2026-02-05 01:00"),
    ):
        assert run("note", night, "--starts", start, "--db", bed.path).exit_code == 0
    assert names(bed.path) == ["2026-02-04"]
    assert len(anchors(bed.path)) == 3


@pytest.mark.parametrize(
    ("start", "options", "utc"),
    [
        ("2026-02-03T22:45", (), "2026-02-03T21:45"),
        ("2026-02-03 22:45", (), "2026-02-03T21:45"),
        ("2026-02-03T22:45", ("--tz", "America/New_York"), "2026-02-04T03:45"),
        ("2026-02-03T22:45Z", ("--tz", "America/New_York"), "2026-02-03T22:45"),
        ("2026-02-03T22:45+05:30", (), "2026-02-03T17:15"),
        ("2026-10-25T02:30", (), "2026-10-25T00:30"),
        ("2026-10-25T02:30+01:00", (), "2026-10-25T01:30"),
    ],
)
def test_the_zone_of_a_time(bed, start, options, utc):
    """A time has the zone that it names, else that of --tz, else the recording's; of two the earlier one."""
    bed.add(**UNCLOCKED)
    assert run("note", "--starts", start, *options, "--db", bed.path).exit_code == 0
    assert [row[2] for row in anchors(bed.path)] == [utc]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("note", "--starts", "22:45"), "'22:45' is no time: write date and time, such as 2026-02-03T22:45."),
        (("note", "--starts", "2026-02-03"), "'2026-02-03' is no time: write date and time"),
        (("note", "--starts", "1969-02-03T22:45"), "'1969-02-03T22:45' is no time"),
        (("note", "--starts", "2200-02-03T22:45"), "'2200-02-03T22:45' is no time"),
        (("note", "--starts", "2026-02-30T22:45"), "'2026-02-30T22:45' is no time"),
        (("note", "--starts", "soon"), "'soon' is no time"),
        (("note", "--starts", "2026-03-29T02:30"), SPRING),
        (("note",), "Missing option '--starts'"),
        (("note", "yesterday", "--starts", "2026-02-03T22:45"), "'yesterday' names no night"),
        (
            ("summary", "--tz", "Mars/Olympus"),
            "'Mars/Olympus' is no time zone: write a name such as Europe/Berlin",
        ),
        (("nights", "--tz", ""), "'' is no time zone"),
        (("events", "--tz", "../../etc/passwd"), "'../../etc/passwd' is no time zone"),
        (("note", "--tz", "CET-1CEST", "--starts", "2026-02-03T22:45"), "'CET-1CEST' is no time zone"),
    ],
)
def test_wrong_usage_changes_nothing(bed, arguments, says):
    """What is no time, or no zone, is named in one line after the usage, with exit code 2."""
    bed.add(**UNCLOCKED)
    result = run(*arguments, "--db", bed.path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr.splitlines()[-1]
    assert anchors(bed.path) == []


def test_a_synchronised_night_keeps_its_times(bed):
    """A clock that was right, or was put right later, goes before memory; nights without one are named."""
    bed.add(length_s=600)
    bed.add(start="2026-02-04T22:00:00+00:00", length_s=600, synced=(300, 1e9))
    bed.add(**UNCLOCKED)
    for name in ("2026-02-03", "r1", "2026-02-04"):
        result = run("note", name, "--starts", "2026-02-06T22:45", "--db", bed.path)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == (
            f"Error: night {name} has a clock that was synchronised, so its times stay; without one: r3\n"
        )
    assert anchors(bed.path) == []


def test_without_another_night_it_says_so(bed):
    """Where every night has a date, the refusal says that too."""
    bed.add(length_s=600)
    result = run("note", "--starts", "2026-02-06T22:45", "--db", bed.path)
    assert "night 2026-02-03 has a clock" in result.stderr
    assert "without one: none, all nights have a date" in result.stderr


def test_a_night_of_several_recordings_asks_which(bed):
    """Where a night joins several boots, the recording has to be named."""
    bed.add(length_s=600)
    bed.add(**UNCLOCKED)
    assert run("note", "r2", "--starts", "2026-02-04T01:00", "--db", bed.path).exit_code == 0
    result = run("note", "2026-02-03", "--starts", "2026-02-04T02:00", "--db", bed.path)
    assert (result.exit_code, result.stderr) == (
        1,
        "Error: night 2026-02-03 has several recordings; say which one began then: r2\n",
    )
    assert run("note", "r2", "--starts", "2026-02-04T02:00", "--db", bed.path).exit_code == 0
    assert len(anchors(bed.path)) == 2


def test_a_sensor_records_one_thing_at_a_time(bed):
    """A start at which the same place recorded something else is refused; ten minutes may overlap."""
    bed.add(start="2026-02-03T21:00:00+00:00", length_s=7200)
    bed.add(**UNCLOCKED)
    bed.add(**UNCLOCKED, place="left")
    bed.add(**UNCLOCKED, source="import")
    result = run("note", "r2", "--starts", "2026-02-03T23:45", "--db", bed.path)
    says = (
        "Error: recording 2 can not have run then: recording 1 of the same place ran from "
        "2026-02-03 22:00 CET to 2026-02-04 00:00 CET; give another time\n"
    )
    assert (result.exit_code, result.stderr) == (1, says)
    assert anchors(bed.path) == []
    for name, start in (("r3", "23:00"), ("r4", "23:00"), ("r2", "23:51")):
        assert run("note", name, "--starts", f"2026-02-03T{start}", "--db", bed.path).exit_code == 0


def test_a_date_can_be_taken_back(bed):
    """`unknown` makes a night one without a date again; it can then be said anew."""
    bed.add(**UNCLOCKED)
    assert run("note", "--starts", "2026-02-03T22:45", "--db", bed.path).exit_code == 0
    result = run("note", "r1", "--starts", "unknown", "--db", bed.path)
    assert (result.exit_code, result.output) == (0, "Recording 1 has no date any more.\n")
    assert names(bed.path) == ["r1"]
    assert [row[2] for row in anchors(bed.path)] == ["2026-02-03T21:45", None]
    assert run("note", "--starts", "2026-02-04T22:45", "--db", bed.path).exit_code == 0
    assert names(bed.path) == ["2026-02-04"]


def test_two_nights_dated_by_hand_can_change_places(bed):
    """Where the other one was dated by hand too, the refusal names the way out, and it is one."""
    bed.add(**UNCLOCKED)
    bed.add(**UNCLOCKED)
    assert run("note", "r1", "--starts", "2026-02-03T22:00", "--db", bed.path).exit_code == 0
    result = run("note", "r2", "--starts", "2026-02-03T22:05", "--db", bed.path)
    assert result.stderr.endswith("; give another time, or say first that r1's start is unknown\n")
    assert run("note", "r1", "--starts", "unknown", "--db", bed.path).exit_code == 0
    assert run("note", "r2", "--starts", "2026-02-03T22:05", "--db", bed.path).exit_code == 0
    assert names(bed.path) == ["r1", "2026-02-03"]


def test_the_last_of_several_in_one_boot_asks_which(bed):
    """Where one boot has several recordings without a date, `last` is refused and all are named."""
    bed.add(**UNCLOCKED, boot_id="b")
    bed.add(**UNCLOCKED, boot_id="b", boot_s=90000.0)
    result = run("note", "--starts", "2026-02-03T22:45", "--db", bed.path)
    says = "Error: the device ran on through several recordings; say which one began then: r1, r2\n"
    assert (result.exit_code, result.stderr) == (1, says)
    assert anchors(bed.path) == []
    assert run("note", "r2", "--starts", "2026-02-03T22:45", "--db", bed.path).exit_code == 0


def test_the_place_of_a_numbered_recording_must_fit(bed):
    """A number and the place of another sensor contradict each other: nothing is dated."""
    bed.add(**UNCLOCKED)
    asked = ("note", "r1", "--starts", "2026-02-03T22:45", "--db", bed.path)
    assert run(*asked, "--place", "left").exit_code == 1
    assert anchors(bed.path) == []
    assert run(*asked, "--place", "bed").exit_code == 0


def test_unknown_night_is_named(bed):
    """A night that is not there is refused as by the other commands."""
    bed.add(**UNCLOCKED)
    result = run("note", "r7", "--starts", "2026-02-03T22:45", "--db", bed.path)
    assert (result.exit_code, result.stderr) == (
        1,
        "Error: no night r7: the last is r1, `bedtick nights` lists all\n",
    )


def test_no_night_yet_is_no_error(bed):
    """Before the first night there is nothing to place, and that is said kindly."""
    result = run("note", "--starts", "2026-02-03T22:45", "--db", bed.path)
    assert (result.exit_code, result.output) == (
        0,
        f"No nights yet in {bed.path}. Start one with `bedtick run`.\n",
    )


def test_a_note_waits_for_the_daemon(bed, monkeypatch):
    """While another connection writes, the note waits for its turn, and is then on disk."""
    bed.add(**UNCLOCKED)
    monkeypatch.setattr(writing, "BUSY_TIMEOUT_S", 30.0)
    with closing(sqlite3.connect(bed.path, isolation_level=None, check_same_thread=False)) as daemon:
        daemon.execute("BEGIN IMMEDIATE")
        threading.Timer(0.3, lambda: daemon.execute("COMMIT")).start()
        result = run("note", "--starts", "2026-02-03T22:45", "--db", bed.path)
        assert result.exit_code == 0
        assert len(anchors(bed.path)) == 1
        assert os.path.exists(f"{bed.path}-wal")  # noqa: PTH110  the log is the daemon's to move into the file
        assert os.path.getsize(f"{bed.path}-wal") > 0  # noqa: PTH202  the same


def test_a_database_that_is_held_for_long_is_told(bed, monkeypatch):
    """Who holds the lock for good is named as a cause, in one line."""
    bed.add(**UNCLOCKED)
    monkeypatch.setattr(writing, "BUSY_TIMEOUT_S", 0.05)
    with closing(sqlite3.connect(bed.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        result = run("note", "--starts", "2026-02-03T22:45", "--db", bed.path)
    says = f"Error: {bed.path} was not changed (database is locked); another program holds it; try again\n"
    assert (result.exit_code, result.stderr) == (1, says)
    assert anchors(bed.path) == []


def test_who_may_not_write_is_told(bed, monkeypatch):
    """A database that this user may only read gives one line with the group's name."""
    bed.add(**UNCLOCKED)
    connect = sqlite3.connect

    def only_reading(name, **options):
        return connect(name.replace("mode=rw", "mode=ro"), **options)

    monkeypatch.setattr(sqlite3, "connect", only_reading)
    result = run("note", "--starts", "2026-02-03T22:45", "--db", bed.path)
    says = (
        f"Error: {bed.path} was not changed (attempt to write a readonly database); "
        "members of the group bedtick may write it (sudo usermod -aG bedtick $USER)\n"
    )
    assert (result.exit_code, result.stderr) == (1, says)


def write_two_notes(path, causes):
    """Write anchors in one transaction."""
    with writing.writing(path) as connection:
        for cause in causes:
            connection.execute("INSERT INTO anchors VALUES (NULL, 1, 0, 0, 0, 0, ?)", (cause,))


def test_a_failed_note_leaves_no_trace(bed):
    """What fails half-way is undone."""
    bed.add(**UNCLOCKED)
    with pytest.raises(NotWritableError, match="was not changed"):
        write_two_notes(bed.path, ("hand", "guess"))
    assert anchors(bed.path) == []


def test_nights_are_cut_and_told_by_the_zone_asked_for(bed):
    """`--tz` moves noon and every local time; UTC stays."""
    bed.add(start="2026-02-03T21:00:00+00:00", length_s=8 * 3600, events=((3600.0, 0.5, "twitch", 20.0),))
    assert names(bed.path) == ["2026-02-03"]
    assert names(bed.path, "--tz", "Asia/Tokyo") == ["2026-02-03", "2026-02-04"]
    asked = ("2026-02-03", "--tz", "Asia/Tokyo", "--db", bed.path)
    assert "06:00 to 12:00 Asia/Tokyo" in run("summary", *asked).output.replace("\n", " ")
    summary = json.loads(run("summary", *asked, "--json").stdout)
    assert (summary["time_zone"], summary["start_utc"]) == ("Asia/Tokyo", "2026-02-03T21:00:00.000Z")
    assert "07:00:00" in run("events", *asked).output
    assert "06:00  12:00" in run("nights", "--tz", "Asia/Tokyo", "--db", bed.path).output


def test_a_note_starts_in_a_blink(bed):
    """Neither numpy nor sqlite-utils is imported, nor anything of the night's side."""
    bed.add(**UNCLOCKED)
    code = (
        "import sys; from bedtick.analysis.cli import main;"
        "main(sys.argv[1:], standalone_mode=False);"
        "print([name for name in sys.modules"
        " if name.split('.')[0] in ('numpy', 'numba', 'sqlite_utils', 'rich')"
        " or name.startswith(('bedtick.logger', 'bedtick.firmware'))])"
    )
    command = [sys.executable, "-c", code, "note", "--starts", "2026-02-03T22:45", "--db", str(bed.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
