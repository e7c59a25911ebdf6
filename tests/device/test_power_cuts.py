"""The power of the disk cut inside any write or flush: no damage, and nothing lost beyond the promise.

The daemon is the real one, the disk a volatile one of the tests (`cuts/`, docs/power-cuts.md). What is broken
is printed with the seed that breaks it again.
"""

from __future__ import annotations

import re

import pytest

COUNTED = re.compile(r"(\d+) cuts, (\d+) with writes in flight, (\d+) broken promises$", re.MULTILINE)
LIES = re.compile(r"^a disk that lies: (\d+) cuts, (\d+) broken promises$", re.MULTILINE)
DOINGS = ("the night", "the last checkpoint", "pruning", "the night after pruning")
STARTS = ("first", "later", "migrated", "pruned", "recovered", "recovered again")


@pytest.fixture
def cut(campaign):
    """Return a function that runs the script, and gives its words and what it counted."""

    def run(*arguments):
        words = campaign("power_cuts.py", *arguments)
        return words, *map(int, COUNTED.search(words).groups())

    return run


def check_everything_was_cut(words):
    """Check that cuts fell into all that the daemon does."""
    for doing in (*DOINGS, *(f"the start ({start})" for start in STARTS)):
        assert re.search(rf"^  {re.escape(doing)}: [1-9]", words, re.MULTILINE), doing


def test_fifty_cuts_and_a_disk_that_lies(cut):
    """Fifty cuts break nothing, nearly all with writes in flight; a disk that lies is found out."""
    words, cuts, in_flight, broken = cut("--seed", 1, "--cuts", 50, "--live", 2, "--lying", 25)
    assert broken == 0, words
    assert cuts == 52
    assert in_flight >= 0.9 * cuts
    check_everything_was_cut(words)
    lies, found_out = map(int, LIES.search(words).groups())
    assert lies == 25
    assert found_out >= 2


@pytest.mark.long
@pytest.mark.parametrize("seed", [101, 103, 105, 107, 109])
def test_a_thousand_cuts(cut, seed):
    """Over ten stories of nights up to four minutes: 1,000 cuts, and 80 of nights that end by theirs."""
    words, cuts, in_flight, broken = cut(
        "--seed", seed, "--stories", 2, "--cuts", 100, "--live", 8, "--longest-s", 240
    )
    assert broken == 0, words
    assert cuts == 216
    assert in_flight >= 0.9 * cuts
    check_everything_was_cut(words)


@pytest.mark.long
def test_a_daemon_that_never_flushes_is_found_out(cut):
    """With SQLite's `synchronous = OFF` the same cuts break the promise many times over."""
    words, cuts, _, broken = cut("--seed", 1, "--cuts", 60, "--careless")
    assert cuts == 60
    assert broken >= 15, words
