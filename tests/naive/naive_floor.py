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
        self.windows, self.window_steps = [], []
        self.sight, self.bar, self.long_bar = 0.0, 0.0, 0.0
        self.floors = np.zeros(3)
        self.new_window()

    def is_look(self, k):
        """Whether levels are looked at after this step."""
        return (k + 1) % self.look_every == 0

    def is_long_look(self, k):
        """Whether it is the turn of the long level: every other time."""
        return self.is_look(k) and (k + 1) // self.look_every % 2 == 0

    def last_looks(self, k, count, steps, apart):
        """Levels over `steps` at the last looks up to step `k`; 0 where they reach back to before a gap."""
        newest = (k + 1) // self.look_every * self.look_every - 1
        looked = [newest - j * apart for j in range(count)]
        return [self.level(j, steps) if j > k - self.run_steps[k] else 0.0 for j in looked]

    def new_window(self):
        """Begin a calm window."""
        self.calm_steps, self.calm_levels, self.calm_energy = 0, np.zeros(3), np.zeros(3)

    def count_look(self, step, *, is_long):
        """Take one look into the calm window; the jerk and the long level take turns."""
        jerk = 0.0 if is_long else self.level(step, self.jerk_steps)
        longest = self.level(step, self.long_steps) if is_long else 0.0
        levels = [jerk, longest, self.level(step, self.envelope_steps)]
        self.calm_levels = np.maximum(self.calm_levels, levels)

    def follow_calm(self, k):
        """Take the steps of half a second ago into the calm window, where no event is or was near."""
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
        then = k - self.steps(chosen.CALM_DELAY_S)
        self.calm_energy += (self.band[then - self.look_every + 1 : then + 1] ** 2).sum(axis=0)
        self.count_look(then, is_long=self.is_long_look(k))
        self.calm_steps += self.look_every
        if self.calm_steps >= self.steps(chosen.CALM_WINDOW_S):
            self.remember(k)

    def first_window(self, k):
        """Whiten what came so far by its own noise, and take all of it as the first window."""
        self.calm_steps = min(int(self.run_steps[k]), 512)
        first = k + 1 - self.calm_steps
        self.calm_energy = (self.band[first : k + 1] ** 2).sum(axis=0)
        self.inverse = 1 / np.sqrt(np.maximum(self.calm_energy / self.calm_steps, self.rounding))
        for step in range(first, k + 1):
            if self.is_look(step):
                self.count_look(step, is_long=self.is_long_look(step))
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
