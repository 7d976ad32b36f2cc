"""Single updates by an optimizer, outside of any train section."""

from __future__ import annotations

from typing import Any

from netlang.ir.graph import Builder, Graph
from netlang.ir.types import F32, I64, TensorType
from netlang.ops.terms import Term
from netlang.plan.optimizers import Optimizer
from netlang.plan.records import RECORDS


def update_graph(name: str, given: dict[str, Any], size: int) -> tuple[Graph, list[str]]:
    """Make a graph of one update of some numbers; return it, and the names of its states."""
    chosen = RECORDS[name](**{"lr": 0.1} | given)
    assert isinstance(chosen, Optimizer)
    b, type = Builder(), TensorType(F32, (size,))
    weight, slope = b.fresh("weight", type), b.fresh("gradient", type)
    rate, count = b.fresh("rate", TensorType(F32, ())), b.fresh("count", TensorType(I64, ()))
    kept = {key: b.fresh(key, type) for key in chosen.states}
    new, after = chosen.update(
        Term(b, weight), Term(b, slope), {k: Term(b, v) for k, v in kept.items()},
        Term(b, rate), Term(b, count),
    )  # fmt: skip
    outputs = {"new": new.value} | {f"{k}_next": v.value for k, v in after.items()}
    inputs = (weight, slope, rate, count, *kept.values())
    return Graph("update", inputs, {}, tuple(b.nodes), outputs), list(kept)
