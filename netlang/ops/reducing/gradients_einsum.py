"""The gradient of an einsum, which is made of einsums."""

from __future__ import annotations

from collections.abc import Sequence

from netlang.ops.shaping.subscripts import Subscripts
from netlang.ops.terms import Term

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def einsum_gradient(rule: Subscripts, operands: Sequence[Term], place: int, ct: Term) -> Term:
    """Give the cotangent of the operand at ``place`` from that of the result.

    A letter of that operand alone was summed over, so its axis is a repetition; a letter that is
    on it twice was a diagonal, so what is beside the diagonal gets 0.
    """
    from netlang.ops.reducing.linear import Einsum

    term = rule.operands[place]
    once = "".join(dict.fromkeys(term))
    others = [(t, x) for i, (t, x) in enumerate(zip(rule.operands, operands, strict=True))
              if i != place]  # fmt: skip
    known = {letter for t in (rule.result, *(t for t, _ in others)) for letter in t}
    kept = "".join(letter for letter in once if letter in known)
    left = ",".join([rule.result, *(t for t, _ in others)])
    pulled = ct.to(Einsum(f"{left}->{kept}"), *(x for _, x in others))
    sizes = dict(zip(term, operands[place].shape, strict=True))
    ones = tuple(sizes[letter] if letter in known else 1 for letter in once)
    pulled = pulled.reshape(ones).expand(tuple(sizes[letter] for letter in once))
    return _on_diagonals(pulled, once, term)


def _on_diagonals(x: Term, once: str, term: str) -> Term:
    """Bring axes ``once`` to axes ``term``, in which letters come again."""
    from netlang.ops.reducing.linear import Einsum
    from netlang.ops.shaping.creation import Iota, OneHot

    free = (letter for letter in _LETTERS if letter not in term)
    names = once
    for position, letter in enumerate(term):
        if letter not in term[:position]:
            continue
        size = x.shape[names.index(letter)]
        unit = x.make(Iota(size)).to(OneHot(size, x.type.dtype))
        new = next(free)
        x = x.to(Einsum(f"{names},{letter}{new}->{names}{new}"), unit)
        names += new
        term = term[:position] + new + term[position + 1 :]
    return x.transpose([names.index(letter) for letter in term])
