"""Einstein summation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_letters
from typing import ClassVar, Self

from netlang.ir.dims import Shape, Size, product, symbol
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import OnnxBuilder, Operand, Primitive, Sample, register
from netlang.ir.types import F32, TensorType, Types
from netlang.ops.checks import require_dtype_of, require_float
from netlang.ops.reducing.subscripts import Side, Subscripts, expanded
from netlang.ops.terms import Term, terms
from netlang.system.numpy import Array, np

N = symbol("N")
T = symbol("T")


@register
class Einsum(Primitive, frozen=True):
    """Compute an Einstein summation, given by one letter per axis.

    ``"bhtd,bhsd->bhts"`` with ``f32[B, H, T, D], f32[B, H, S, D] -> f32[B, H, T, S]``. Letters that
    occur only on the left are summed over. In the language, ``...`` denotes all axes without a
    letter. Takes one tensor or two. Source: ONNX Einsum.
    """

    name: ClassVar[str] = "einsum"
    gradient_reads = ("others",)
    formula: ClassVar[str] = "np.einsum({rule}, {xs}, optimize=True)"
    family = "dense"
    operands: ClassVar[tuple[str, ...]] = ("xs*",)
    rule: str

    def seen_whole(self, operand: int, rank: int) -> frozenset[int]:
        del operand
        return frozenset(range(rank))

    @classmethod
    def make(cls, types: Types, attributes: Mapping[str, object]) -> Self:
        rule = "".join(str(attributes["rule"]).split())
        return cls(expanded(rule, [x.rank for x in types]))

    def infer(self, *types: TensorType) -> Types:
        require_float("einsum", *types)
        for position, x in enumerate(types):
            require_dtype_of(types[0], x, operand=position)
        subscripts = Subscripts.parse(self.rule, len(types))
        sizes = subscripts.sizes(types)
        return (types[0].with_shape(*(sizes[letter] for letter in subscripts.result)),)

    def macs(self, *types: TensorType) -> Size:
        if len(types) < 2:
            return 0
        return product(Subscripts.parse(self.rule, len(types)).sizes(types).values())

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        y = np.einsum(self.rule, *operands, optimize=True)
        return (np.ascontiguousarray(y).reshape(np.shape(y)),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        product = Subscripts.parse(self.rule, len(operands)).as_product()
        if product is None:
            return (b.add("Einsum", *operands, equation=self.rule),)
        left, right = operands[::-1] if product.swapped else operands
        y = b.add("MatMul", _arranged(b, left, product.left), _arranged(b, right, product.right))
        if product.squeezed:
            y = b.add("Squeeze", y, b.axes(product.squeezed))
        return (y,)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        given = terms(b, *inputs)
        (ct,) = terms(b, *cts)
        rule = Subscripts.parse(self.rule, len(inputs))
        return tuple(_cotangent(rule, given, i, ct).value for i in range(len(inputs)))

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [
            _sample(cls("ij,jk->ik"), (2, 3), (3, 4)),
            _sample(cls("bhtd,bhsd->bhts"), (N, 2, 3, 4), (N, 2, T, 4)),
            _sample(cls("ij->ji"), (N, 3)),
            _sample(cls("ij->"), (2, 3)),
            _sample(cls("ii->i"), (3, 3)),
            _sample(cls("i,j->ij"), (2,), (N,)),
            _sample(cls("ij,ij->ij"), (2, 3), (2, 3)),
            _sample(cls("i,i->"), (4,), (4,)),
            _sample(cls("ab,cb->a"), (2, 3), (4, 3)),
            _sample(cls("nd,nkd->nk"), (N, 2), (N, 3, 2)),
            _sample(cls("nk,nkd->nd"), (N, 3), (N, 3, 2)),
            _sample(cls("nk,nd->nkd"), (N, 3), (N, 2)),
            _sample(cls("kj,ik->ij"), (3, T), (N, 3)),
        ]


def _arranged(b: OnnxBuilder, x: Operand, side: Side) -> str:
    """Return an operand with its axes as a product of matrices has them."""
    if side.order != tuple(range(x.type.rank)):
        y = b.add("Transpose", x, perm=list(side.order))
    else:
        y = x.name
    return y if side.added is None else b.add("Unsqueeze", y, b.axes([side.added]))


def _sample(op: Primitive, *shapes: Shape) -> Sample:
    return Sample(op, tuple(TensorType(F32, s) for s in shapes), sizes={"N": 4, "T": 5})


def _cotangent(rule: Subscripts, operands: Sequence[Term], position: int, ct: Term) -> Term:
    """Return the cotangent of an operand, given that of the result.

    A letter of that operand only was summed over, so its axis is expanded. A letter that it has
    twice selected a diagonal, so the cotangent is 0 off the diagonal.
    """
    term = rule.operands[position]
    once = "".join(dict.fromkeys(term))
    others = [(t, x) for i, (t, x) in enumerate(zip(rule.operands, operands, strict=True))
              if i != position]  # fmt: skip
    known = {letter for t in (rule.result, *(t for t, _ in others)) for letter in t}
    kept = "".join(letter for letter in once if letter in known)
    left = ",".join([rule.result, *(t for t, _ in others)])
    cotangent = ct.to(Einsum(f"{left}->{kept}"), *(x for _, x in others))
    sizes = dict(zip(term, operands[position].shape, strict=True))
    ones = tuple(sizes[letter] if letter in known else 1 for letter in once)
    cotangent = cotangent.reshape(ones).expand(tuple(sizes[letter] for letter in once))
    return _on_diagonals(cotangent, once, term)


def _on_diagonals(x: Term, once: str, term: str) -> Term:
    """Return axes ``once`` as axes ``term``, in which letters occur again, on diagonals."""
    from netlang.ops.shaping.creation import Iota, OneHot

    free = (letter for letter in ascii_letters if letter not in term)
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
