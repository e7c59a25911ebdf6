"""The noise floor, slow and obvious: lists of looks and of calm windows, and `numpy.quantile` of those."""

from __future__ import annotations

import math

import numpy as np
from naive_steps import NaiveSteps

from bedtick.logger.detector import parameters as chosen


class NaiveFloor(NaiveSteps):
    """The floor of a signal, as it is known after each step."""

    def __init__(self, *signal, **known):
        super().__init__(*signal, **known)
        settings = self.settings
        self.rounding = (settings.band_high_hz - settings.band_low_hz) / (self.rate_hz / 2) / 12
        self.look_every, self.quarter = self.steps(0.05), self.steps(0.25) * self.per_step
        self.event, self.closed = None, -self.long_steps - 1
        self.jerks, self.longs, self.long_level = {}, {}, 0.0
        self.windows, self.window_steps = [], []
        self.sight, self.bar, self.long_bar = 0.0, 0.0, 0.0
        self.floors = np.zeros(3)
        self.new_window()

    def look(self, k):
        """Take the jerk level at a step that is looked at, and at every other one the long level."""
        self.jerks[k] = self.level(k, self.jerk_steps)
        if (k + 1) // self.look_every % 2 == 0:
            self.long_level = self.longs[k] = self.level(k, self.long_steps)

    def is_look(self, k):
        """Whether levels are looked at after this step."""
        return (k + 1) % self.look_every == 0

    def last_looks(self, k, count):
        """Jerk levels of the last looks up to step `k`; one that was lost counts as 0."""
        newest = (k + 1) // self.look_every
        return [self.jerks.get(j * self.look_every - 1, 0.0) for j in range(newest - count + 1, newest + 1)]

    def last_long_looks(self, k, count):
        """Return the same of the long levels."""
        newest, apart = (k + 1) // (2 * self.look_every), 2 * self.look_every
        return [self.longs.get(j * apart - 1, 0.0) for j in range(newest - count + 1, newest + 1)]

    def new_window(self):
        """Begin a calm window."""
        self.calm_steps, self.calm_levels, self.calm_energy = 0, np.zeros(3), np.zeros(3)

    def count_look(self, jerk, step):
        """Take one look into the calm window."""
        levels = [jerk, self.long_level, self.level(step, self.envelope_steps)]
        self.calm_levels = np.maximum(self.calm_levels, levels)

    def follow_calm(self, k):
        """Take the step of half a second ago into the calm window, where no event is or was near."""
        begun = math.ceil(self.second_of((k + 1) * self.per_step - 1) * self.rate_hz)
        is_clipped = bool((np.abs(self.counts[begun : (k + 1) * self.per_step]) >= self.full_scale).any())
        since = k - self.event.opened if self.event else k - self.closed
        quiet = self.steps(chosen.CALM_DELAY_S) + self.steps(chosen.QUIET_S)
        is_calm = since > (self.steps(self.settings.large_s) if self.event else quiet)
        if is_clipped or not is_calm or self.run_steps[k] <= self.long_steps + 2 * self.look_every:
            return
        if not self.windows:
            self.first_window(k)
            return
        delay = self.steps(chosen.CALM_DELAY_S)
        self.calm_energy += self.band[k - delay] ** 2
        if self.is_look(k):
            self.count_look(self.jerks[k - delay // self.look_every * self.look_every], k - delay)
        self.calm_steps += 1
        if self.calm_steps >= self.steps(chosen.CALM_WINDOW_S):
            self.remember(k)

    def first_window(self, k):
        """Whiten what came so far by its own noise, and take all of it as the first window."""
        self.calm_steps = min(int(self.run_steps[k]), 512)
        first = k + 1 - self.calm_steps
        self.calm_energy = (self.band[first : k + 1] ** 2).sum(axis=0)
        self.inverse = 1 / np.sqrt(np.maximum(self.calm_energy / self.calm_steps, self.rounding))
        self.long_level = 0.0
        for step in range(first, k + 1):
            if self.is_look(step):
                self.look(step)
                self.count_look(self.jerks[step], step)
        self.remember(k)

    def remember(self, k):
        """Add the window to the history, and take the floor and the bars anew."""
        self.windows.append((*self.calm_levels, *(self.calm_energy / self.calm_steps)))
        self.window_steps.append(k)
        self.new_window()
        settings = self.settings
        most = max(2, round(settings.floor_window_s / chosen.CALM_WINDOW_S))
        recent = np.array(self.windows[-most:])
        share = 0.5 + (settings.floor_quantile - 0.5) * len(recent) / most
        floors = np.quantile(recent, share, axis=0)
        self.floors = np.maximum(floors[:3], 1.0)
        sway = np.quantile(recent[:, :2], 0.75, axis=0) / self.floors[:2] / chosen.USUAL_SWAY
        bars = np.array([settings.high_ratio, settings.long_ratio]) * self.floors[:2]
        self.bar, self.long_bar = bars * np.clip(sway, 1.0, chosen.MOST_SWAY) * (1 + 1 / len(recent))
        self.inverse = 1 / np.sqrt(np.maximum(floors[3:], self.rounding))
        self.sight = float(np.where(floors[3:] > 0, self.inverse**2, 0.0).sum() / 3)

    def short_floor(self, k, column):
        """Return a share of the smallest level in the windows of late; 0 where there are not two."""
        most = max(2, round(self.settings.floor_window_s / chosen.CALM_WINDOW_S))
        pairs = list(zip(self.windows, self.window_steps, strict=True))[-most:]
        recent = [window[column] for window, at in pairs if at >= k - self.steps(chosen.SHORT_S)]
        return chosen.SHORT_SHARE * min(recent) if len(recent) >= 2 else 0.0
