"""What a night could and could not have found, on one screen."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from bedtick.analysis.screen.look import WIDTH
from bedtick.analysis.screen.words import duration, evening, number, plural
from bedtick.analysis.sensitivity import found_from_mg

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bedtick.analysis.screen.look import Look
    from bedtick.analysis.sensitivity import Sensitivity, Size

BAR_CELLS = 30
_HEADING = f"{'peak mg':>7}{'added':>8}{'found':>7}{'share':>8}  {'':<{BAR_CELLS}}  {'95 % interval':>13}"


def sensitivity_screen(sensitivity: Sensitivity, look: Look) -> Iterator[str]:
    """Draw the sensitivity by size, the false events, and what it was measured on."""
    yield look.heading(f"Night {evening(sensitivity.night)}: what it could have found")
    yield ""
    if not sensitivity.sizes:
        yield look.warning("NOT MEASURED")
        yield from _wrapped(
            f"Only {duration(sensitivity.quiet_s)} of this night were quiet: in minutes that were valid "
            "throughout, 5 s away from every event, and with raw samples. It takes 5 min."
        )
        return
    yield look.heading(_HEADING)
    for size in sensitivity.sizes:
        yield _size_line(size, look)
    yield ""
    for sentence in _sentences(sensitivity):
        yield from _wrapped(sentence)


def _size_line(size: Size, look: Look) -> str:
    low, high = size.interval()
    bar = look.bar(size.share, BAR_CELLS)
    room = " " * (BAR_CELLS - _cells(size.share, look))
    return (
        f"{size.peak_mg:>7g}{size.injected:>8,}{size.found:>7,}{size.share:>7.0%} "
        f" {bar}{room}  {f'{low:.0%} to {high:.0%}':>13}"
    ).replace("%", " %")


def _cells(share: float, look: Look) -> int:
    """How many cells a bar takes, colours aside."""
    return len(type(look)(look.blocks, colours=False).bar(share, BAR_CELLS))


def _sentences(sensitivity: Sensitivity) -> Iterator[str]:
    yield (
        f"Half of the jerks are found from {_from_mg(sensitivity, 0.5)}, nine in ten from "
        f"{_from_mg(sensitivity, 0.9)}. By its noise floor alone: {number(sensitivity.weakest_mg)} mg."
    )
    yield _false_events(sensitivity)
    yield (
        f"Measured in {duration(sensitivity.quiet_s)} of quiet, out of {duration(sensitivity.valid_s)} in "
        f"minutes that were valid throughout. {plural(sensitivity.live_events, 'event')} of the night's own "
        "in those minutes, and 5 s around each, were left alone."
    )
    if sensitivity.is_tapped:
        yield "The jerks were pushes of any direction on this bed, as `bedtick tap` knows it."
    else:
        yield "The jerks were pushes of any direction on beds of 4 to 12 Hz; `bedtick tap` tells about yours."
    if not sensitivity.is_dithered:
        yield "The sensor's noise is below half a count: chance decides what shows of less than a count."
    yield "The stored night is as it was."


def _from_mg(sensitivity: Sensitivity, share: float) -> str:
    sizes = sensitivity.sizes
    found_mg = found_from_mg(sizes, share)
    if found_mg is not None:
        return f"{found_mg:.1f} mg"
    return f"below {sizes[0].peak_mg:g} mg" if sizes[0].share >= share else f"above {sizes[-1].peak_mg:g} mg"


def _false_events(sensitivity: Sensitivity) -> str:
    heard = duration(sensitivity.heard_s)
    if not sensitivity.false_events:
        # With none seen, 3 is the 95 % bound of a Poisson count.
        bound = 3 * 3600 / sensitivity.heard_s
        return f"False events: none in {heard} of quiet with jerks in it, so fewer than {bound:.1f} an hour."
    count = plural(sensitivity.false_events, "detection")
    return (
        f"False events: {number(sensitivity.false_per_hour)} an hour: {count} in {heard} of quiet that were "
        "no jerk's."
    )


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)
