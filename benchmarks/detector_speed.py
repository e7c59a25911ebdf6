"""How fast the detector is on 8 h at 400 Hz, beside the textbook's trigger and beside bare filters.

All on the same counts (noise of an ADXL345, a jerk a minute, seeded), on one core, in one process, in turn.
Times are processor time, so that whatever else runs on the machine counts for nobody; the best of three:

- the whole detector, features included, in blocks of 32 samples as the daemon pushes and of 65536 as
  `import` does;
- `scipy.signal.sosfilt` of the detector's band on three axes, ObsPy's recursive STA/LTA and `trigger_onset`:
  on each axis, as ObsPy's users do it; on the energy of all three; and the same with two sections, not four;
- the detector's four biquads on three axes, compiled by numba and nothing else: at every sample, and, as
  the detector runs them, at one step of 10 ms a time.

Then, what the memory allocator sees of ten thousand quiet blocks.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import os
import sys
import time
import tracemalloc
from collections.abc import Callable

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import signal

from bedtick.logger.detector.detector import Detector
from bedtick.logger.detector.filters import design
from bedtick.logger.detector.parameters import samples_per_step
from bedtick.logger.settings import DetectorSettings

RATE_HZ = 400.0
SCALE_G = 1 / 256
HOURS = 8.0
JERK_EVERY_S = 60
NOISE_MG = (4.1, 4.1, 6.1)  # of an ADXL345 at 400 Hz, 290 and 430 micro-g per root hertz
ROUNDS = 3
LIVE_BLOCK, IMPORT_BLOCK = 32, 65536
QUIET_BLOCKS = 10_000
WARM_UP_BLOCKS = 2_000
STA_S, LTA_S, ON, OFF = 0.3, 10.0, 4.0, 2.0
EACH = "four sections, STA/LTA on each axis"
FOUR, TWO = "four sections, STA/LTA on the energy", "two sections, STA/LTA on the energy"

Counts = NDArray[np.int32]


def make_counts(hours: float, *, jerks: bool = True) -> Counts:
    """Return noise in counts, (n, 3), and a jerk of 30 mg a minute where asked for."""
    rng = np.random.default_rng(8)
    count = int(hours * 3600 * RATE_HZ)
    acc_mg = rng.normal(size=(count, 3)).astype(np.float32) * np.array(NOISE_MG, np.float32)
    acc_mg[:, 2] += 1000.0
    t_s = np.arange(int(RATE_HZ)) / RATE_HZ
    jerk_mg = 30 * np.sin(2 * np.pi * 7 * t_s) * np.exp(-t_s / 0.2)
    pause = int(JERK_EVERY_S * RATE_HZ)
    for start in range(pause, count - len(jerk_mg), pause) if jerks else ():
        acc_mg[start : start + len(jerk_mg), 2] += jerk_mg
    return np.rint(acc_mg / 1e3 / SCALE_G).astype(np.int32)


def detect(counts: Counts, block: int) -> int:
    """Return how many events the whole detector finds."""
    detector = Detector(DetectorSettings(), SCALE_G, RATE_HZ, 4095)
    found = sum(len(detector.push(counts[k : k + block]).events) for k in range(0, len(counts), block))
    return found + len(detector.finish().events)


def band_energy(counts: Counts, sections: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the energy over the axes, (n,), of what scipy lets through."""
    band = signal.sosfilt(sections, counts - counts[0], axis=0)
    energy: NDArray[np.float64] = np.einsum("ij,ij->i", band, band)
    return energy


def trigger(counts: Counts, sections: NDArray[np.float64]) -> int:
    """Return how often the textbook's trigger fires on the energy of the three axes."""
    return fires(band_energy(counts, sections))


def trigger_each(counts: Counts, sections: NDArray[np.float64]) -> int:
    """Return how often it fires on the three axes, one after the other."""
    band = signal.sosfilt(sections, counts - counts[0], axis=0)
    return sum(fires(np.ascontiguousarray(axis)) for axis in band.T)


def fires(trace: NDArray[np.float64]) -> int:
    """Return how often the trigger fires on one trace."""
    from obspy.signal.trigger import recursive_sta_lta, trigger_onset  # noqa: PLC0415  checked for in main

    ratio = recursive_sta_lta(trace, round(STA_S * RATE_HZ), round(LTA_S * RATE_HZ))
    return len(trigger_onset(ratio, ON, OFF))


def for_scipy(sections: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sections b0 b1 b2 a1 a2 with scipy's a0."""
    return np.insert(sections, 3, 1.0, axis=1)


@njit(error_model="numpy")
def bare_biquads(counts: NDArray[np.generic], sections: NDArray[np.float64]) -> float:
    """Pass three axes through the sections, and return the last energy so that nothing is left out."""
    delays = np.zeros((len(sections), 3, 2))
    energy = 0.0
    for row in range(counts.shape[0]):
        energy = 0.0
        for axis in range(3):
            value = float(counts[row, axis] - counts[0, axis])
            for k in range(sections.shape[0]):
                out = sections[k, 0] * value + delays[k, axis, 0]
                delays[k, axis, 0] = sections[k, 1] * value - sections[k, 3] * out + delays[k, axis, 1]
                delays[k, axis, 1] = sections[k, 2] * value - sections[k, 4] * out
                value = out
            energy += value * value
    return energy


def best_s(work: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return the best time of each, one after the other: what comes first finds no memory at hand yet."""
    best = {}
    for name, run in work.items():
        taken_s = []
        for _ in range(ROUNDS):
            begun = time.process_time()
            run()
            taken_s.append(time.process_time() - begun)
        best[name] = min(taken_s)
    return best


def compare(counts: Counts) -> None:
    """Time everything and print it side by side."""
    settings, per_step = DetectorSettings(), samples_per_step(RATE_HZ)
    corners = settings.band_low_hz, settings.band_high_hz
    each, stepped = design(*corners, RATE_HZ, 1), design(*corners, RATE_HZ / per_step, per_step)
    steps = np.ascontiguousarray(counts[::per_step])
    work: dict[str, Callable[[], object]] = {
        f"detector, blocks of {LIVE_BLOCK}": lambda: detect(counts, LIVE_BLOCK),
        f"detector, blocks of {IMPORT_BLOCK}": lambda: detect(counts, IMPORT_BLOCK),
        "sosfilt alone, four sections": lambda: band_energy(counts, for_scipy(each)),
        EACH: lambda: trigger_each(counts, for_scipy(each)),
        FOUR: lambda: trigger(counts, for_scipy(each)),
        TWO: lambda: trigger(counts, for_scipy(each[2:])),
        "bare biquads, every sample": lambda: bare_biquads(counts, each),
        "bare biquads, every step": lambda: bare_biquads(steps, stepped),
    }
    bare_biquads(steps[:100], stepped)  # compiled before it is timed
    found, fired = detect(counts, IMPORT_BLOCK), trigger(counts, for_scipy(each))
    print(f"{found} events; the textbook's trigger fires {fired} times")
    taken_s = best_s(work)
    for name, seconds in taken_s.items():
        print(f"  {name:40}{seconds:8.2f} s {seconds / len(counts) * 1e9:8.1f} ns a sample of three axes")
    print_ratios(taken_s)


def print_ratios(taken_s: dict[str, float]) -> None:
    """Print how the detector compares, for both sizes of block."""
    for block in (IMPORT_BLOCK, LIVE_BLOCK):
        own_s = taken_s[f"detector, blocks of {block}"]
        print(
            f"blocks of {block}: {taken_s[EACH] / own_s:.2f} times as fast as sosfilt of four sections + "
            f"STA/LTA + trigger_onset on each axis, {taken_s[FOUR] / own_s:.2f} times on the energy, "
            f"{taken_s[TWO] / own_s:.2f} times with two sections; takes "
            f"{own_s / taken_s['bare biquads, every sample']:.2f} times as long as the bare biquads at every "
            f"sample, {own_s / taken_s['bare biquads, every step']:.2f} times those at every step of 10 ms"
        )


def watch_allocations() -> None:
    """Print what quiet blocks leave allocated, and the most that is allocated while one is pushed."""
    blocks = WARM_UP_BLOCKS + QUIET_BLOCKS
    counts = make_counts(blocks * LIVE_BLOCK / RATE_HZ / 3600, jerks=False)
    detector = Detector(DetectorSettings(), SCALE_G, RATE_HZ, 4095)
    views = [counts[k * LIVE_BLOCK : (k + 1) * LIVE_BLOCK] for k in range(blocks)]
    for view in views[:WARM_UP_BLOCKS]:
        detector.push(view)
    gc.collect()
    peaks = np.zeros(QUIET_BLOCKS, np.int64)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for k, view in enumerate(views[WARM_UP_BLOCKS:]):
        tracemalloc.reset_peak()
        here = tracemalloc.get_traced_memory()[0]
        detector.push(view)
        peaks[k] = tracemalloc.get_traced_memory()[1] - here
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    print(
        f"{QUIET_BLOCKS} quiet blocks of {LIVE_BLOCK} samples ({LIVE_BLOCK * 12} bytes each) leave "
        f"{grown} bytes allocated; while one is pushed, {np.median(peaks):.0f} bytes are held (median)"
    )


def main() -> None:
    """Compare on one core, then look at memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=HOURS, help="length of the night")
    options = parser.parse_args()
    if importlib.util.find_spec("obspy") is None:
        sys.exit("the comparison with STA/LTA needs ObsPy: pip install --group bench")
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    counts = make_counts(options.hours)
    print(f"{options.hours:g} h at {RATE_HZ:.0f} Hz on three axes, one core, best of {ROUNDS}")
    compare(counts)
    watch_allocations()


if __name__ == "__main__":
    main()
