"""The detector once more, slow and obvious: whole arrays, direct sums, plain lists, to check the kernel by.

Written from what the kernel's docstrings promise, apart from its code: steps are a weighted sum of samples,
filters come from scipy, levels from numpy's eigenvalues, floors from `numpy.quantile`, gravity from
`numpy.median`. Steps are judged one by one with the floor known by then; what an open event has seen is kept
as a list, and every rule reads that list anew.
"""

from __future__ import annotations

import math

import numpy as np
from naive_onset import NaiveOnset
from naive_seen import Seen, Told

from bedtick.logger.detector import parameters as chosen
from bedtick.logger.settings import effective_ring_down_s


class NaiveDetector(NaiveOnset):
    """One signal and its settings; `run` tells everything about it."""

    def run(self):
        """Filter, then judge step by step; seconds and tilts need only what was told by then."""
        self.told = Told(self.motion)
        for k in range(self.step_count):
            if self.whole[k]:
                self.judge(k)
            else:
                self.lose(k)
            self.tell(k)
        if self.event:
            self.close(int(np.flatnonzero(self.whole)[-1]))
        self.tell_seconds()
        for event in self.told.events:
            event["tilt_deg"] = self.tilt_deg(event["onset"], event["end"])
        return self.told

    def tell(self, k):
        """Note what is known after step `k`."""
        told, event = self.told, self.event
        told.is_open.append(event is not None)
        told.trace.append(event.trace.get(k, math.nan) if event else math.nan)
        told.low.append(self.low if event else math.nan)
        told.bars.append((self.bar, self.long_bar))
        told.floors.append(tuple(self.floors))
        told.inverse.append(tuple(self.inverse))
        told.sight.append(self.sight)
        told.known.append(len(self.windows))
        told.windows = self.windows

    def lose(self, k):
        """End what is open, since a sample of this step is missing."""
        if self.event:
            self.close(k - 1)

    def judge(self, k):
        """Levels of a whole step; open, follow, split, drop or close; then the floor."""
        if self.event:
            self.go_on(k)
        elif self.windows and (k + 1) * self.per_step >= self.settled_from[(k + 1) * self.per_step - 1]:
            self.watch(k)
        if self.is_look(k):
            self.follow_calm(k)

    def watch(self, k):
        """Open an event where a rule calls for one."""
        settings, jerk = self.settings, self.level(k, self.jerk_steps)
        is_jerk = jerk >= max(
            self.bar,
            settings.high_ratio * self.short_floor(k, 0),
            chosen.RISE_RATIO * min(self.last_looks(k, 20, self.jerk_steps, self.look_every)),
        )
        if is_jerk or (self.is_long_look(k) and self.is_slow_rise(k)):
            reach = (self.jerk_steps if is_jerk else self.long_steps) + self.steps(chosen.SEARCH_S)
            reach = min(reach, int(self.run_steps[k]) - 1)
            self.open(k, max(k - reach, self.closed + 1), 0)

    def is_slow_rise(self, k):
        """Whether the long level calls for an event, and no longer holds the last one."""
        return k - self.closed > self.long_steps and self.level(k, self.long_steps) >= max(
            self.long_bar,
            self.settings.long_ratio * self.short_floor(k, 1),
            chosen.LONG_RISE * min(self.last_looks(k, 20, self.long_steps, 2 * self.look_every)),
        )

    def open(self, k, first, splits):
        """Begin an event at step `k`; its onset is sought from step `first` on, a little later."""
        floor_square = float((1 / self.inverse**2).sum())
        self.low = self.settings.low_ratio * self.floors[2]
        self.event = Seen(k, first, self.level(k, self.envelope_steps), floor_square, splits, k, k)

    def go_on(self, k):
        """Take one step into the open event."""
        event, envelope = self.event, self.level(k, self.envelope_steps)
        self.low = self.settings.low_ratio * self.floors[2]
        event.trace[k] = envelope
        event.rows.append((k, envelope, self.low, event.onset))
        if envelope >= self.low:
            event.last = k
        trough_at = self.split_at(k, envelope)
        if trough_at is not None:
            event.last = min(event.last, trough_at)
            self.close(k)
            self.open(k, trough_at + 1, event.splits + 1)
        elif not event.known and k - event.opened >= self.steps(chosen.ONSET_S):
            self.settle_onset(k)
            if event.emergence < chosen.EMERGE_RATIO:
                self.drop(k, "not emerging")
        elif self.is_steady(k):
            self.end_at_machine(k)
        elif k - event.last >= self.steps(chosen.QUIET_S):
            self.close(k)

    def split_at(self, k, envelope):
        """Step of the trough before a new jerk; None where this is none."""
        event, decay = self.event, math.exp(-2 / (effective_ring_down_s(self.settings) * self.step_hz))
        left, trough, at = event.ring_down(decay, self.steps(chosen.REFRACTORY_S))
        rises = envelope > chosen.SPLIT_RATIO * max(left, trough, self.low)
        is_late = k - event.onset >= self.steps(chosen.REFRACTORY_S)
        if not (rises and is_late and self.level(k, self.jerk_steps) >= self.bar):
            return None
        begun, lull = event.rises()
        is_apart = (
            event.has_fallen() and lull >= self.steps(chosen.LULL_S) and len(begun) <= 3 and event.splits < 2
        )
        return at if is_apart else None

    def is_steady(self, k):
        """Whether it has gone on for 3 s, and the jerk level of the last 2.5 s is low and hardly moved."""
        if k - self.event.onset < self.steps(chosen.STEADY_S) or not self.is_look(k):
            return False
        looks = self.last_looks(k, 50, self.jerk_steps, self.look_every)
        motion = self.motion[k + 1 - 50 * self.look_every : k + 1]
        is_weak = (motion**2).sum(axis=1).mean() <= (chosen.MACHINE_MG / self.mg) ** 2 / 2
        return is_weak and max(looks) <= chosen.STEADY_RATIO * min(looks)

    def end_at_machine(self, k):
        """End where it last stood 3 dB above what goes on now; drop it where that is nowhere."""
        event, highest = self.event, max(self.last_looks(k, 50, self.jerk_steps, self.look_every))
        loud = [j for j in range(event.onset + 1, k + 1) if event.trace[j] >= 2 * highest]
        if not loud or k - loud[-1] >= 512:
            self.drop(k, "a machine")
            return
        event.last = loud[-1]
        self.close(k)
        self.closed = k

    def drop(self, k, why):
        """Forget the open event."""
        self.told.dropped.append(why)
        self.event, self.closed = None, k

    def close(self, newest):
        """End the open event, unless it is too weak; `newest` is the last step that is there."""
        event, n = self.event, self.per_step
        if not event.known:
            self.settle_onset(newest)
        first, last = event.onset, event.last
        onset = self.place_onset(newest)
        self.event, self.closed = None, last
        begun = event.rises()[0]
        peak_square = max((self.peak_square(k, newest) for k in range(first, last + 1)), default=0.0)
        longest = first + self.steps(chosen.SPECTRUM_S)
        has_seen = bool(event.rows) and event.rows[-1][0] >= longest
        dominant_hz = self.dominant(first, longest if has_seen else min(last, longest))[0]
        is_doubtful = len(begun) >= 4 or dominant_hz > chosen.HUM_HZ
        least = self.settings.least_peak_mg / self.mg + math.sqrt(event.floor_square)
        if math.sqrt(peak_square) < least * (chosen.SWAY_MARGIN if is_doubtful else 1.0):
            self.told.dropped.append("too weak")
            return
        part = self.band[first : last + 1]
        values = np.linalg.eigvalsh(part.T @ part)
        end = (last + 1) * n - round((self.lag_s() + chosen.ENVELOPE_WINDOW_S / 2) * self.rate_hz)
        self.told.events.append(
            {
                "onset": onset, "end": max(end, onset + n), "sub_bursts": len(begun),
                "peak_square": peak_square,
                "mean_square": float((self.motion[first : last + 1] ** 2).sum() / (last + 1 - first)),
                "floor_square": event.floor_square,
                "dominant_hz": dominant_hz,
                "top_to_low": max(max(event.trace[k] for k in range(first, last + 1)) / self.low, 1.0),
                "direction_ratio": float(values[-1] / values.sum()) if values.sum() > 0 else math.nan,
                "train_hz": self.train_hz(begun),
            }
        )  # fmt: skip

    def train_hz(self, begun):
        """Rate of at least four sub-bursts that follow each other evenly."""
        between = np.diff(begun)
        if len(begun) < 4 or between.std() > 0.35 * between.mean():
            return math.nan
        rate_hz = float(self.step_hz / between.mean())
        return rate_hz if 0.3 <= rate_hz <= 4.0 else math.nan

    def tell_seconds(self):
        """Tell of every second what it was good for, and how loud it was."""
        start = second = 0
        while start < len(self.counts):
            second += 1
            end = min(math.ceil(second * self.rate_hz), len(self.counts))
            self.tell_second(start, end)
            start = end

    def tell_second(self, start, end):
        """Tell of one second, with the floor that was known when it was over."""
        told, newest = self.told, end // self.per_step - 1
        weakest = floor = math.inf
        if newest >= 0 and told.known[newest] and told.sight[newest] > 0:
            floor = math.sqrt((1 / np.array(told.inverse[newest]) ** 2).sum())
            weakest = max(
                math.sqrt(told.bars[newest][0] / (chosen.PEAK_TO_LEVEL * told.sight[newest])),
                self.settings.least_peak_mg / self.mg + floor,
            )
        of_second = [
            k for k in range(start // self.per_step - 1, newest + 1) if (k + 1) * self.per_step > start
        ]
        of_second = [k for k in of_second if k >= 0 and self.whole[k]]
        told.seconds.append(
            {
                "reason": self.reason(start, end, weakest), "samples": end - start, "steps": len(of_second),
                "sum_squares": float((self.motion[of_second] ** 2).sum()),
                "floor": floor, "weakest": weakest,
            }
        )  # fmt: skip

    def reason(self, start, end, weakest):
        """Why a second is not valid, the first that fits."""
        newest = end // self.per_step - 1
        if self.missing[start:end].any():
            return "gap"
        if (np.abs(self.counts[start:end]) >= self.full_scale).any():
            return "saturated"
        if start < self.settled_from[end - 1] or newest < 0 or not self.told.known[newest]:
            return "settling"
        if weakest * self.mg <= self.settings.weakest_limit_mg:
            return "valid"
        first = newest + 1 - min(int(self.run_steps[newest]), self.steps(chosen.SPECTRUM_S))
        total = float((self.motion[first : newest + 1] ** 2).sum())
        power = self.dominant(first, newest)[1]
        return "hum" if total > 0 and 2 * power / (newest + 1 - first) / total >= 0.5 else "floor"
