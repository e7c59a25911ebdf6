"""From samples to steps: a triangle over two steps, four biquads on each axis, one row of the ring."""

from __future__ import annotations

from bedtick.logger.detector import layout as lay
from bedtick.logger.detector.kernel.jit import inlined, jit

MASK = lay.RING_STEPS - 1  # the ring's length is a power of two
MOTION, SQUARE, RING_STEPS = lay.MOTION, lay.SQUARE, lay.RING_STEPS
USUAL_COUNT = 4  # samples in a step at 400 Hz


@jit
def reaches(block, full_scale):
    """Whether any value of the block is at full scale: nearly never, and quick to know for all at once."""
    values = block.reshape(block.size)
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
    """Pass one value of one axis through the four sections; return motion, band, and what is left behind."""
    value, d0, d1 = section(value * c[8], d[0], d[1], c[0], c[1])
    motion, d2, d3 = section(value, d[2], d[3], c[2], c[3])
    value, d4, d5 = section(motion * c[9], d[4], d[5], c[4], c[5])
    band, d6, d7 = section(value, d[6], d[7], c[6], c[7])
    return motion, band, (d0, d1, d2, d3, d4, d5, d6, d7)


@inlined
def load(delays):
    """Return what the sections of one axis remember as a tuple: it lives in registers."""
    d = delays
    return d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]


@inlined
def filter_run(s, p, block, row, count, samples_per_step):
    """Turn `count` whole steps of `block` into their rows of the ring.

    Sums of sums weigh a step's samples by a falling ramp; with the rising ramp of the step before, a triangle
    over two steps comes out (Hogenauer 1981, a cascade of two integrators and combs): it keeps what lies
    above half the rate of steps out of the band. The axes go side by side, since each waits for itself.
    """
    n, before = samples_per_step, s.ring[(s.step - 1) & MASK]
    xx, yy, zz, xy, xz, yz = before[0], before[1], before[2], before[3], before[4], before[5]
    dx, dy, dz = load(s.delays[0]), load(s.delays[1]), load(s.delays[2])
    plain, rising = s.plain_before, s.rising_before
    px, py, pz, rx, ry, rz = plain[0], plain[1], plain[2], rising[0], rising[1], rising[2]
    ox, oy, oz = n * n * s.offset[0], n * n * s.offset[1], n * n * s.offset[2]
    gx = gy = gz = 0
    a = p.poles
    c = (a[0, 0], a[0, 1], a[1, 0], a[1, 1], a[2, 0], a[2, 1], a[3, 0], a[3, 1], p.gains[0], p.gains[1])
    squares, first = s.second_sum_squares, s.step & MASK
    for k in range(first, first + count):
        x, y, z = n * px - rx - ox, n * py - ry - oy, n * pz - rz - oz
        px = py = pz = rx = ry = rz = 0
        for r in range(row, row + samples_per_step):
            px, py, pz = px + block[r, 0], py + block[r, 1], pz + block[r, 2]
            rx, ry, rz = rx + px, ry + py, rz + pz
        row += samples_per_step
        gx, gy, gz = gx + px, gy + py, gz + pz
        mx, bx, dx = chain(float(x + rx), dx, c)
        my, by, dy = chain(float(y + ry), dy, c)
        mz, bz, dz = chain(float(z + rz), dz, c)
        xx, yy, zz = xx + bx * bx, yy + by * by, zz + bz * bz
        xy, xz, yz = xy + bx * by, xz + bx * bz, yz + by * bz
        square = mx * mx + my * my + mz * mz
        squares += square
        out = s.ring[k]
        out[0], out[1], out[2], out[3], out[4], out[5] = xx, yy, zz, xy, xz, yz
        out[MOTION], out[MOTION + 1], out[MOTION + 2], out[SQUARE] = mx, my, mz, square
    for j in range(8):
        s.delays[0, j], s.delays[1, j], s.delays[2, j] = dx[j], dy[j], dz[j]
    plain[0], plain[1], plain[2], rising[0], rising[1], rising[2] = px, py, pz, rx, ry, rz
    s.quarter_sum[0] += gx
    s.quarter_sum[1] += gy
    s.quarter_sum[2] += gz
    s.second_sum_squares = squares


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
        for column in range(6):
            s.ring[k & MASK, column] -= s.ring[first, column]
