"""The largest eigenvalue of a symmetric 3x3 matrix, and whether it exceeds a bound, which is quicker to know.

A matrix comes as two lots of lanes: its diagonal xx yy zz, and xy xz yz beside it.
"""

from __future__ import annotations

import math

from bedtick.logger.detector.kernel.jit import inlined, jit
from bedtick.logger.detector.kernel.lanes import lane, same, total


@jit
def third_of_angle(r):
    """Cosine of a third of the angle whose cosine is `r`, for -1 <= r <= 1, to 3e-8.

    A Chebyshev interpolation in the cosine of half the angle, in which the function is smooth.
    """
    u = math.sqrt(0.5 * max(1.0 + r, 0.0))
    tail = -0.0302354 + u * (0.01604728 + u * (-0.00608935 + u * 0.00112764))
    return 0.50000003 + u * (0.57734692 + u * (-0.11103851 + u * (0.05284141 + u * tail)))


@inlined
def spread_of(squares, products):
    """Mean of the three eigenvalues, the diagonal less that, and the sum of squares of what is left."""
    mean = total(squares) * (1.0 / 3.0)
    apart = squares - same(mean)
    return mean, apart, total(apart * apart) + 2.0 * total(products * products)


@inlined
def half_determinant(squares, products):
    """Half the determinant."""
    a, b, c = lane(squares, 0), lane(squares, 1), lane(squares, 2)
    xy, xz, yz = lane(products, 0), lane(products, 1), lane(products, 2)
    return (a * (b * c - yz * yz) - xy * (xy * c - yz * xz) + xz * (xy * yz - b * xz)) * 0.5


@jit
def largest_eigenvalue(squares, products):
    """Largest eigenvalue of a symmetric 3x3 matrix (Smith 1961, Communications of the ACM 4:168)."""
    mean, apart, spread = spread_of(squares, products)
    if spread <= 0.0:
        return mean
    size = math.sqrt(spread * (1.0 / 6.0))
    cosine = half_determinant(apart, products) / (size * size * size)
    return mean + 2.0 * size * third_of_angle(min(1.0, cosine))


@inlined
def exceeds(squares, products, least):
    """Whether the largest eigenvalue is above `least`: by the characteristic polynomial, with no root drawn.

    No eigenvalue is further above their mean than sqrt(2/3) of the Frobenius distance from it. The polynomial
    rises for ever beyond its upper turning point, and there it is positive above the largest zero alone.
    """
    mean, apart, spread = spread_of(squares, products)
    above = least - mean
    square = above * above
    if above > 0.0 and 1.5 * square >= spread:
        return False
    if above <= 0.0 or 6.0 * square < spread:
        return True
    return above * (square - 0.5 * spread) < 2.0 * half_determinant(apart, products)
