"""What run times are known to get wrong in random networks.

An entry explains a disagreement of one of its executions, no larger than it says, in a network
that has such a node, and shows itself in a small network of its own. When that one agrees, a test
fails: then the bug is fixed, and the entry goes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from executions import Disagreement

from netlang.ir.dims import product
from netlang.ir.graph import Graph, Node


@dataclass(frozen=True)
class KnownFault:
    """``most`` bounds how far off it leads, whatever the network is; ``witness`` shows it."""

    name: str
    reason: str
    executions: frozenset[str]
    at: Callable[[Node], bool]
    most: float
    witness: str

    def explains(self, found: Disagreement, graph: Graph) -> bool:
        return (
            found.execution in self.executions
            and found.off <= self.most
            and any(map(self.at, graph.nodes))
        )


def _one_position(node: Node) -> bool:
    return node.op.name == "normalize_instance" and product(node.inputs[0].type.shape[2:]) == 1


ONNXRUNTIME = frozenset({"onnxruntime", "onnxruntime unoptimized"})

KNOWN_FAULTS = (
    KnownFault(
        "instance normalization of one position",
        "the mean of one number is rounded, so what is left of it is not zero but its last digit, "
        "which the division by the root of eps makes a few hundred times larger",
        ONNXRUNTIME,
        _one_position,
        most=1e-3,
        witness="""\
graph one {
  input %x: f32[9, 50, 1]
  input %w: f32[50]
  %tanh: f32[9, 50, 1] = tanh(%x)
  %n: f32[9, 50, 1] = normalize_instance{eps=1e-05}(%tanh, %w, %w)
  output y = %n
}
""",
    ),
)


def explanation(found: Disagreement, graph: Graph) -> KnownFault | None:
    return next((fault for fault in KNOWN_FAULTS if fault.explains(found, graph)), None)
