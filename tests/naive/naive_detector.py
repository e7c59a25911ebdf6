"""The detector once more, slow and obvious: whole arrays, direct sums, plain lists, to check the kernel by.

Written from what the kernel's docstrings promise, apart from its code: filters come from scipy, levels
from numpy's eigenvalues, floors from `numpy.quantile`, gravity from `numpy.median`. Samples first become
steps, then steps are judged one by one with the floor of the seconds that were over by then.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from scipy import signal

STEP_HZ = 100.0
SPLIT_RATIO = 10**0.6


@dataclass
class Told:
    """Everything that the reference knows about a signal, by sample, by step and by second."""

    motion: np.ndarray
    band: np.ndarray
    products: np.ndarray
    envelope: list[float] = field(default_factory=list)
    long_level: list[float] = field(default_factory=list)
    loudest: list[tuple[float, float, float]] = field(default_factory=list)
    low: list[float] = field(default_factory=list)
    is_open: list[bool] = field(default_factory=list)
    floors: list[tuple[float, ...]] = field(default_factory=list)
    inverse: list[tuple[float, ...]] = field(default_factory=list)
    history: list[tuple[float, ...]] = field(default_factory=list)
    seconds: list[dict[str, float]] = field(default_factory=list)
    events: list[dict[str, float]] = field(default_factory=list)


class NaiveDetector:
    """One signal and its settings; `run` tells everything about it."""

    def __init__(self, counts, rate_hz, settings, scale_g, full_scale=math.inf):
        self.counts = np.asarray(counts, float)
        self.rate_hz, self.settings, self.full_scale = rate_hz, settings, full_scale
        self.per_step = max(1, round(rate_hz / STEP_HZ))
        self.step_hz = rate_hz / self.per_step
        self.weakest_limit = settings.weakest_limit_mg / 1000 / scale_g
        share_of_band = (settings.band_high_hz - settings.band_low_hz) / (rate_hz / 2)
        self.rounding = share_of_band / 12
        self.missing = np.isnan(self.counts).any(axis=1)
        self.step_count = len(self.counts) // self.per_step
        self.current = None
        self.closed_step = -self.steps(1.5) - 1
        self.inverse = np.ones(3)
        self.held_long = 0.0
        self.floor_jerk = self.floor_long = self.floor_envelope = 0.0
        self.caution = 1.0
        self.second = 0

    def steps(self, seconds):
        """Seconds in whole steps."""
        return max(1, round(seconds * self.step_hz))

    def run(self):
        """Filter, then judge step by step."""
        self.told = Told(*self.filtered(), np.zeros((self.step_count, 6)))
        self.lay_out_steps()
        self.clear_seconds()
        for k in range(self.step_count):
            self.one_step(k)
        self.end()
        return self.told

    # -- samples ---------------------------------------------------------------------------------------

    def filtered(self):
        """Motion and band of every unbroken run, each filtered by itself from its first value on."""
        top_hz = 0.8 * self.rate_hz / 2
        settings = self.settings

        def butter(kind, hz):
            return signal.butter(2, hz, kind, fs=self.rate_hz, output="sos")

        to_motion = np.vstack([butter("high", 0.7), butter("low", min(25.0, top_hz))])
        to_band = np.vstack(
            [butter("high", settings.band_low_hz), butter("low", min(settings.band_high_hz, top_hz))]
        )
        motion, band = np.full_like(self.counts, np.nan), np.full_like(self.counts, np.nan)
        for first, last in self.unbroken():
            part = self.counts[first:last] - self.counts[first]
            motion[first:last] = signal.sosfilt(to_motion, part, axis=0)
            band[first:last] = signal.sosfilt(to_band, motion[first:last], axis=0)
        return motion, band

    def unbroken(self):
        """Half-open runs of samples that are there."""
        edges = np.flatnonzero(np.diff(np.concatenate([[True], self.missing, [True]])))
        return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))

    def lay_out_steps(self):
        """Which steps are whole, how many such came before, and from where an event may open."""
        n = self.per_step
        self.whole = np.array([not self.missing[k * n : (k + 1) * n].any() for k in range(self.step_count)])
        self.run_steps = np.zeros(self.step_count, int)
        self.settled_from = np.full(len(self.counts) + 1, 10**12)
        before_end, settled = None, 0
        for first, last in self.unbroken():
            is_long = before_end is None or first - before_end > math.floor(0.1 * self.rate_hz)
            settled = first + math.floor(2.0 * self.rate_hz) if is_long else settled
            self.settled_from[first:] = settled
            before_end = last
            clear = first + math.floor(0.3 * self.rate_hz)
            count = 0
            for k in range(-(-first // n), last // n):
                count += k * n >= clear
                self.run_steps[k] = count
        for k in np.flatnonzero(self.whole):
            bx, by, bz = self.told.band[k * n : (k + 1) * n].T
            self.told.products[k] = [bx @ bx, by @ by, bz @ bz, bx @ by, bx @ bz, by @ bz]

    # -- levels ----------------------------------------------------------------------------------------

    def level(self, last, count):
        """Largest eigenvalue of the whitened covariance over `count` steps; 0 while there are too few."""
        if self.run_steps[last] < count:
            return 0.0
        xx, yy, zz, xy, xz, yz = self.told.products[last - count + 1 : last + 1].sum(axis=0)
        covariance = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]) / count
        return max(float(np.linalg.eigvalsh(covariance * np.outer(self.inverse, self.inverse))[-1]), 0.0)

    def energy(self, k):
        """Whitened energy of one step."""
        return float(self.told.products[k, :3] @ self.inverse**2)

    # -- seconds ---------------------------------------------------------------------------------------

    def second_bounds(self):
        """Half-open sample interval of the second under way."""
        return math.ceil(self.second * self.rate_hz), math.ceil((self.second + 1) * self.rate_hz)

    def clear_seconds(self):
        """Begin a second."""
        self.loudest = [0.0, 0.0, 0.0]
        self.second_steps = []

    def finish_seconds_until(self, sample):
        """Close every second that is over before `sample` has come."""
        while self.second_bounds()[1] <= sample:
            self.finish_second(self.second_bounds()[1])

    def finish_second(self, end):
        """One second: what it was good for, and its place in the history."""
        start, _ = self.second_bounds()
        part = self.counts[start:end]
        lost = int(self.missing[start:end].sum())
        clipped = bool((np.abs(part[~self.missing[start:end]]) >= self.full_scale).any())
        known = bool(self.told.history)
        weakest = floor_square = math.nan
        if known:
            floor_square = float((1 / self.inverse**2).sum())
            threshold = self.settings.high_ratio * self.caution * self.floor_jerk
            weakest = math.sqrt(threshold / (0.13 * self.per_step * self.sight)) if self.sight else math.inf
        reason = "valid"
        if lost:
            reason = "gap"
        elif clipped:
            reason = "saturated"
        elif start < self.settled_from[end - 1] or not known:
            reason = "settling"
        elif weakest > self.weakest_limit:
            reason = "floor"
        whole = [k for k in self.second_steps if self.whole[k]]
        n = self.per_step
        sum_squares = sum(float((self.told.motion[k * n : (k + 1) * n] ** 2).sum()) for k in whole)
        self.told.seconds.append(
            {
                "second": self.second, "start": start, "end": end, "arrived": end - start - lost,
                "reason": reason, "sum_squares": sum_squares, "weakest": weakest,
                "floor_square": floor_square,
            }
        )  # fmt: skip
        done = end // n
        run = int(self.run_steps[done - 1]) if done else 0
        if not lost and not clipped and run > self.steps(1.5) + self.steps(0.1):
            self.remember(whole, start, end)
        self.second += 1
        self.clear_seconds()

    def remember(self, whole, start, end):
        """Add a second's levels to the history, and take the floor anew."""
        noise = self.told.products[whole, :3].sum(axis=0) / (end - start)
        if not self.told.history:
            self.inverse = 1 / np.sqrt(np.maximum(noise, self.rounding))
            done = end // self.per_step
            for k in range(done - int(self.run_steps[done - 1]), done):
                self.told.envelope[k] = self.level(k, self.steps(0.12))
            self.held_long = self.level(done - 1, self.steps(1.5))
            ks = range(start // self.per_step, done)
            self.loudest = [
                max(self.level(k, self.steps(window)) for k in ks) for window in (0.35, 1.5, 0.12)
            ]
        self.told.history.append((*self.loudest, *noise.tolist()))
        window = self.settings.floor_window_s
        recent = np.array(self.told.history[-window:])
        quantile = 0.5 + (self.settings.floor_quantile - 0.5) * len(recent) / window
        floors = np.quantile(recent, quantile, axis=0)
        self.floor_jerk, self.floor_long, self.floor_envelope = np.maximum(floors[:3], self.per_step).tolist()
        self.inverse = 1 / np.sqrt(np.maximum(floors[3:], self.rounding))
        self.sight = float(np.where(floors[3:] > 0, self.inverse**2, 0.0).sum() / 3)
        self.caution = 1 + 1.5 / len(recent)

    # -- steps -----------------------------------------------------------------------------------------

    def one_step(self, k):
        """Judge one step at its last sample; a missing sample ends the open event when it is missed."""
        n = self.per_step
        if not self.whole[k]:
            first_missing = k * n + int(np.argmax(self.missing[k * n : (k + 1) * n]))
            self.finish_seconds_until(first_missing)
            if self.current:
                self.close(k - 1)
        self.finish_seconds_until((k + 1) * n - 1)
        self.second_steps.append(k)
        envelope = 0.0
        if self.whole[k]:
            envelope = self.judge(k)
            self.told.low.append(self.settings.low_ratio * self.floor_envelope)
        else:
            self.held_long = 0.0
            self.told.low.append(self.told.low[-1] if self.told.low else 0.0)
        self.told.envelope.append(envelope)
        self.told.is_open.append(self.current is not None)
        self.told.loudest.append(tuple(self.loudest))
        self.finish_seconds_until((k + 1) * n)
        self.told.long_level.append(self.held_long)
        self.told.floors.append((self.floor_jerk, self.floor_long, self.floor_envelope))
        self.told.inverse.append(tuple(self.inverse.tolist()))

    def judge(self, k):
        """Levels of a whole step; open, follow, split or close."""
        envelope, jerk = self.level(k, self.steps(0.12)), self.level(k, self.steps(0.35))
        if k % self.steps(0.1) == 0:
            self.held_long = self.level(k, self.steps(1.5))
        self.loudest = [
            max(a, b) for a, b in zip(self.loudest, (jerk, self.held_long, envelope), strict=True)
        ]
        self.envelopes = [*self.told.envelope, envelope]
        self.low = self.settings.low_ratio * self.floor_envelope
        if self.current:
            self.follow(k, envelope, jerk)
        elif self.told.history and (k + 1) * self.per_step >= self.settled_from[(k + 1) * self.per_step - 1]:
            is_jerk = jerk >= self.settings.high_ratio * self.caution * self.floor_jerk
            is_clear = k - self.closed_step > self.steps(1.5)
            is_long = is_clear and self.held_long >= self.settings.long_ratio * self.caution * self.floor_long
            if is_jerk or is_long:
                window = self.steps(0.35 if is_jerk else 1.5)
                reach = min(window + self.steps(0.1), int(self.run_steps[k]) - 1)
                self.open(k, max(k - reach, self.closed_step + 1), envelope)
        return envelope

    def open(self, k, first, envelope):
        """Begin an event at step `k`; its onset is sought from step `first` on, a little later."""
        self.current = {
            "opened": k, "first": first, "onset_step": k, "last": k, "known": None,
            "floor_square": float((1 / self.inverse**2).sum()),
            "predicted": envelope, "high": envelope, "trough": envelope, "trough_step": k, "followed": k,
        }  # fmt: skip

    def follow(self, k, envelope, jerk):
        """Take one step into the open event."""
        event = self.current
        event["followed"] = k
        if envelope >= self.low:
            event["last"] = k
        is_late = k - event["onset_step"] >= self.steps(0.6)
        event["predicted"] *= math.exp(-2 / (self.settings.ring_down_s * self.step_hz))
        event["high"] = max(event["high"], envelope)
        if envelope < event["high"] / 2 or (not is_late and envelope >= event["predicted"]):
            event["predicted"] = max(event["predicted"], event["high"])
            event.update(high=envelope, trough=jerk, trough_step=k)
        elif jerk < event["trough"]:
            event.update(trough=jerk, trough_step=k)
        rises = envelope > SPLIT_RATIO * max(event["predicted"], event["trough"], self.low)
        is_jerk = jerk >= self.settings.high_ratio * self.caution * self.floor_jerk
        if rises and is_jerk and is_late:
            event["last"] = min(event["last"], event["trough_step"])
            first = event["trough_step"] + 1
            self.close(k)
            self.open(k, first, envelope)
            return
        if event["known"] is None and k - event["opened"] >= self.steps(0.15):
            self.settle_onset(k)
        elif k - event["last"] >= self.steps(0.5):
            self.close(k)

    def settle_onset(self, last):
        """Find the change of energy that is likeliest between the first step allowed and `last`."""
        event = self.current
        seen = range(max(event["first"] - self.steps(1.0), self.closed_step + 1), event["first"])
        unbroken = [k for k in seen if all(self.whole[j] for j in range(k, event["first"]))]
        unbroken = [k for k in unbroken if self.run_steps[k] > 0]
        before = max(sum(self.energy(k) for k in unbroken) / self.steps(1.0), 3 * self.per_step)
        likelihoods = []
        for k in range(event["first"], last + 1):
            ratio = sum(self.energy(j) for j in range(k, last + 1)) / (last - k + 1) / before
            gain = (last - k + 1) * (ratio - 1 - math.log(ratio)) if ratio > 1 else -math.inf
            likelihoods.append(gain)
        best = int(np.argmax(likelihoods))
        event["onset_step"] = event["first"] + best if likelihoods[best] > -math.inf else last
        above = [k for k in range(event["onset_step"], last + 1) if self.envelopes[k] >= self.low]
        event["last"] = above[-1] if above else event["onset_step"]
        event["known"] = last

    def close(self, last_seen):
        """End the open event; `last_seen` is the last step that is there."""
        event = self.current
        if event["known"] is None:
            self.settle_onset(last_seen)
        n, first, last = self.per_step, event["onset_step"], event["last"]
        longest = first + self.steps(2.0)
        seen_whole = event["followed"] >= max(longest, event["known"] + 1)
        squares = (self.told.motion[first * n : (last + 1) * n] ** 2).sum(axis=1)
        onset = max(first * n - round(self.lag_s() * self.rate_hz), 0)
        end = (last + 1) * n - round((self.lag_s() + 0.06) * self.rate_hz)
        top = max(self.envelopes[first : last + 1])
        self.told.events.append(
            {
                "onset": onset, "end": max(end, onset + n),
                "peak_square": float(squares.max()), "mean_square": float(squares.mean()),
                "floor_square": event["floor_square"],
                "dominant_hz": self.dominant_hz(first, longest if seen_whole else min(last, longest)),
                "top_to_low": max(top / self.low, 1.0),
            }
        )  # fmt: skip
        self.closed_step, self.current = last, None

    def lag_s(self):
        """Delay of the whole chain for an envelope at 7 Hz."""
        top_hz = 0.8 * self.rate_hz / 2
        settings = self.settings
        corners = [
            (0.7, "high"),
            (25.0, "low"),
            (settings.band_low_hz, "high"),
            (settings.band_high_hz, "low"),
        ]
        delay = 0.0
        for hz, kind in corners:
            b, a = signal.butter(2, min(hz, top_hz), kind, fs=self.rate_hz)
            delay += float(signal.group_delay((b, a), w=[7.0], fs=self.rate_hz)[1][0])
        return delay / self.rate_hz

    def dominant_hz(self, first, last):
        """Largest power of motion on a grid of 0.25 Hz, from the means of the steps."""
        if last - first + 1 < 4:
            return math.nan
        n = self.per_step
        means = self.told.motion[first * n : (last + 1) * n].reshape(-1, n, 3).mean(axis=1)
        grid_hz = np.arange(1.0, min(25.0, 0.45 * self.step_hz) + 1e-12, 0.25)
        turns = np.exp(-2j * np.pi * np.outer(grid_hz, np.arange(len(means))) / self.step_hz)
        return float(grid_hz[np.argmax((np.abs(turns @ means) ** 2).sum(axis=1))])

    # -- the end ---------------------------------------------------------------------------------------

    def end(self):
        """Take the rest after the last whole step, then the tilts, which need the whole signal."""
        done = self.step_count * self.per_step
        rest = np.flatnonzero(self.missing[done:])
        if len(rest):
            self.finish_seconds_until(done + int(rest[0]))
            if self.current:
                self.close(self.step_count - 1)
        self.finish_seconds_until(len(self.counts))
        if self.current:
            self.close(self.step_count - 1)
        if self.second_bounds()[0] < len(self.counts):
            self.finish_second(len(self.counts))
        for event in self.told.events:
            event["tilt_deg"] = self.tilt_deg(event["onset"], event["end"])

    def tilt_deg(self, onset, end):
        """Angle between gravity in the 4 s before and after; NaN where a sample of them is missing."""
        quarter = self.steps(0.25) * self.per_step
        before, after = (onset // quarter - 16) * quarter, -(-end // quarter) * quarter
        done = self.step_count * self.per_step
        if before < 0 or after + 16 * quarter > done:
            return math.nan
        a, b = (
            np.median(self.counts[start : start + 16 * quarter].reshape(16, quarter, 3).mean(axis=1), axis=0)
            for start in (before, after)
        )
        return math.degrees(math.atan2(float(np.linalg.norm(np.cross(a, b))), float(a @ b)))
