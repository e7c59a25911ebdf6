"""What a night is: the parts of recordings that it joins, its times and its name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from bedtick.analysis.times import SECOND_NS, zone

if TYPE_CHECKING:
    from datetime import tzinfo

    from bedtick.analysis.recordings import Recording

NIGHT_FORMS = "last, a date such as 2026-02-03, or r12 for recording 12"
HANDLING_S = 2.0  # as long as the filters settle after a start: whoever stops a recording touches the sensor
_NIGHT = re.compile(r"last|\d{4}-\d{2}-\d{2}|r[1-9]\d*")


@dataclass(frozen=True)
class Part:
    """The samples of one recording that belong to one night, from `first_sample` up to `end_sample`.

    `start_ns` and `end_ns` are UTC, or ns since the recording's start where `has_utc` is false.
    `scoring` is the scoring to show, or None where the recording has none.
    """

    recording: Recording
    scoring: int | None
    first_sample: int
    end_sample: int
    start_ns: int
    end_ns: int
    has_utc: bool

    def moment_ns(self, sample: int) -> int:
        """Time of a sample on the scale of `start_ns`."""
        clock = self.recording.clock
        utc_ns = clock.utc_ns(sample) if self.has_utc else None
        return clock.elapsed_ns(sample) if utc_ns is None else utc_ns

    @property
    def recorded_s(self) -> float:
        """Seconds from the first to the last sample, by the clock."""
        return (self.end_ns - self.start_ns) / SECOND_NS

    @property
    def true_s_per_nominal_s(self) -> float:
        """How long one second of samples at the nominal rate really took; 1 where nothing was recorded."""
        nominal_s = (self.end_sample - self.first_sample) / self.recording.nominal_hz
        return self.recorded_s / nominal_s if nominal_s > 0 else 1.0

    @property
    def samples_per_minute(self) -> float:
        """Length of one row of the table `minutes`, in samples; it need not be whole."""
        return 60 * self.recording.nominal_hz

    @property
    def events_end_sample(self) -> int:
        """Where its events end: what begins in the last 2 s before somebody stops a recording is their hand.

        Such events stay in the database; no list, count or rate takes them for the sleeper's.
        """
        if self.ended != "stopped":
            return self.end_sample
        return max(self.end_sample - round(HANDLING_S * self.recording.nominal_hz), self.first_sample)

    @property
    def ended(self) -> str | None:
        """How the recording ended, or None where it goes on into the next night."""
        return self.recording.ended if self.end_sample == self.recording.end_sample else None

    @property
    def clock_quality(self) -> str:
        """How the time of the first sample is known: `synced`, `late` or `none`."""
        return self.recording.clock.quality(self.first_sample)


@dataclass(frozen=True)
class Night:
    """One night at one place, and its parts, which ascend in time."""

    name: str
    parts: tuple[Part, ...]

    @property
    def place(self) -> str:
        """The place of its sensor: two sides of a bed are two people's nights."""
        return self.parts[0].recording.place

    @property
    def where(self) -> tzinfo:
        """Time zone of the night: that of its first recording."""
        return zone(self.parts[0].recording.time_zone)

    @property
    def has_utc(self) -> bool:
        """Whether the times of the night are UTC; else they count from the recording's start."""
        return self.parts[0].has_utc

    @property
    def start_ns(self) -> int:
        """First moment recorded."""
        return self.parts[0].start_ns

    @property
    def end_ns(self) -> int:
        """One past the last moment recorded."""
        return max(part.end_ns for part in self.parts)

    @property
    def ended(self) -> str | None:
        """How the recording that ran last ended, or None where it goes on into the next night."""
        return max(self.parts, key=lambda part: part.end_ns).ended

    @property
    def clock_quality(self) -> str:
        """The worst clock of any part."""
        return min((part.clock_quality for part in self.parts), key=("none", "late", "synced").index)


def is_night_name(text: str) -> bool:
    """Whether a text has one of the forms that name a night."""
    if not _NIGHT.fullmatch(text):
        return False
    if text[0] in "lr":
        return True
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
