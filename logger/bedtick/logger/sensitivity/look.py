"""Looks at a part of a stored night as it is: what was valid and quiet in it, and what its jerks are like."""

from __future__ import annotations

import math
import sqlite3
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bedtick.firmware.emulator.motion import Bed
from bedtick.logger.sensitivity.jerks import Rounding, calibrated_bed
from bedtick.logger.sensitivity.passes import Stretch, as_recorded
from bedtick.logger.sensitivity.quiet import Span, away_from, common, stored_events, valid_spans, without
from bedtick.logger.store.writer import settings_from
from bedtick.logger.stored_scoring import load_origin, newest_tap


@dataclass(frozen=True)
class Part:
    """A part of a recording that belongs to the night, and the scoring that says what was quiet in it."""

    recording_id: int
    scoring_id: int
    first_sample: int
    end_sample: int


@dataclass(frozen=True)
class Looked:
    """A stretch as it is: `own_events` are those of its scoring in `valid` time; `bed` None if not tapped."""

    stretch: Stretch
    readable: list[Span]
    valid: list[Span]
    own_events: int
    quiet: list[Span]
    rounding: Rounding
    bed: Bed | None


def stretch_of(connection: sqlite3.Connection, part: Part) -> Stretch:
    """Return what detection takes for a part of a night: the settings are those of its scoring."""
    (text,) = connection.execute("SELECT settings FROM scorings WHERE id = ?", (part.scoring_id,)).fetchone()
    return Stretch(
        part.recording_id,
        part.scoring_id,
        part.first_sample,
        part.end_sample,
        load_origin(connection, part.recording_id),
        settings_from(text),
    )


def look_at(connection: sqlite3.Connection, stretch: Stretch, told: Callable[[int], None]) -> Looked:
    """Detect on a stretch as it is, and find out what is quiet in it."""
    rate_hz = stretch.origin.nominal_hz
    heard = as_recorded(connection, stretch, told)
    within = [Span(stretch.first_sample, stretch.end_sample)]
    valid = common(valid_spans(connection, stretch.scoring_id, rate_hz), within)
    own = stored_events(connection, stretch.scoring_id)
    quiet = without(common(valid, heard.readable), away_from([*own, *heard.events], rate_hz))
    return Looked(
        stretch=stretch,
        readable=heard.readable,
        valid=valid,
        own_events=sum(is_within(valid, event.first) for event in own),
        quiet=quiet,
        rounding=Rounding(stretch.origin.scale_g, rate_hz, heard.noise_counts),
        bed=_tapped_bed(connection, stretch.recording_id),
    )


def is_within(spans: Sequence[Span], sample: int) -> bool:
    """Say whether a sample lies in one of some spans, which ascend."""
    at = bisect_right(spans, (sample, math.inf)) - 1
    return at >= 0 and sample < spans[at].end


def _tapped_bed(connection: sqlite3.Connection, recording_id: int) -> Bed | None:
    tapped = newest_tap(connection, recording_id)
    return None if tapped is None else calibrated_bed(tapped.ring_down_s, tapped.resonance_hz)


def weakest_mg_of(connection: sqlite3.Connection, looked: Sequence[Looked]) -> float | None:
    """Return the median of what the valid minutes say they would have shown."""
    found = [
        weakest_mg
        for one in looked
        for minute, weakest_mg in connection.execute(_WEAKEST, (one.stretch.scoring_id,))
        if is_within(one.valid, math.ceil(60 * minute * one.rounding.rate_hz))
    ]
    return float(np.median(found)) if found else None


_WEAKEST = "SELECT minute, weakest_mg FROM minutes WHERE scoring_id = ? AND weakest_mg > 0"
