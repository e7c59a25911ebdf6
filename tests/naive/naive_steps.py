"""Samples to steps, slow and obvious: a weighted sum, scipy's filters, numpy's eigenvalues and medians."""

from __future__ import annotations

import math

import numpy as np
from scipy import optimize, signal

from bedtick.logger.detector import parameters as chosen

WINDOWS_S = (chosen.JERK_WINDOW_S, chosen.LONG_WINDOW_S, chosen.ENVELOPE_WINDOW_S)


class NaiveSteps:
    """A signal as steps: its motion and band, and what is measured on them."""

    def __init__(self, counts, rate_hz, settings, scale_g, full_scale=math.inf):
        self.counts = np.asarray(counts, float).reshape(-1, 3)
        self.rate_hz, self.settings, self.full_scale = rate_hz, settings, full_scale
        self.per_step = max(1, round(rate_hz / 100.0))
        self.step_hz = rate_hz / self.per_step
        self.mg = 1000 * scale_g
        self.missing = np.isnan(self.counts).any(axis=1)
        self.step_count = len(self.counts) // self.per_step
        self.jerk_steps, self.long_steps, self.envelope_steps = (self.steps(s) for s in WINDOWS_S)
        self.inverse = np.ones(3)
        self.lay_out_steps()
        self.motion, self.band = self.filtered()

    def steps(self, seconds):
        """Seconds in whole steps."""
        return max(1, round(seconds * self.step_hz))

    def unbroken(self):
        """Half-open runs of samples that are there."""
        edges = np.flatnonzero(np.diff(np.concatenate([[True], self.missing, [True]])))
        return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))

    def lay_out_steps(self):
        """Which steps are whole, how many such came before, and from where an event may open."""
        n = self.per_step
        self.whole = ~self.missing[: self.step_count * n].reshape(-1, n).any(axis=1)
        self.run_steps = np.zeros(self.step_count, int)
        self.settled_from = np.full(len(self.counts) + 1, 10**12)
        before_end, settled = None, 0
        for first, last in self.unbroken():
            if before_end is None or first - before_end > math.floor(0.1 * self.rate_hz):
                settled = first + math.floor(2.0 * self.rate_hz)
            self.settled_from[first:] = settled
            before_end = last
            clear = first + math.floor(0.3 * self.rate_hz)
            of_run = np.arange(-(-first // n), last // n)
            self.run_steps[of_run] = np.cumsum(of_run * n >= clear)

    def filtered(self):
        """Return motion and band at every step, each unbroken run by itself; 0 where a sample is missing."""
        n, sections = self.per_step, self.sections()
        motion, band = np.zeros((self.step_count, 3)), np.zeros((self.step_count, 3))
        for first, last in self.unbroken():
            of_run = slice(-(-first // n), last // n)
            if of_run.stop <= of_run.start:
                continue
            part = self.counts[of_run.start * n : of_run.stop * n] - self.counts[first]
            part = np.concatenate([np.zeros((n, 3)), part])
            steps = np.array([self.triangle() @ part[k : k + 2 * n] for k in range(0, len(part) - n, n)])
            motion[of_run] = signal.sosfilt(sections[:2], steps, axis=0)
            band[of_run] = signal.sosfilt(sections[2:], motion[of_run], axis=0)
        return motion, band

    def triangle(self):
        """Weights of the samples of a step and the one before it."""
        n = self.per_step
        return np.concatenate([np.arange(n), np.arange(n, 0, -1)]) / n**2

    def sections(self):
        """Butterworth filters; that of 25 Hz has its 3 dB there together with the triangle."""
        step_hz, settings = self.step_hz, self.settings
        top_hz = 0.8 * step_hz / 2

        def butter(kind, hz):
            return signal.butter(2, hz, kind, fs=step_hz, output="sos")

        turns = np.exp(-2j * np.pi * 25.0 / self.rate_hz * np.arange(2 * self.per_step))
        passed = abs(self.triangle() @ turns)

        def excess(corner_hz):
            answer = signal.sosfreqz(butter("low", corner_hz), [25.0], fs=step_hz)[1][0]
            return abs(answer) * passed - math.sqrt(0.5)

        own_hz = 25.0 if self.per_step == 1 else optimize.brentq(excess, 20.0, 0.49 * step_hz)
        low_hz, high_hz = settings.band_low_hz, min(settings.band_high_hz, top_hz)
        return np.vstack(
            [
                butter("high", 0.7),
                butter("low", min(own_hz, top_hz)),
                butter("high", low_hz),
                butter("low", high_hz),
            ]
        )

    def lag_s(self):
        """Delay of the whole chain for an envelope at 7 Hz."""
        parts = [(section[:3], section[3:]) for section in self.sections()]
        delays = [signal.group_delay(part, w=[7.0], fs=self.step_hz)[1][0] for part in parts]
        return float(sum(delays)) / self.step_hz

    def level(self, last, count):
        """Largest eigenvalue of the whitened covariance over `count` steps; 0 while there are too few."""
        if self.run_steps[last] < count:
            return 0.0
        part = self.band[last - count + 1 : last + 1] * self.inverse
        return max(float(np.linalg.eigvalsh(part.T @ part / count)[-1]), 0.0)

    def energy(self, first, last):
        """Whitened energy of the steps from `first` to `last`."""
        return float(((self.band[first : last + 1] * self.inverse) ** 2).sum())

    def second_of(self, sample):
        """Which second a sample is in; seconds are cut at whole multiples of the rate, rounded up."""
        second = int(sample / self.rate_hz) + 1
        while math.ceil(second * self.rate_hz) > sample:
            second -= 1
        return second

    def peak_square(self, k, newest):
        """Squared motion at a step, or where it is a summit the top of the parabola through three steps."""
        squares = (self.motion[max(k - 1, 0) : k + 2] ** 2).sum(axis=1)
        if k >= newest or self.run_steps[k] < 2:
            return float((self.motion[k] ** 2).sum())
        left, here, right = squares
        if here < max(left, right) or left == here == right:
            return float(here)
        a, b = (left + right) / 2 - here, (right - left) / 2
        at = -b / (2 * a)
        return float(a * at * at + b * at + here)

    def dominant(self, first, last):
        """Largest power of motion and its frequency: on a grid of 0.5 Hz, then of 0.25 Hz around that."""
        if last - first + 1 < 4:
            return math.nan, 0.0
        top_hz = min(25.0, 0.45 * self.step_hz)
        part = self.motion[first : last + 1]

        def best(grid_hz):
            turns = np.exp(-2j * np.pi * np.outer(grid_hz, np.arange(len(part))) / self.step_hz)
            powers = (np.abs(turns @ part) ** 2).sum(axis=1)
            found = int(np.argmax(powers))
            return (float(grid_hz[found]), float(powers[found])) if powers[found] > 0 else (math.nan, 0.0)

        coarse_hz = best(np.arange(1.0, top_hz + 1e-12, 0.5))[0]
        if math.isnan(coarse_hz):
            return math.nan, 0.0
        fine_hz = np.array([coarse_hz - 0.25, coarse_hz, coarse_hz + 0.25])
        return best(fine_hz[fine_hz <= top_hz])

    def tilt_deg(self, onset, end):
        """Angle between gravity in the 4 s before and after; NaN where a sample of them is missing."""
        quarter = self.quarter
        before, after = (onset // quarter - 16) * quarter, -(-end // quarter) * quarter
        if before < 0 or after + 16 * quarter > self.step_count * self.per_step:
            return math.nan
        a, b = (
            np.median(self.counts[start : start + 16 * quarter].reshape(16, quarter, 3).mean(axis=1), axis=0)
            for start in (before, after)
        )
        return math.degrees(math.atan2(float(np.linalg.norm(np.cross(a, b))), float(a @ b)))
