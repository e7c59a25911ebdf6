"""From samples to steps: a triangle over two steps, four biquads on each axis, one row of the ring."""

from __future__ import annotations

from bedtick.logger.detector import layout as lay
from bedtick.logger.detector.kernel.jit import inlined, jit
from bedtick.logger.detector.kernel.lanes import axes, fetch, load, pairs, same, store, total

MASK = lay.RING_STEPS - 1  # the ring's length is a power of two
SQUARES, PRODUCTS, MOTION, SQUARE = lay.SQUARES, lay.PRODUCTS, lay.MOTION, lay.SQUARE
RING_STEPS, TRACE = lay.RING_STEPS, lay.TRACE
AHEAD = 512  # samples, 6 kB: what takes as long as a night comes from the main memory
USUAL_COUNT = 4  # samples in a step at 400 Hz


@jit
def reaches(block, first, count, full_scale):
    """Whether any value of `count` samples is at full scale: nearly never, and known quickly."""
    values = block[first : first + count].reshape(3 * count)
    lowest = highest = values[0]
    for k in range(values.size):
        lowest, highest = min(lowest, values[k]), max(highest, values[k])
    return highest >= full_scale or lowest <= -full_scale


@jit
def count_clipped(s, p, block, first, count):
    """Count the samples at full scale."""
    for r in range(first, first + count):
        x, y, z = abs(block[r, 0]), abs(block[r, 1]), abs(block[r, 2])
        s.second_clipped += max(x, y, z) >= p.full_scale


@inlined
def section(value, first, second, a1, a2):
    """Pass one value through one biquad (direct form II transposed); return it, and what it leaves behind.

    A high-pass has the zeros (1 - 1/z)^2 and a low-pass (1 + 1/z)^2, together (1 - 1/z^2)^2: so each
    section of such a pair may have 1 - 1/z^2, which is half the work of zeros in general. What is left
    behind is kept with its sign turned, which saves turning it.
    """
    out = value - first
    return out, second + a1 * out, value + a2 * out


@inlined
def chain(value, d, c):
    """Pass the axes through the four sections, side by side; return motion, band, and what is left behind."""
    value, d0, d1 = section(c[8] * value, d[0], d[1], c[0], c[1])
    motion, d2, d3 = section(value, d[2], d[3], c[2], c[3])
    value, d4, d5 = section(c[9] * motion, d[4], d[5], c[4], c[5])
    band, d6, d7 = section(value, d[6], d[7], c[6], c[7])
    return motion, band, (d0, d1, d2, d3, d4, d5, d6, d7)


@inlined
def load_delays(s):
    """Return what the sections remember as a tuple: it lives in registers."""
    d = s.delays
    return (
        load(d[0], 0), load(d[1], 0), load(d[2], 0), load(d[3], 0),
        load(d[4], 0), load(d[5], 0), load(d[6], 0), load(d[7], 0),
    )  # fmt: skip


@inlined
def filter_run(s, p, block, row, count, samples_per_step):
    """Turn `count` whole steps of `block` into their rows of the ring.

    Sums of sums weigh a step's samples by a falling ramp; with the rising ramp of the step before, a triangle
    over two steps comes out (Hogenauer 1981, a cascade of two integrators and combs): it keeps what lies
    above half the rate of steps out of the band. All sums of counts are whole numbers, and exact.
    """
    n = float(samples_per_step)
    before = s.ring[(s.step - 1) & MASK]
    squares, products, delays = load(before, SQUARES), load(before, PRODUCTS), load_delays(s)
    plain, rising = load(s.plain_before, 0), load(s.rising_before, 0)
    start, gravity = (n * n) * load(s.offset, 0), load(s.quarter_sum, 0)
    a = p.poles
    c = (a[0, 0], a[0, 1], a[1, 0], a[1, 1], a[2, 0], a[2, 1], a[3, 0], a[3, 1], p.gains[0], p.gains[1])
    second, first = s.second_sum_squares, s.step & MASK
    for k in range(first, first + count):
        falling = n * plain - rising - start
        plain = rising = same(0.0)
        for r in range(row, row + samples_per_step):
            plain = plain + axes(block, r)
            rising = rising + plain
        row += samples_per_step
        fetch(block, row + AHEAD)
        gravity = gravity + plain
        motion, band, delays = chain(falling + rising, delays, c)
        squares = squares + band * band
        products = products + pairs(band)
        square = total(motion * motion)
        second += square
        out = s.ring[k]
        store(out, SQUARES, squares)
        store(out, PRODUCTS, products)
        store(out, MOTION, motion)
        out[SQUARE] = square
    for j in range(8):
        store(s.delays[j], 0, delays[j])
    store(s.plain_before, 0, plain)
    store(s.rising_before, 0, rising)
    store(s.quarter_sum, 0, gravity)
    s.second_sum_squares = second


@jit
def filter_steps(s, p, block, row, count):
    """Turn `count` whole steps of `block` into their rows of the ring, which must not end among them."""
    if p.samples_per_step == USUAL_COUNT:  # a constant, for which the compiler unrolls the loop
        filter_run(s, p, block, row, count, USUAL_COUNT)
    else:
        filter_run(s, p, block, row, count, p.samples_per_step)


@jit
def rebase_sums(s):
    """Let the running sums start anew from the oldest step, so that they stay small and exact."""
    first = s.step & MASK
    for k in range(first + 1, first + RING_STEPS + 1):  # the oldest itself at last
        for column in range(TRACE):
            s.ring[k & MASK, column] -= s.ring[first, column]
