"""Samples after faults are put where their counts fit the sample clock."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from bedtick.firmware.chips import Block
from bedtick.firmware.sample_clock import SampleClock
from bedtick.logger.sampling.held_back import EVIDENCE_WANTED, HeldBack

RATE_HZ = 400.0
READ_NS = 200_000
DEPTH = 32


@pytest.fixture
def times():
    """Return a sample clock that knows its oscillator from a minute of evidence."""
    clock = SampleClock(RATE_HZ)
    for step in range(2000):
        time_s = 0.03 * step + step * 0.618 % 1.0 / RATE_HZ
        clock.observe(math.floor(time_s * RATE_HZ), round(time_s * 1e9), READ_NS)
    return clock


def block_at(time_s, taken, *, overrun=False):
    """Return what a drain gives where samples before number `taken` are gone, and the number after it."""
    come = math.floor(time_s * RATE_HZ)
    waiting = min(come - taken, DEPTH)
    counts = np.full((waiting, 3), taken, np.int32)
    return Block(
        counts, overrun=overrun, produced=waiting, boot_ns=round(time_s * 1e9), read_ns=READ_NS
    ), come


def feed(held, start_s, taken, drains):
    """Add drains every 31 ms, the first one with samples from number `taken` on; return the next number."""
    for step in range(drains):
        block, taken = block_at(start_s + 0.0313 * step, taken)
        held.add(block)
    return taken


def test_nothing_is_held_back_without_a_fault(times):
    """Before a fault there is nothing to place."""
    held = HeldBack(times, DEPTH)
    assert not held
    assert held.placed(0) == []
    assert not held.is_ripe(10**12)


@pytest.mark.parametrize("lost", [0, 1, 2, 777])
def test_a_stretch_is_placed_to_the_sample(times, lost):
    """Samples that follow a loss are placed exactly, as soon as eight drains tell where."""
    held, taken = HeldBack(times, DEPTH), 24_400
    held.begin("bus", "no answer")
    for drain in range(EVIDENCE_WANTED):
        assert not held.is_ripe(round(61.03e9))
        taken = feed(held, 61.03 + 0.0313 * drain, taken, 1)
    assert held.is_ripe(round(61.03e9))
    ((found, stretch),) = held.placed(24_400 - lost)
    assert found == lost
    assert (stretch.kind, stretch.detail) == ("bus", "no answer")
    assert stretch.count == taken - 24_400
    assert not held


def test_the_first_of_several_faults_tells_why(times):
    """Faults without a sample in between are one, named by the first."""
    held = HeldBack(times, DEPTH)
    held.begin("bus", "no answer")
    held.begin("overrun", "the FIFO was full")
    feed(held, 61.0, 24_390, 3)
    ((_, stretch),) = held.placed(24_000)
    assert stretch.kind == "bus"


def test_each_fault_has_its_own_loss(times):
    """Two faults shortly after each other are placed apart: 100 samples before one, 7 before the other."""
    held = HeldBack(times, DEPTH)
    held.begin("overrun", "")
    taken = feed(held, 61.0, 24_390, 4)
    held.begin("bus", "")
    feed(held, 61.0 + 4 * 0.0313 + 0.02, taken + 7, 8)
    assert [lost for lost, _ in held.placed(24_290)] == [100, 7]


def test_a_full_fifo_is_no_evidence_where_there_is_better(times):
    """The block that tells of an overrun may hold one sample more than its level says, and does not count."""
    held = HeldBack(times, DEPTH)
    held.begin("overrun", "")
    # 33 samples wait, of which the level shows 32; the drain takes 32.
    block, come = block_at(61.0, math.floor(61.0 * RATE_HZ) - 33, overrun=True)
    held.add(block)
    first = come - 33
    feed(held, 61.0213, first + 32, 1)
    ((lost, stretch),) = held.placed(first - 500)
    assert lost == 500
    assert len(stretch.readings) == 1


def test_a_full_block_alone_is_better_than_nothing(times):
    """Where a fault follows at once, the doubtful count places its samples to within one."""
    held = HeldBack(times, DEPTH)
    held.begin("overrun", "")
    block, come = block_at(61.0, math.floor(61.0 * RATE_HZ) - 33, overrun=True)
    held.add(block)
    held.begin("bus", "")
    ((lost, _),) = held.placed(come - 33 - 500)
    assert lost == pytest.approx(500, abs=1)
    assert held


def test_an_overrun_that_shows_twice_is_one(times):
    """Where the flag comes up again at once, the full FIFO's samples join those that tell their place."""
    held = HeldBack(times, DEPTH)
    held.begin("overrun", "")
    block, come = block_at(61.0, math.floor(61.0 * RATE_HZ) - 33, overrun=True)
    late = dataclasses.replace(block, boot_ns=block.boot_ns - 6_000_000)  # two more came while it was read
    held.add(late)
    held.begin("overrun", "")
    feed(held, 61.02, come - 33 + 32, 8)
    assert [lost for lost, _ in held.placed(come - 33 - 500)] == [500, 0]


def test_a_short_stretch_does_not_overlap_the_next(times):
    """Where both cannot be, the place of the stretch with more evidence holds."""
    held = HeldBack(times, DEPTH)
    held.begin("bus", "")
    short, come = block_at(61.0, 24_390)
    held.add(
        Block(
            short.counts, overrun=False, produced=short.produced - 3, boot_ns=short.boot_ns, read_ns=READ_NS
        )
    )
    held.begin("bus", "")
    feed(held, 61.02, come, 8)
    assert [lost for lost, _ in held.placed(24_380)] == [10, 0]


def test_an_empty_block_tells_nothing(times):
    """What was thrown away with a FIFO's content is no evidence, and nothing is placed because of it."""
    held = HeldBack(times, DEPTH)
    held.begin("overrun", "")
    held.add(
        Block(np.empty((0, 3), np.int32), overrun=True, produced=170, boot_ns=61 * 10**9, read_ns=READ_NS)
    )
    assert held.placed(24_000) == []
    feed(held, 61.1, 24_430, 8)
    assert [lost for lost, _ in held.placed(24_000)] == [430]


def test_samples_do_not_wait_for_ever(times):
    """A third of a second is enough for a slow chip, and a second however many faults follow each other."""
    held = HeldBack(times, DEPTH)
    held.begin("bus", "")
    feed(held, 61.0, 24_390, 1)
    assert not held.is_ripe(round(61.2e9))
    assert held.is_ripe(round(61.31e9))
    for fault in range(8):
        held.begin("bus", "")
        feed(held, 61.1 + fault / 8, 24_430 + 50 * fault, 1)
    assert held.is_ripe(round(62.01e9))


def test_a_silence_is_blamed_on_its_fault_once(times):
    """The first row of a silence names the fault that began it; what is still to come is a silence."""
    held = HeldBack(times, DEPTH)
    assert held.blame() is None
    held.begin("bus", "no answer")
    assert held.blame() == ("bus", "no answer")
    assert held.blame() == ("silent", "the rest of a silence")
    feed(held, 61.0, 24_390, 1)
    assert held.blame() is None
