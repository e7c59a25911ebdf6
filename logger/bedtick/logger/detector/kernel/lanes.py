"""Four floats side by side, on which a processor works at once: three axes, and a lane that stays 0.

Compiled, the four are a vector of LLVM's, which every processor that bedtick runs on has instructions for;
numba has no such type of its own. Not compiled, they are an array of numpy's. Each function below stands
twice: as Python, and as what the compiler builds in its place; the results are the same to the last bit.
"""

from __future__ import annotations

import inspect
import operator

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import lower_builtin, models, register_model, type_callable

from bedtick.logger.detector.kernel.jit import inlined

WIDTH = 4
_LANE = ir.IntType(32)
_VECTOR = ir.VectorType(ir.DoubleType(), WIDTH)
_INTEGERS = ir.VectorType(_LANE, WIDTH)
_ALIGNED = 8  # bytes: a record's fields begin where any float may


class _Lanes(types.Type):
    def __init__(self):
        super().__init__(name="Lanes")


_LANES = _Lanes()


@register_model(_Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, _VECTOR)


def _compiled(function, result):
    """Build what is decorated wherever compiled code calls `function`; `result` is the type that it gives."""
    arguments = inspect.signature(function)

    def register(build):
        def typed(*_types):
            return result

        typed.pysig = arguments  # else numba takes the star for a tuple
        type_callable(function)(lambda _context: typed)
        return lower_builtin(function, *[types.Any] * len(arguments.parameters))(build)

    return register


def _place(target, builder, kind, array, indices):
    """Return a pointer to an element of an array."""
    view = target.make_array(kind)(target, builder, array)
    return cgutils.get_item_pointer(target, builder, kind, view, indices)


def _filled(builder, vector, values):
    for lane, value in enumerate(values):
        vector = builder.insert_element(vector, value, _LANE(lane))
    return vector


def _shuffled(builder, vector, order):
    mask = ir.Constant(ir.VectorType(_LANE, WIDTH), [_LANE(lane) for lane in order])
    return builder.shuffle_vector(vector, vector, mask)


def axes(block, row):
    """Return a row of a contiguous (n, 3) array of int32 as lanes."""
    return np.array([*block[row], 0], np.float64)


@_compiled(axes, _LANES)
def _build_axes(target, builder, signature, values):
    block, row = values
    columns = [[row, row.type(lane)] for lane in range(3)]
    counts = [builder.load(_place(target, builder, signature.args[0], block, at)) for at in columns]
    return builder.sitofp(_filled(builder, ir.Constant(_INTEGERS, [_LANE(0)] * WIDTH), counts), _VECTOR)


def fetch(block, row):
    """Ask the memory for a row of a block, which may lie beyond its end: some time later it is at hand."""


@_compiled(fetch, types.none)
def _build_fetch(target, builder, signature, values):
    block, row = values
    place = _place(target, builder, signature.args[0], block, [row, row.type(0)])
    place = builder.bitcast(place, cgutils.voidptr_t)
    to_read, to_keep, is_data = _LANE(0), _LANE(3), _LANE(1)
    kind = ir.FunctionType(ir.VoidType(), [place.type, _LANE, _LANE, _LANE])
    prefetch = builder.module.declare_intrinsic("llvm.prefetch", [place.type], kind)
    builder.call(prefetch, [place, to_read, to_keep, is_data])
    return target.get_dummy_value()


def four(a, b, c, d):
    """Return four floats as lanes."""
    return np.array([a, b, c, d])


@_compiled(four, _LANES)
def _build_four(_target, builder, _signature, values):
    return _filled(builder, ir.Constant(_VECTOR, ir.Undefined), values)


def same(value):
    """Return lanes that all hold one float."""
    return np.full(WIDTH, value)


@_compiled(same, _LANES)
def _build_same(_target, builder, _signature, values):
    return _shuffled(builder, _filled(builder, ir.Constant(_VECTOR, ir.Undefined), values), (0, 0, 0, 0))


def load(values, first):
    """Return four floats of a contiguous array, from index `first` on, as lanes."""
    return values[first : first + WIDTH].copy()


@_compiled(load, _LANES)
def _build_load(target, builder, signature, values):
    place = _place(target, builder, signature.args[0], values[0], [values[1]])
    return builder.load(builder.bitcast(place, _VECTOR.as_pointer()), align=_ALIGNED)


def store(values, first, lanes):
    """Write lanes into a contiguous array of floats, from index `first` on."""
    values[first : first + WIDTH] = lanes


@_compiled(store, types.none)
def _build_store(target, builder, signature, values):
    place = _place(target, builder, signature.args[0], values[0], [values[1]])
    builder.store(values[2], builder.bitcast(place, _VECTOR.as_pointer()), align=_ALIGNED)
    return target.get_dummy_value()


def pairs(lanes):
    """Return the products of different axes: xy, xz, yz."""
    return lanes[[0, 0, 1, 3]] * lanes[[1, 2, 2, 3]]


@_compiled(pairs, _LANES)
def _build_pairs(_target, builder, _signature, values):
    return builder.fmul(*(_shuffled(builder, values[0], order) for order in ((0, 0, 1, 3), (1, 2, 2, 3))))


def lane(lanes, index):
    """Return one of the four floats."""
    return lanes[index]


@_compiled(lane, types.float64)
def _build_lane(_target, builder, _signature, values):
    return builder.extract_element(*values)


@inlined
def total(lanes):
    """Return the sum over the three axes."""
    return lane(lanes, 0) + lane(lanes, 1) + lane(lanes, 2)


def _compile_operator(function, instruction):
    """Let compiled code add, subtract or multiply lanes, and multiply a float by lanes."""

    @type_callable(function)
    def typed(_context):
        return lambda a, b: _LANES if b is _LANES and (a is _LANES or isinstance(a, types.Float)) else None

    @lower_builtin(function, _Lanes, _Lanes)
    def build(_target, builder, _signature, values):
        return getattr(builder, instruction)(*values)

    @lower_builtin(function, types.Float, _Lanes)
    def build_scaled(target, builder, signature, values):
        return build(
            target, builder, signature, [_build_same(target, builder, signature, values[:1]), values[1]]
        )


for _function, _instruction in ((operator.add, "fadd"), (operator.sub, "fsub"), (operator.mul, "fmul")):
    _compile_operator(_function, _instruction)
