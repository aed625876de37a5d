"""Largest of 32 or 64 numbers and where it is, in a few vector instructions.

A compiler turns a maximum over integers into vector instructions, but not the search for its place. So the place goes
into the value: the lowest `PLACE_BITS` bits of a float32 give way to its index, and the bits, read as an integer, keep
the order of the numbers to a relative 2 ** -17.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

PLACE_BITS = 6
"""Enough for 64 places."""

_INT32 = ir.IntType(32)
_PLACE = _INT32(2**PLACE_BITS - 1)
_VALUE = _INT32(-(2**PLACE_BITS))


@intrinsic
def keyed(typing_context, value, place):
    """Return the key (int32) of a number (float32) at a place (int64)."""

    def generate(context, builder, signature, arguments):
        bits = builder.bitcast(arguments[0], _INT32)
        # Negative floats are ordered backwards: without its sign bit the rest is turned round.
        magnitude = builder.and_(builder.ashr(bits, _INT32(31)), _INT32(0x7FFFFFFF))
        ordered = builder.xor(bits, magnitude)
        return builder.or_(builder.and_(ordered, _VALUE), builder.trunc(arguments[1], _INT32))

    return types.int32(types.float32, types.int64), generate


@intrinsic
def place_of(typing_context, key):
    """Return the place (int64) that a key holds."""

    def generate(context, builder, signature, arguments):
        return builder.zext(builder.and_(arguments[0], _PLACE), ir.IntType(64))

    return types.int64(types.int32), generate


@intrinsic
def larger(typing_context, a, b):
    """Return the larger of two int32: numba's own `max` widens them to int64, which halves the speed."""

    def generate(context, builder, signature, arguments):
        return builder.select(builder.icmp_signed(">", *arguments), *arguments)

    return types.int32(types.int32, types.int32), generate
