"""`bedtick demo`: prints its night, finds all that is clear and invents nothing; the same for a seed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bedtick.firmware.emulator import Mattress

VERDICT = re.compile(
    r"Put in: (?P<clear>\d+) events of 10 mg and more, (?P<weak>\d+) weaker. "
    r"Found: (?P<clear_found>\d+) and (?P<weak_found>\d+). Invented: (?P<invented>\d+)."
)
PLACE = re.compile(r"Look again: .+ summary --db (?P<path>.+)")


@pytest.fixture
def short_night(monkeypatch):
    """Let the demo's night last five minutes."""
    monkeypatch.setattr("bedtick.logger.demo.NIGHT_S", 300.0)


def busy_seeds(how_many):
    """Seeds of nights that have plenty of events in their first minutes."""
    seeds = (seed for seed in range(1000) if len(Mattress(seed).truth(0.0, 300.0)) > 20)
    return [next(seeds) for _ in range(how_many)]


def check_verdict(result):
    """Check a demo's end, and what it says it found; the result is the verdict's match."""
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith("Night 2026-01-10, Saturday to Sunday")
    verdict = VERDICT.fullmatch(lines[-2])
    assert verdict, lines[-2]
    assert PLACE.fullmatch(lines[-1])
    assert verdict["clear_found"] == verdict["clear"], lines[-2]
    assert int(verdict["weak_found"]) <= int(verdict["weak"])
    assert verdict["invented"] == "0", lines[-2]
    return verdict


@pytest.mark.parametrize("seed", [1, 6])
def test_demo_finds_what_is_clear_and_invents_nothing(bedtick, tmp_path, seed):
    """For each seed all events of 10 mg and more are found, and none that was not put in."""
    verdict = check_verdict(bedtick("demo", "--seed", seed, "--db", tmp_path / "demo.db"))
    assert int(verdict["clear"]) > 20


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 140))
def test_demo_of_many_seeds(bedtick, tmp_path, seed):
    """The same for forty seeds more."""
    check_verdict(bedtick("demo", "--seed", seed, "--db", tmp_path / "demo.db"))


@pytest.mark.usefixtures("short_night")
def test_same_seed_same_night(bedtick, tmp_path):
    """One seed gives the same events twice, times included, and another seed gives others."""
    seed, other = busy_seeds(2)

    def events(seed, name):
        db = tmp_path / name
        check_verdict(bedtick("demo", "--seed", seed, "--db", db))
        return json.loads(bedtick("events", "--db", db, "--json").stdout)

    first = events(seed, "first.db")
    assert len(first) > 5
    assert events(seed, "second.db") == first
    assert events(other, "third.db") != first


@pytest.mark.usefixtures("short_night")
def test_demo_uses_a_new_temporary_file(bedtick, monkeypatch, tmp_path):
    """Unless told, the demo records into a file of its own, prints its path, and leaves $BEDTICK_DB alone."""
    monkeypatch.setenv("BEDTICK_DB", str(tmp_path / "mine.db"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    result = bedtick("demo", "--seed", 3)
    assert result.exit_code == 0
    path = Path(PLACE.fullmatch(result.stdout.splitlines()[-1])["path"])
    assert path.is_file()
    assert tmp_path in path.parents
    assert not (tmp_path / "mine.db").exists()
    summary = bedtick("summary", "--db", path)
    assert result.stdout.startswith(summary.stdout)
