"""What the status light shows: nothing while all is well, answers to presses, and a blink for trouble."""

from __future__ import annotations

import pytest

from bedtick.logger.bedside.button import NEVER_NS
from bedtick.logger.bedside.led import PATTERNS, StatusLight, lit_at

MS = 1_000_000
S = 1000 * MS


def flashes(light, seconds, is_trouble=lambda _t: False):
    """When the light was lit within some seconds, as (from, to) in ms, asking it whenever it is due."""
    at_ns, spans, was_lit = 0, [], False
    while at_ns <= seconds * S:
        lit = light.is_lit(at_ns, is_trouble=is_trouble(at_ns))
        if lit and not was_lit:
            spans.append([at_ns // MS, None])
        elif was_lit and not lit:
            spans[-1][1] = at_ns // MS
        was_lit = lit
        at_ns = max(min(light.due_ns, at_ns + 100 * MS), at_ns + 1)
    return [tuple(span) for span in spans]


def test_the_light_stays_dark_while_all_is_well():
    """A night without trouble and presses has no light in it."""
    light = StatusLight()
    assert flashes(light, 3600) == []
    assert light.due_ns == NEVER_NS


@pytest.mark.parametrize(
    ("kind", "spans"),
    [("felt", [(0, 120)]), ("lights_off", [(0, 120), (320, 440)]), ("lights_on", [(0, 800)])],
)
def test_each_marker_has_its_answer(kind, spans):
    """One flash for a jerk felt, two for lights off, a long one for lights on; then it is dark."""
    light = StatusLight()
    light.answer(kind, 0)
    assert flashes(light, 60) == spans


def test_trouble_blinks_after_five_seconds_until_it_is_over():
    """Trouble from 1 s to 12 s blinks every 2 s from 6 s on, and not after it has gone."""
    assert flashes(StatusLight(), 30, lambda t: S <= t < 12 * S) == [
        (6000, 6100),
        (8000, 8100),
        (10000, 10100),
    ]


def test_trouble_that_passes_wakes_nobody():
    """Faults that are over within 5 s show nothing, however many there are."""
    assert flashes(StatusLight(), 60, lambda t: (t // S) % 5 != 4) == []


def test_an_answer_goes_before_trouble():
    """A press during trouble is answered at once; blinking goes on afterwards."""
    light = StatusLight()
    light.answer("lights_on", 0)
    assert flashes(light, 8, lambda _t: True) == [(0, 800), (5000, 5100), (7000, 7100)]


def test_a_long_fault_blinks_on():
    """After an hour of trouble the light still blinks in step."""
    assert lit_at(PATTERNS["trouble"], 3600 * S) == (True, 3600 * S + 100 * MS)
    assert lit_at(PATTERNS["trouble"], 3600 * S + 100 * MS) == (False, 3602 * S)
