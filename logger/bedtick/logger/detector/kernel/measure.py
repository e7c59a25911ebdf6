"""What is measured on the ring of steps: levels, the onset, the dominant frequency, the peak."""

from __future__ import annotations

import math

from bedtick.logger.detector import layout as lay
from bedtick.logger.detector.kernel.eigenvalue import exceeds, largest_eigenvalue
from bedtick.logger.detector.kernel.jit import inlined, jit
from bedtick.logger.detector.kernel.lanes import four, lane, load, same, total

MASK = lay.RING_STEPS - 1  # the ring's length is a power of two
SQUARES, PRODUCTS, MOTION, SQUARE = lay.SQUARES, lay.PRODUCTS, lay.MOTION, lay.SQUARE


@inlined
def sums_between(s, first, last):
    """Return sums of the band's products over the steps first..last, as lanes: xx yy zz, and xy xz yz."""
    late, early = s.ring[last & MASK], s.ring[(first - 1) & MASK]
    return load(late, SQUARES) - load(early, SQUARES), load(late, PRODUCTS) - load(early, PRODUCTS)


@jit
def level_above(s, last, count, least):
    """Largest eigenvalue of the whitened covariance over the `count` steps up to `last`.

    0 if these are too few, and where it is not above `least`.
    """
    if last - s.run_from + 1 < count:
        return 0.0
    squares, products = sums_between(s, last - count + 1, last)
    squares, products = squares * load(s.whitening, SQUARES), products * load(s.whitening, PRODUCTS)
    if not exceeds(squares, products, least * count):
        return 0.0
    return largest_eigenvalue(squares, products) / count


@jit
def level(s, last, count):
    """Largest eigenvalue of the whitened covariance over the `count` steps up to `last`; 0 if too few."""
    return level_above(s, last, count, 0.0)


@inlined
def energy(s, first, last):
    """Whitened energy of the steps first..last, summed over the axes."""
    late, early = s.ring[last & MASK], s.ring[(first - 1) & MASK]
    return total((load(late, SQUARES) - load(early, SQUARES)) * load(s.whitening, SQUARES))


@inlined
def likelihood(total, count, before):
    """How likely it is that `count` steps with an energy of `total` are louder than `before` a step."""
    ratio = total / count / before
    return count * (ratio - 1.0 - math.log(ratio)) if ratio > 1.0 else 0.0


@jit
def onset_step(s, first, last, before):
    """Return the first step of the event that is seen at `last`: the likeliest change of energy.

    Maximum likelihood of "the energy known from before, one larger energy from here on" over the
    steps ``first..last``, as in Maeda's criterion (1985) for seismic onsets.
    """
    best, best_step = 0.0, last
    for k in range(last, first - 1, -1):
        here = likelihood(energy(s, k, last), last - k + 1, before)
        if here > best:
            best, best_step = here, k
    return best_step


@inlined
def turned(c, d, cos, sin):
    """Cosine and sine of the sum of two angles."""
    return c * cos - d * sin, d * cos + c * sin


@jit
def four_powers(s, first, last, cos1, sin1):
    """Power of motion, summed over the axes, |DFT|^2, at four frequencies: by how they turn in a step."""
    c, d = same(1.0), same(0.0)
    re0 = im0 = re1 = im1 = re2 = im2 = d
    for k in range(first, last + 1):
        row = s.ring[k & MASK]
        x, y, z = row[MOTION], row[MOTION + 1], row[MOTION + 2]
        re0, im0 = re0 + x * c, im0 + x * d
        re1, im1 = re1 + y * c, im1 + y * d
        re2, im2 = re2 + z * c, im2 + z * d
        c, d = turned(c, d, cos1, sin1)
    return re0 * re0 + im0 * im0 + re1 * re1 + im1 * im1 + re2 * re2 + im2 * im2


@inlined
def four_turns(turn, apart):
    """Cosine and sine of four angles: `turn` and three more, each `apart` from the one before."""
    second, third, fourth = turn + apart, turn + 2.0 * apart, turn + 3.0 * apart
    return (
        four(math.cos(turn), math.cos(second), math.cos(third), math.cos(fourth)),
        four(math.sin(turn), math.sin(second), math.sin(third), math.sin(fourth)),
    )


@jit
def strongest(s, p, first, last, grid_hz):
    """Return the frequency of the largest power on a grid (first, last, step), and that power."""
    from_hz, to_hz, apart_hz = grid_hz
    apart = 2.0 * math.pi * apart_hz / p.step_hz
    cos1, sin1 = four_turns(2.0 * math.pi * from_hz / p.step_hz, apart)
    cos4, sin4 = same(math.cos(4.0 * apart)), same(math.sin(4.0 * apart))
    best, best_hz, f = 0.0, math.nan, from_hz
    while f <= to_hz:
        powers = four_powers(s, first, last, cos1, sin1)
        for k in range(4):
            if lane(powers, k) > best and f <= to_hz:
                best, best_hz = lane(powers, k), f
            f += apart_hz
        cos1, sin1 = turned(cos1, sin1, cos4, sin4)
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
