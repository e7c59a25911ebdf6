"""Finds bouts: runs of twitches and movements that follow each other closely."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass

from bedtick.logger.detector.events import MOVEMENT, TWITCH
from bedtick.logger.settings import DetectorSettings


@dataclass(frozen=True)
class Bout:
    """A bout as far as it goes: `joined` are the event numbers that are new in it.

    `number` counts the bouts of one detector pass from 1 on. `end_sample` is the end of its last event.
    """

    number: int
    onset_sample: int
    end_sample: int
    event_count: int
    median_interval_s: float
    joined: tuple[int, ...]


class BoutTracker:
    """The run of events that may become, or already is, a bout.

    Events come in the order of their onsets, each with its final kind: `turn` and `large` are passed
    over. Missing data needs no case of its own: longer than `bout_gap_s`, it keeps the next onset
    further away than a bout allows.
    """

    def __init__(self, settings: DetectorSettings, nominal_hz: float) -> None:
        self._least = settings.bout_min_events
        self._gap_samples = settings.bout_gap_s * nominal_hz
        self._rate_hz = nominal_hz
        self._number = 0
        self._members: list[int] = []  # event numbers
        self._intervals: list[int] = []  # from onset to onset, in samples, sorted: a bout may last all night
        self._first_onset = self._last_onset = self._end = 0

    def add(self, number: int, kind: str, onset_sample: int, end_sample: int) -> Bout | None:
        """Take one event; return its bout where it is in one."""
        if kind not in (TWITCH, MOVEMENT):
            return None
        if self._members and onset_sample - self._last_onset <= self._gap_samples:
            insort(self._intervals, onset_sample - self._last_onset)
        else:
            self._members, self._intervals = [], []
            self._first_onset, self._end = onset_sample, end_sample
        self._members.append(number)
        self._last_onset, self._end = onset_sample, max(self._end, end_sample)
        if len(self._members) < self._least:
            return None
        if len(self._members) == self._least:
            self._number += 1
            return self._bout(tuple(self._members))
        return self._bout((number,))

    def _bout(self, joined: tuple[int, ...]) -> Bout:
        between = self._intervals
        median = (between[(len(between) - 1) // 2] + between[len(between) // 2]) / 2
        return Bout(
            number=self._number,
            onset_sample=self._first_onset,
            end_sample=self._end,
            event_count=len(self._members),
            median_interval_s=median / self._rate_hz,
            joined=joined,
        )
