"""Where an event began, slow and obvious: every step tried, energies as plain arrays."""

from __future__ import annotations

import math

import numpy as np
from naive_floor import NaiveFloor

from bedtick.logger.detector import parameters as chosen


class NaiveOnset(NaiveFloor):
    """Finds the step of the open event's onset, and later the sample."""

    def settle_onset(self, last):
        """Find the change of energy that is likeliest between the first step allowed and `last`."""
        event = self.event
        event.known = True
        first = max(
            event.first - self.steps(chosen.BEFORE_S), self.closed + 1, last - int(self.run_steps[last]) + 1
        )
        before = max(self.energy(first, event.first - 1) / self.steps(chosen.BEFORE_S), 3.0)
        seen = self.energy(event.first, last) / (last - event.first + 1)
        quiet = max(before, seen / chosen.ONSET_RATIO)
        energies = ((self.band * self.inverse) ** 2).sum(axis=1)
        gains = {k: self.gain(energies[k : last + 1], quiet) for k in range(event.first, last + 1)}
        best = max(gains, key=gains.get)
        event.onset = best if gains[best] > 0 else last
        event.emergence = self.energy(event.onset, last) / (last - event.onset + 1) / before
        event.trace |= {k: self.level(k, self.envelope_steps) for k in range(event.onset, last + 1)}
        above = [k for k in range(event.onset, last + 1) if event.trace[k] >= self.low]
        event.last = above[-1] if above else event.onset

    def place_onset(self, newest):
        """Return the sample of the onset: a mean of the likeliest change and of the rise, less their lag."""
        event, window = self.event, self.envelope_steps
        last = min(event.onset + self.steps(chosen.TOP_S), newest)
        first = max(event.first, event.onset - self.steps(chosen.BACK_S))
        run_from = newest - int(self.run_steps[newest]) + 1
        moved = self.band[event.onset : last + 1]
        energies = np.einsum("ki,ij,kj->k", self.band, moved.T @ moved, self.band)
        quiet_from = max(event.first - self.steps(chosen.BEFORE_S), self.closed + 1, run_from)
        before = energies[quiet_from : event.first].mean() if quiet_from < event.first else 0.0
        quiet = max(before, energies[event.onset : last + 1].mean() / chosen.PLACE_RATIO)
        change = self.summit({k: self.gain(energies[k : last + 1], quiet) for k in range(first, last + 1)})
        whole = min(max(first, run_from + window - 1), last)
        sums = {k: energies[k - window + 1 : k + 1].mean() for k in range(whole, last + 1)}
        top = max(sums, key=sums.get)
        bar = max(chosen.RISE_SHARE * sums[top], chosen.RISE_OVER_NOISE * before)
        below = [k for k in range(whole, top) if sums[k] <= bar]
        rise = float(whole)
        if below:
            k = below[-1]
            rise = k + (bar - sums[k]) / (sums[k + 1] - sums[k]) if sums[k + 1] > bar else float(k)
        step = chosen.CHANGE_WEIGHT * change + (1 - chosen.CHANGE_WEIGHT) * rise
        lag = round((self.lag_s() + chosen.RISE_LAG_S) * self.rate_hz)
        return max(math.floor(step * self.per_step + 0.5) - lag, 0)

    @staticmethod
    def gain(energies, quiet):
        """How much likelier these steps are with an energy of their own than with that of quiet."""
        ratio = energies.mean() / quiet
        return len(energies) * (ratio - 1 - math.log(ratio)) if ratio > 1 else 0.0

    @staticmethod
    def summit(gains):
        """Return where gains by step are largest, as the top of the parabola through three of them."""
        first, last = min(gains), max(gains)
        best = max(gains, key=lambda k: (gains[k], k))
        best = best if gains[best] > 0 else last
        if best in {first, last}:
            return float(best)
        a, b, _ = np.polyfit([-1.0, 0.0, 1.0], [gains[best - 1], gains[best], gains[best + 1]], 2)
        return best - b / (2 * a)
