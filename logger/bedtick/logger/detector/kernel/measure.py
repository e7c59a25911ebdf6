"""Measures on the ring of steps: level, energy, onset and dominant frequency."""

from __future__ import annotations

import math

from numba import njit

from bedtick.logger.detector import layout as lay

MASK = lay.RING_STEPS - 1  # the ring's length is a power of two
MOTION = lay.MOTION


@njit(nogil=True)
def largest_eigenvalue(xx, yy, zz, xy, xz, yz):
    """Largest eigenvalue of a symmetric 3x3 matrix (Smith 1961, Communications of the ACM 4:168)."""
    mean = (xx + yy + zz) / 3.0
    off = xy * xy + xz * xz + yz * yz
    spread = (xx - mean) ** 2 + (yy - mean) ** 2 + (zz - mean) ** 2 + 2.0 * off
    if spread <= 0.0:
        return mean
    size = math.sqrt(spread / 6.0)
    a, b, c = (xx - mean) / size, (yy - mean) / size, (zz - mean) / size
    d, e, f = xy / size, xz / size, yz / size
    half_det = (a * (b * c - f * f) - d * (d * c - f * e) + e * (d * f - b * e)) / 2.0
    angle = math.acos(min(1.0, max(-1.0, half_det))) / 3.0
    return mean + 2.0 * size * math.cos(angle)


@njit(nogil=True)
def level(ring, last, count, inverse):
    """Largest eigenvalue of the whitened covariance over the `count` steps that end with `last`."""
    xx = yy = zz = xy = xz = yz = 0.0
    for k in range(last - count + 1, last + 1):
        row = ring[k & MASK]
        xx += row[0]
        yy += row[1]
        zz += row[2]
        xy += row[3]
        xz += row[4]
        yz += row[5]
    ix, iy, iz = inverse[0], inverse[1], inverse[2]
    value = largest_eigenvalue(
        xx * ix * ix, yy * iy * iy, zz * iz * iz, xy * ix * iy, xz * ix * iz, yz * iy * iz
    )
    return value / count


@njit(nogil=True)
def step_energy(ring, step, inverse):
    """Energy of one step, summed over the whitened axes."""
    row = ring[step & MASK]
    return row[0] * inverse[0] ** 2 + row[1] * inverse[1] ** 2 + row[2] * inverse[2] ** 2


@njit(nogil=True)
def onset_step(ring, first, last, inverse, before):
    """Return the first step of the event that is seen at `last`: the likeliest change of energy.

    Maximum likelihood of "the energy known from before, one larger energy from here on" over the
    steps ``first..last``, as in Maeda's criterion (1985) for seismic onsets.
    """
    best, best_step, total = math.inf, last, 0.0
    for k in range(last, first - 1, -1):
        total += step_energy(ring, k, inverse)
        count = last - k + 1
        ratio = total / count / before
        if ratio > 1.0:
            unlikelihood = count * (math.log(ratio) + 1.0 - ratio)
            if unlikelihood < best:
                best, best_step = unlikelihood, k
    return best_step


@njit(nogil=True)
def dominant_hz(ring, first, last, step_hz):
    """Return the frequency of the largest power of motion, summed over the axes, in steps of 0.25 Hz.

    The discrete Fourier transform at each frequency, by recurrence. NaN below four steps.
    """
    n = last - first + 1
    if n < 4:
        return math.nan
    best, best_hz = 0.0, math.nan
    highest = min(25.0, 0.45 * step_hz)
    f = 1.0
    while f <= highest:
        turn = 2.0 * math.pi * f / step_hz
        cos1, sin1, c, s = math.cos(turn), math.sin(turn), 1.0, 0.0
        re0 = im0 = re1 = im1 = re2 = im2 = 0.0
        for k in range(first, last + 1):
            row = ring[k & MASK]
            x, y, z = row[MOTION], row[MOTION + 1], row[MOTION + 2]
            re0, im0 = re0 + x * c, im0 + x * s
            re1, im1 = re1 + y * c, im1 + y * s
            re2, im2 = re2 + z * c, im2 + z * s
            c, s = c * cos1 - s * sin1, s * cos1 + c * sin1
        power = re0 * re0 + im0 * im0 + re1 * re1 + im1 * im1 + re2 * re2 + im2 * im2
        if power > best:
            best, best_hz = power, f
        f += 0.25
    return best_hz
