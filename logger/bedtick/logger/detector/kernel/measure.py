"""What is measured on the ring of steps: levels, the onset, the dominant frequency, the peak."""

from __future__ import annotations

import math

from bedtick.logger.detector import layout as lay
from bedtick.logger.detector.kernel.jit import inlined, jit

MASK = lay.RING_STEPS - 1  # the ring's length is a power of two
MOTION, SQUARE = lay.MOTION, lay.SQUARE


@jit
def third_of_angle(r):
    """Cosine of a third of the angle whose cosine is `r`, for -1 <= r <= 1, to 3e-8.

    A Chebyshev interpolation in the cosine of half the angle, in which the function is smooth.
    """
    u = math.sqrt(0.5 * max(1.0 + r, 0.0))
    tail = -0.0302354 + u * (0.01604728 + u * (-0.00608935 + u * 0.00112764))
    return 0.50000003 + u * (0.57734692 + u * (-0.11103851 + u * (0.05284141 + u * tail)))


@jit
def largest_eigenvalue(xx, yy, zz, xy, xz, yz):
    """Largest eigenvalue of a symmetric 3x3 matrix (Smith 1961, Communications of the ACM 4:168)."""
    mean = (xx + yy + zz) * (1.0 / 3.0)
    a, b, c = xx - mean, yy - mean, zz - mean
    spread = a * a + b * b + c * c + 2.0 * (xy * xy + xz * xz + yz * yz)
    if spread <= 0.0:
        return mean
    size = math.sqrt(spread * (1.0 / 6.0))
    half_det = (a * (b * c - yz * yz) - xy * (xy * c - yz * xz) + xz * (xy * yz - b * xz)) * 0.5
    return mean + 2.0 * size * third_of_angle(min(1.0, half_det / (size * size * size)))


@jit
def level_above(s, last, count, least):
    """Largest eigenvalue of the whitened covariance over the `count` steps up to `last`; 0 if too few.

    Where it can not reach `least`, the mean of the three eigenvalues, which is less than that: none is
    further above their mean than sqrt(2/3) of the Frobenius distance from it.
    """
    if last - s.run_from + 1 < count:
        return 0.0
    late, early, w = s.ring[last & MASK], s.ring[(last - count) & MASK], s.whitening
    xx, yy, zz = (late[0] - early[0]) * w[0], (late[1] - early[1]) * w[1], (late[2] - early[2]) * w[2]
    xy, xz, yz = (late[3] - early[3]) * w[3], (late[4] - early[4]) * w[4], (late[5] - early[5]) * w[5]
    mean = (xx + yy + zz) * (1.0 / 3.0)
    a, b, c = xx - mean, yy - mean, zz - mean
    spread = a * a + b * b + c * c + 2.0 * (xy * xy + xz * xz + yz * yz)
    short = least * count - mean
    if spread <= 0.0 or (short > 0.0 and short * short >= spread * (2.0 / 3.0)):
        return mean / count
    return largest_eigenvalue(xx, yy, zz, xy, xz, yz) / count


@jit
def level(s, last, count):
    """Largest eigenvalue of the whitened covariance over the `count` steps up to `last`; 0 if too few."""
    return level_above(s, last, count, 0.0)


@inlined
def energy(s, first, last):
    """Whitened energy of the steps first..last, summed over the axes."""
    late, early, w = s.ring[last & MASK], s.ring[(first - 1) & MASK], s.whitening
    return (late[0] - early[0]) * w[0] + (late[1] - early[1]) * w[1] + (late[2] - early[2]) * w[2]


@jit
def onset_step(s, first, last, before):
    """Return the first step of the event that is seen at `last`: the likeliest change of energy.

    Maximum likelihood of "the energy known from before, one larger energy from here on" over the
    steps ``first..last``, as in Maeda's criterion (1985) for seismic onsets.
    """
    best, best_step = math.inf, last
    for k in range(last, first - 1, -1):
        count = last - k + 1
        ratio = energy(s, k, last) / count / before
        if ratio > 1.0:
            unlikelihood = count * (math.log(ratio) + 1.0 - ratio)
            if unlikelihood < best:
                best, best_step = unlikelihood, k
    return best_step


@jit
def power_at(s, first, last, turn):
    """Power of motion, summed over the axes, at a frequency of `turn` radians a step: |DFT|^2."""
    cos1, sin1, c, d = math.cos(turn), math.sin(turn), 1.0, 0.0
    re0 = im0 = re1 = im1 = re2 = im2 = 0.0
    for k in range(first, last + 1):
        row = s.ring[k & MASK]
        x, y, z = row[MOTION], row[MOTION + 1], row[MOTION + 2]
        re0, im0 = re0 + x * c, im0 + x * d
        re1, im1 = re1 + y * c, im1 + y * d
        re2, im2 = re2 + z * c, im2 + z * d
        c, d = c * cos1 - d * sin1, d * cos1 + c * sin1
    return re0 * re0 + im0 * im0 + re1 * re1 + im1 * im1 + re2 * re2 + im2 * im2


@jit
def strongest(s, p, first, last, grid_hz):
    """Return the frequency of the largest power on a grid (first, last, step), and that power."""
    from_hz, to_hz, step_hz = grid_hz
    best, best_hz, f = 0.0, math.nan, from_hz
    while f <= to_hz:
        power = power_at(s, first, last, 2.0 * math.pi * f / p.step_hz)
        if power > best:
            best, best_hz = power, f
        f += step_hz
    return best_hz, best


@jit
def dominant(s, p, first, last):
    """Return the frequency of the largest power of motion, in steps of 0.25 Hz, and that power.

    Sought in steps of 0.5 Hz first: no finer than what 2 s can tell apart. NaN and 0 below four steps.
    """
    if last - first + 1 < 4:
        return math.nan, 0.0
    highest = min(25.0, 0.45 * p.step_hz)
    coarse_hz = strongest(s, p, first, last, (1.0, highest, 0.5))[0]
    if math.isnan(coarse_hz):
        return coarse_hz, 0.0
    return strongest(s, p, first, last, (coarse_hz - 0.25, min(coarse_hz + 0.25, highest), 0.25))


@jit
def tone_share(s, p, first, last):
    """Share of the energy of motion that is one steady tone: 1 for a sine, 2 over the steps for noise."""
    total = 0.0
    for k in range(first, last + 1):
        total += s.ring[k & MASK, SQUARE]
    if total <= 0.0:
        return 0.0
    return 2.0 * dominant(s, p, first, last)[1] / ((last - first + 1) * total)


@jit
def peak_square(s, k):
    """Squared norm of motion at step `k`, or at the top of a parabola through it where it is a summit."""
    here = s.ring[k & MASK, SQUARE]
    if k >= s.newest or k - s.run_from + 1 < 2:
        return here
    left, right = s.ring[(k - 1) & MASK, SQUARE], s.ring[(k + 1) & MASK, SQUARE]
    bend = left - 2.0 * here + right
    if left > here or right > here or bend >= 0.0:
        return here
    return here - (right - left) ** 2 / (8.0 * bend)
