"""Decimal numbers in text, many at once.

A field is read as up to three words of eight characters that end where it ends. In each, the point
is removed and the digits are combined by three multiplications. The result is that of ``float``, or
the field is reported as not read: a numerator up to 2**53 and a power of ten up to 10**22 are
exact, so that their quotient is rounded once. Source of the exact case: Clinger, "How to read
floating point numbers accurately", 1990.
"""

from __future__ import annotations

from typing import NamedTuple

from netlang.system.numpy import Array, np

MARGIN = 24
"""How many bytes precede the first field: as many as three words take."""

_BLOCK = 1 << 15
_WORD, _LONGEST = 8, 24
_MOST_PLACES, _EXACT = 22, 1 << 53
_MINUS, _PLUS, _SPACE = 45, 43, 32
_CLOSE = 4
"""How near to the middle of two 32-bit floats a number may not be, in units of its last digit."""


class Fields(NamedTuple):
    """Where fields begin and end in ``text``, which has ``MARGIN`` bytes before the first."""

    text: Array
    starts: Array
    ends: Array

    def stripped(self) -> Fields:
        """Return the fields without the spaces around them."""
        starts, ends = self.starts.copy(), self.ends.copy()
        while (spaces := (self.text[starts] == _SPACE) & (starts < ends)).any():
            starts += spaces
        while (spaces := (self.text[ends - 1] == _SPACE) & (starts < ends)).any():
            ends -= spaces
        return Fields(self.text, starts, ends)

    def words(self, back: int) -> Array:
        """Return the eight bytes that end ``back`` bytes before the end of each field."""
        count = len(self.text) - _WORD + 1
        every = np.ndarray((count,), "<u8", self.text, strides=(1,))
        return every[self.ends - (back + _WORD)]

    def part(self, start: int) -> Fields:
        """Return some thousand fields: as many as are best read at once."""
        chosen = slice(start, start + _BLOCK)
        return Fields(self.text, self.starts[chosen], self.ends[chosen])


class _Digits(NamedTuple):
    """Numbers without their sign: their digits, how many follow the point, if there is one."""

    value: Array
    places: Array
    point: Array
    valid: Array


def floats(fields: Fields, *, narrow: bool) -> tuple[Array, Array]:
    """Return numbers as ``f64[N]``, and which of the fields have been read: ``bool[N]``.

    With ``narrow``, the numbers are those that round to the right 32-bit floats.
    """
    values, valid = np.empty(len(fields.starts)), np.empty(len(fields.starts), np.bool_)
    powers = 10.0 ** np.arange(_MOST_PLACES + 1)
    for start in range(0, len(values), _BLOCK):
        negative, digits = _signed(fields.part(start))
        found = digits.value.astype(np.float64)
        found /= powers[np.minimum(digits.places, _MOST_PLACES)]
        wide = digits.value > _EXACT
        if narrow and wide.any():
            rest = (found.view(np.uint64) & np.uint64((1 << 29) - 1)).astype(np.int64)
            wide &= np.abs(rest - (1 << 28)) <= _CLOSE
        np.negative(found, out=found, where=negative)
        values[start : start + _BLOCK] = found
        valid[start : start + _BLOCK] = digits.valid & ~wide & (digits.places <= _MOST_PLACES)
    return values, valid


def integers(fields: Fields) -> tuple[Array, Array]:
    """Return numbers as ``i64[N]``, and which of the fields have been read: ``bool[N]``."""
    values = np.empty(len(fields.starts), np.int64)
    valid = np.empty(len(fields.starts), np.bool_)
    for start in range(0, len(values), _BLOCK):
        negative, digits = _signed(fields.part(start))
        found = digits.value.view(np.int64)
        values[start : start + _BLOCK] = np.where(negative, -found, found)
        valid[start : start + _BLOCK] = digits.valid & ~digits.point & (found >= 0)
    return values, valid


def _signed(fields: Fields) -> tuple[Array, _Digits]:
    """Return which numbers are negative, and their digits."""
    first = fields.text[fields.starts]
    negative = first == _MINUS
    length = fields.ends - fields.starts - (negative | (first == _PLUS))
    low = _word(fields.words(0), np.clip(length, 0, _WORD))
    value, places, point, valid = low
    valid &= (length > 0) & (length <= _LONGEST)
    for back in (_WORD, 2 * _WORD):
        more = np.flatnonzero(length > back)
        if not len(more):
            break
        rest = Fields(fields.text, fields.starts[more], fields.ends[more])
        high = _word(rest.words(back), np.minimum(length[more] - back, _WORD))
        pointed = point[more]
        # Where a point was removed, one digit fewer follows.
        scale = np.where(pointed, np.uint64(10 ** (back - 1)), np.uint64(10**back))
        valid[more] &= high.valid & ~(pointed & high.point)
        if back > _WORD:
            valid[more] &= high.value < 1000
        value[more] += high.value * scale
        places[more] = np.where(high.point, high.places + back, places[more])
        point[more] = pointed | high.point
    return negative, _Digits(value, places, point, valid & (length > point))


def _word(words: Array, lengths: Array) -> _Digits:
    """Return the number that the last ``lengths`` of eight characters are."""
    number = np.uint64
    ones, high = number(0x0101010101010101), number(0x8080808080808080)
    digits = (words ^ number(0x3030303030303030)) & _MASKS[lengths]
    # A byte that is zero: the point, which the last line turned into 0x1e.
    zero = digits ^ number(0x1E1E1E1E1E1E1E1E)
    mark = (zero - ones) & ~zero & high
    mark &= ~mark + number(1)
    bit = mark >> number(7)
    point = bit != 0
    below, above = bit - number(1), ~((mark << number(1)) - number(1))
    digits = ((digits & below) << (point.astype(number) << number(3))) | (digits & above)
    valid = (((digits + number(0x7676767676767676)) | digits) & high) == 0
    # The byte of this constant that a multiplication moves to the top is how many bytes follow.
    places = ((bit * number(0x0706050403020100)) >> number(56)).astype(np.int64)
    digits = digits * number(10) + (digits >> number(8))
    pairs = number(0x000000FF000000FF)
    left = (digits & pairs) * number(0x000F424000000064)
    right = ((digits >> number(16)) & pairs) * number(0x0000271000000001)
    return _Digits((left + right) >> number(32), places, point, valid)


_MASKS = np.array(
    [0, *((0xFFFFFFFFFFFFFFFF << 8 * (8 - n)) % (1 << 64) for n in range(1, 9))], "u8"
)
"""The last 0 to 8 bytes of a word."""
