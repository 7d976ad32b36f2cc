"""Exact sizes: integer polynomials in named symbols.

A size is a plain ``int`` wherever it is known, and a ``Dim`` where a symbol remains, so shape
rules are ordinary integer arithmetic. Floor division that does not come out exactly is kept as an
atom; equal sizes compare equal as far as polynomial arithmetic can tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import gcd, isqrt, prod

from msgspec import Struct

from netlang.diagnostics.errors import TooLargeError


class Symbol(Struct, frozen=True):
    """A named size divided by ``unit``, which is known to divide it.

    ``where H % 16 == 0`` makes ``H`` the polynomial ``16 * Symbol("H", 16)``.
    """

    name: str
    unit: int = 1

    @property
    def key(self) -> tuple[int, str]:
        return (0, self.name)


class Floor(Struct, frozen=True):
    """``numerator // divisor`` where the division is not known to be exact."""

    numerator: Dim
    divisor: Size

    @property
    def key(self) -> tuple[int, str]:
        return (1, str(self))

    def __str__(self) -> str:
        return f"{_wrapped(self.numerator)}//{_wrapped(self.divisor)}"


Atom = Symbol | Floor
Monomial = tuple[Atom, ...]


class Dim(Struct, frozen=True):
    """A size with at least one symbol in it, such as ``N`` or ``2*N*H``.

    >>> N = symbol("N")
    >>> print((N + 1) * 2)
    2*N + 2
    >>> print((4 * N + 6) // 4, (4 * N) // 4 == N)
    N + 1 True
    """

    terms: tuple[tuple[Monomial, int], ...]

    def __add__(self, other: Size) -> Size:
        terms = dict(self.terms)
        for monomial, coefficient in _terms(other):
            terms[monomial] = terms.get(monomial, 0) + coefficient
        return _canonical(terms)

    __radd__ = __add__

    def __neg__(self) -> Size:
        return self * -1

    def __sub__(self, other: Size) -> Size:
        return self + other * -1

    def __rsub__(self, other: int) -> Size:
        return self * -1 + other

    def __mul__(self, other: Size) -> Size:
        terms: dict[Monomial, int] = {}
        right = _terms(other)
        if len(self.terms) * len(right) > _MOST_TERMS:
            raise Intricate
        for m1, c1 in self.terms:
            for m2, c2 in right:
                monomial = tuple(sorted(m1 + m2, key=lambda atom: atom.key))
                terms[monomial] = terms.get(monomial, 0) + c1 * c2
        return _canonical(terms)

    __rmul__ = __mul__

    def __floordiv__(self, other: Size) -> Size:
        return floor_divide(self, other)

    def __rfloordiv__(self, other: int) -> Size:
        return floor_divide(other, self)

    def __trunc__(self) -> Dim:
        """Return the size itself: it is an integer already."""
        return self

    __floor__ = __ceil__ = __round__ = __trunc__

    def __mod__(self, other: Size) -> Size:
        return self - floor_divide(self, other) * other

    def __rmod__(self, other: int) -> Size:
        return other - floor_divide(other, self) * self

    def __str__(self) -> str:
        # The constant comes last and a leading minus is avoided, as in handwriting.
        ordered = sorted(self.terms, key=lambda t: (not t[0], t[1] < 0))
        text = ""
        for monomial, coefficient in ordered:
            sign = "-" if coefficient < 0 else "+"
            shown = _show(monomial, abs(coefficient))
            text += f" {sign} {shown}" if text else (f"-{shown}" if sign == "-" else shown)
        return text

    __repr__ = __str__


_MOST_TERMS = 2_000


class Intricate(TooLargeError):
    """A formula of a size is longer than the limit."""

    def __init__(self) -> None:
        super().__init__("this size is too long a formula", helps=["give the dimensions numbers"])


Size = int | Dim
Shape = tuple[Size, ...]


class UnboundSizeError(Exception):
    """A size was requested while a symbol in it has no value; ``name`` is the symbol."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


_TRIED = 1 << 12
"""The largest number that ``divisors`` tries."""


def symbol(name: str, unit: int = 1) -> Dim:
    """Return the size called ``name``, known to be a multiple of ``unit``."""
    return Dim((((Symbol(name, unit),), unit),))


def product(sizes: Iterable[Size]) -> Size:
    """Multiply sizes; the empty product is 1.

    >>> product((2, symbol("N"), 3))
    6*N
    """
    known = 1
    symbolic: list[Dim] = []
    for size in sizes:
        if isinstance(size, int):
            known *= size
        else:
            symbolic.append(size)
    result: Size = known
    for dim in symbolic:
        result = dim * result
    return result


def floor_divide(a: Size, b: Size) -> Size:
    """Divide and round down, exactly wherever the polynomials allow it.

    >>> H = symbol("H")
    >>> print(floor_divide(2 * H, 4), floor_divide(floor_divide(H, 2), 2), floor_divide(6 * H, H))
    H//2 H//4 6
    """
    if isinstance(a, int):
        if isinstance(b, int):
            return a // b
        if a == 0:
            return 0
        return _canonical({(Floor(Dim((((), a),)), b),): 1})
    if b == 1:
        return a
    if isinstance(b, int):
        return _divide_by_number(a, b) if b > 0 else _canonical({(Floor(a, b),): 1})
    return _divide_by_dim(a, b)


def divides(divisor: Size, size: Size) -> bool:
    """Return whether ``divisor`` is known to divide ``size`` without remainder."""
    if divisor == 0:
        return False
    return exact_quotient(size, divisor) is not None


def divisors(*sizes: int) -> list[int]:
    """Return the common divisors, ascending; for huge sizes only the smallest and the largest.

    >>> divisors(12, 18)
    [1, 2, 3, 6]
    """
    common = gcd(*sizes)
    least = [d for d in range(1, min(isqrt(common), _TRIED) + 1) if common % d == 0]
    return sorted({*least, *(common // d for d in least)})


def exact_quotient(a: Size, b: Size) -> Size | None:
    """Return the quotient if the remainder is known to be 0, else ``None``."""
    if b == 0:
        return None
    quotient = floor_divide(a, b)
    return quotient if quotient * b == a else None


def substitute(size: Size, values: Mapping[str, Size]) -> Size:
    """Substitute sizes for symbols.

    A value must be a multiple of the symbol's unit, else ``ValueError``.
    """
    if isinstance(size, int):
        return size
    total: Size = 0
    for monomial, coefficient in size.terms:
        part: Size = coefficient
        for atom in monomial:
            part = part * _substitute_atom(atom, values)
        total = total + part
    return total


def bind(size: Size, values: Mapping[str, int]) -> int:
    """Evaluate a size with a value for every symbol; raises ``UnboundSizeError``."""
    if isinstance(size, int):
        return size
    result = substitute(size, values)
    if isinstance(result, Dim):
        raise UnboundSizeError(next(iter(symbols(result))))
    return result


def parts(size: Size, most: int) -> int:
    """Count the numbers and symbols of a formula; stops soon after ``most``.

    >>> parts(2 * symbol("N") + 1, 10), parts(symbol("H") // 7, 10)
    (3, 2)
    """
    if isinstance(size, int):
        return 1
    count = 0
    for monomial, coefficient in size.terms:
        count += abs(coefficient) != 1 or not monomial
        for atom in monomial:
            match atom:
                case Symbol():
                    count += 1
                case Floor(numerator, divisor):
                    count += parts(numerator, most) + parts(divisor, most)
        if count > most:
            break
    return count


def symbols(size: Size) -> dict[str, int]:
    """Return every symbol in a size, with the unit it is a multiple of."""
    found: dict[str, int] = {}
    if isinstance(size, Dim):
        for monomial, _ in size.terms:
            for atom in monomial:
                match atom:
                    case Symbol(name, unit):
                        found[name] = unit
                    case Floor(numerator, divisor):
                        found |= symbols(numerator) | symbols(divisor)
    return found


def is_symbol(size: Size) -> str | None:
    """Return the name of a size that is a symbol, else ``None``.

    >>> is_symbol(symbol("H", 16)), is_symbol(2 * symbol("H"))
    ('H', None)
    """
    match size:
        case Dim(terms=(((Symbol(name, unit),), coefficient),)) if coefficient == unit:
            return name
        case _:
            return None


def _terms(size: Size) -> tuple[tuple[Monomial, int], ...]:
    if isinstance(size, int):
        return (((), size),) if size else ()
    return size.terms


def _canonical(terms: Mapping[Monomial, int]) -> Size:
    kept = [(m, c) for m, c in terms.items() if c]
    if not kept:
        return 0
    if len(kept) == 1 and not kept[0][0]:
        return kept[0][1]
    kept.sort(key=lambda t: (-len(t[0]), [atom.key for atom in t[0]]))
    return Dim(tuple(kept))


def _divide_by_number(a: Dim, b: int) -> Size:
    whole = {m: c // b for m, c in a.terms if c % b == 0}
    rest = {m: c for m, c in a.terms if c % b}
    constant = rest.pop((), 0)
    whole[()] = whole.get((), 0) + constant // b
    constant %= b
    if not rest:
        return _canonical(whole)
    common = gcd(b, *rest.values())
    if common > 1:
        # (2H + 1) // 4 is H // 2: a constant smaller than the common factor never carries.
        inner = _canonical({**{m: c // common for m, c in rest.items()}, (): constant // common})
        return _canonical(whole) + floor_divide(inner, b // common)
    numerator = _canonical({**rest, (): constant} if constant else rest)
    assert isinstance(numerator, Dim)
    match numerator.terms:
        case (((Floor(inner, divisor),), 1),) if isinstance(divisor, int) and divisor > 0:
            return _canonical(whole) + floor_divide(inner, divisor * b)
        case _:
            return _canonical(whole) + Dim((((Floor(numerator, b),), 1),))


def _divide_by_dim(a: Dim, b: Dim) -> Size:
    if a == b:
        return 1
    quotient = _polynomial_quotient(a, b)
    if quotient is not None:
        return quotient
    return Dim((((Floor(a, b),), 1),))


def _polynomial_quotient(a: Dim, b: Dim) -> Size | None:
    """Return the exact quotient of polynomials if there is one, for a positive divisor."""
    lead, lead_c = b.terms[0]
    rest: Size = a
    quotient: Size = 0
    for _ in range(len(a.terms) + 1):
        if rest == 0:
            return quotient
        if isinstance(rest, int):
            return None
        monomial, coefficient = rest.terms[0]
        left = list(monomial)
        for atom in lead:
            if atom not in left:
                return None
            left.remove(atom)
        if coefficient % lead_c:
            return None
        step = _canonical({tuple(left): coefficient // lead_c})
        quotient = quotient + step
        rest = rest - step * b
    return None


def _substitute_atom(atom: Atom, values: Mapping[str, Size]) -> Size:
    match atom:
        case Symbol(name, unit):
            if name not in values:
                return Dim((((atom,), 1),))
            value = exact_quotient(values[name], unit)
            if value is None:
                raise ValueError(f"{name} must be a multiple of {unit}")
            return value
        case Floor(numerator, divisor):
            return floor_divide(substitute(numerator, values), substitute(divisor, values))


def _show(monomial: Monomial, coefficient: int) -> str:
    unit = prod(atom.unit for atom in monomial if isinstance(atom, Symbol))
    common = gcd(coefficient, unit)
    coefficient, unit = coefficient // common, unit // common
    names = [
        atom.name
        if isinstance(atom, Symbol)
        else (str(atom) if len(monomial) == 1 and coefficient == 1 else f"({atom})")
        for atom in monomial
    ]
    factors = [*([str(coefficient)] if coefficient != 1 or not names else []), *names]
    return "*".join(factors) + (f"//{unit}" if unit != 1 else "")


def _wrapped(size: Size) -> str:
    text = str(size)
    return f"({text})" if any(c in text for c in " */") else text
