"""Which einsums are products of matrices for onnxruntime.

Tests ``netlang.ops.reducing.einsum``.
"""

from __future__ import annotations

import pytest
from models import to_onnx

from netlang.ir.graph import Builder, Graph
from netlang.ir.types import F32, TensorType
from netlang.ops.reducing.einsum import Einsum

SIZES = dict(zip("abcdhijknst", range(2, 13), strict=True))


def kinds(rule: str) -> list[str]:
    """Return the operators that compute an einsum."""
    b = Builder()
    left = rule.partition("->")[0].split(",")
    shapes = [tuple(SIZES[letter] for letter in term) for term in left]
    values = tuple(b.fresh(f"x{i}", TensorType(F32, shape)) for i, shape in enumerate(shapes))
    y = b.one(Einsum(rule), *values)
    model = to_onnx(Graph("Product", values, {}, tuple(b.nodes), {"y": y}), {})
    return [node.op_type for node in model.graph.node if node.op_type != "Constant"]


@pytest.mark.parametrize(("rule", "expected"), [
    ("ij,jk->ik", ["MatMul"]),
    ("ij,kj->ik", ["Transpose", "MatMul"]),
    ("jk,ij->ik", ["MatMul"]),
    ("nij,njk->nik", ["MatMul"]),
    ("bhtd,bhsd->bhts", ["Transpose", "MatMul"]),
    ("nd,nkd->nk", ["Unsqueeze", "Transpose", "MatMul", "Squeeze"]),
    ("nk,nkd->nd", ["Unsqueeze", "MatMul", "Squeeze"]),
    ("nk,nd->nkd", ["Unsqueeze", "Unsqueeze", "MatMul"]),
])  # fmt: skip
def test_an_einsum_over_one_letter_is_a_product(rule: str, expected: list[str]) -> None:
    assert sorted(kinds(rule)) == sorted(expected)


@pytest.mark.parametrize(
    "rule",
    # No matrices, letters that occur twice or in one place only, several that are summed over.
    [
        "ij,ij->ij",
        "n,nd->nd",
        "ii,ij->j",
        "ab,cb->a",
        "abc,bcd->ad",
        "i,i->",
        "ij->ji",
    ],
)
def test_other_einsums_stay(rule: str) -> None:
    assert "Einsum" in kinds(rule)
