"""How the kernel is compiled: without the interpreter's lock, dividing as numpy does."""

from __future__ import annotations

from numba import njit

jit = njit(nogil=True, error_model="numpy")
inlined = njit(nogil=True, error_model="numpy", inline="always")
