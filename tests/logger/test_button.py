"""What a bouncing contact is taken for: short presses, long ones, and none where nobody pressed."""

from __future__ import annotations

import numpy as np
import pytest

from bedtick.logger.bedside.button import NEVER_NS, Button, Press
from bedtick.logger.bedside.markers import FELT, LIGHTS_OFF, LIGHTS_ON, Lights

MS = 1_000_000
START = 7_000 * MS


def bounces(at_ms, rng):
    """Return the changes, an odd number, of a contact that closes or opens and bounces for up to 20 ms."""
    times = np.sort(rng.choice(np.arange(1, 20), 2 * rng.integers(0, 5), replace=False))
    return [at_ms, *(at_ms + int(t) for t in times)]


def presses_of(changes_ms, *, look_every_ms=None, until_ms=10_000):
    """Tell a button that was up of alternating changes, looking at it in between or only at the end."""
    button, found, is_down, at_ms = Button(), [], False, 0
    for change_ms in changes_ms:
        for look_ms in range(at_ms, change_ms, look_every_ms or until_ms):
            found += button.look(START + look_ms * MS)
        at_ms, is_down = change_ms, not is_down
        found += button.change(START + change_ms * MS, is_down=is_down)
    for look_ms in range(at_ms, until_ms, look_every_ms or until_ms):
        found += button.look(START + look_ms * MS)
    found += button.look(START + until_ms * MS)
    return [((press.boot_ns - START) / MS, press.is_long) for press in found]


@pytest.mark.parametrize("look_every_ms", [1, 20, 100, None])
@pytest.mark.parametrize(
    ("held_ms", "is_long"), [(60, False), (300, False), (1400, False), (1600, True), (8000, True)]
)
@pytest.mark.parametrize("seed", range(5))
def test_a_press_is_one_press_however_it_bounces(seed, held_ms, is_long, look_every_ms):
    """Bounces at both ends change neither the count nor the time, however rarely the button is looked at."""
    rng = np.random.default_rng(seed)
    changes = [*bounces(100, rng), *bounces(100 + held_ms, rng)]
    assert presses_of(changes, look_every_ms=look_every_ms) == [(100, is_long)]


def test_sparks_are_no_presses():
    """Contact for under 25 ms, as from a lamp's switch next door, is nothing."""
    assert presses_of([100, 101, 500, 524, 900, 903, 910, 912]) == []


def test_two_presses_are_two():
    """Presses 150 ms apart are told apart, each with its own time."""
    assert presses_of([100, 200, 350, 450]) == [(100, False), (350, False)]


def test_a_long_press_is_told_while_it_is_held():
    """A long press is known after 1.5 s, before the finger lets go, and not told again then."""
    button = Button()
    button.change(START, is_down=True)
    assert button.look(START + 1_499 * MS) == []
    assert button.look(START + 1_500 * MS) == [Press(START, is_long=True)]
    assert button.look(START + 3_000 * MS) == []
    assert button.change(START + 3_000 * MS, is_down=False) == []
    assert button.look(START + 9_000 * MS) == []


def test_a_button_that_is_down_from_the_start_says_nothing_until_it_was_let_go():
    """A shorted button marks nothing, however long; once it was up, presses count."""
    button = Button()
    assert button.look(START + 60_000 * MS) == []
    assert button.change(START + 61_000 * MS, is_down=False) == []
    assert button.change(START + 62_000 * MS, is_down=True) == []
    assert button.look(START + 64_000 * MS) == [Press(START + 62_000 * MS, is_long=True)]


def test_the_same_level_told_twice_changes_nothing():
    """An edge that is told by the library and seen at the look is one edge."""
    button = Button()
    button.change(START, is_down=True)
    button.change(START + 2 * MS, is_down=True)
    button.change(START + 100 * MS, is_down=False)
    button.change(START + 99 * MS, is_down=False)
    assert button.look(START + 200 * MS) == [Press(START, is_long=False)]


def test_it_says_when_to_look_again():
    """The button is due when a train could be over and when a press becomes long; else never."""
    button = Button()
    assert button.due_ns == NEVER_NS
    button.change(START, is_down=True)
    assert button.due_ns == START + 25 * MS
    button.look(button.due_ns)
    assert button.due_ns == START + 1_500 * MS
    assert button.look(button.due_ns) == [Press(START, is_long=True)]
    assert button.due_ns == NEVER_NS


def test_long_presses_turn_the_lights_by_turns():
    """Short presses are `felt`; the first long one is lights off, the next lights on, and so on."""
    lights = Lights()
    hours = 3600 * 1000 * MS
    pressed = [(0, True), (2, False), (7, True), (8, False), (23, True), (31, True)]
    kinds = [lights.kind_of(Press(round(hour * hours), is_long)) for hour, is_long in pressed]
    assert kinds == [LIGHTS_OFF, FELT, LIGHTS_ON, FELT, LIGHTS_OFF, LIGHTS_ON]


def test_a_forgotten_lights_on_does_not_turn_the_next_evening_round():
    """A long press more than 16 hours after lights off begins the next night."""
    lights = Lights()
    hours = 3600 * 1000 * MS
    assert [lights.kind_of(Press(h * hours, is_long=True)) for h in (0, 24, 32)] == [
        LIGHTS_OFF,
        LIGHTS_OFF,
        LIGHTS_ON,
    ]
