"""What a run is watched for: norms of gradients and activations by layer, and parameter values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from netlang.analysis.layers import layer_outputs, layers_of
from netlang.diagnostics import rules
from netlang.diagnostics.errors import USAGE, NetlangError
from netlang.diagnostics.suggestions import did_you_mean
from netlang.ir.backward_slice import needed
from netlang.ir.dims import product
from netlang.ir.graph import Builder, Graph, Value
from netlang.ops.shaping.joining import Concat
from netlang.ops.terms import Term
from netlang.plan.plan import Plan, Update
from netlang.system.numpy import Array

GRADIENTS, ACTIVATIONS, PARAMETERS = "gradients", "activations", "parameters"
_OUTPUT = "watch."
MOST = 64
"""The most elements of a parameter that is watched."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What is recorded of the steps of a run, besides its metrics; false if it is nothing.

    ``parameters`` are paths; with ``every`` N, one step in N is.
    """

    gradients: bool = False
    activations: bool = False
    parameters: tuple[str, ...] = ()
    every: int | None = None

    def __bool__(self) -> bool:
        return self.gradients or self.activations or bool(self.parameters)


def watch_of(names: Sequence[str], every: int | None, plan: Plan) -> Watch:
    """Return what some names denote: ``gradients``, ``activations``, and paths of parameters.

    Raises ``NetlangError`` for a path that there is not, or of a parameter that is too large or
    that no step changes.
    """
    paths = [name for name in names if name not in (GRADIENTS, ACTIVATIONS)]
    own = tuple(dict.fromkeys(_parameter(path, plan) for path in paths))
    return Watch(GRADIENTS in names, ACTIVATIONS in names, own, every)


def _parameter(path: str, plan: Plan) -> str:
    changed = {own for update in plan.updates for own in update.paths}
    params = {p.path: p for p in plan.computation.params.values() if p.path in changed}
    ends = [own for own in params if own.endswith(f".{path}")]
    full = ends[0] if path not in params and len(ends) == 1 else path
    if full not in params:
        names = [GRADIENTS, ACTIVATIONS, *params]
        raise NetlangError(
            rules.USAGE,
            f"`{plan.name}` has nothing to watch that is called `{path}`",
            notes=[f"`{GRADIENTS}`, `{ACTIVATIONS}`, or a trained parameter: {_listed(params)}"],
            helps=did_you_mean(path, names),
            exit_code=USAGE,
        )
    size = params[full].type.size
    if not isinstance(size, int) or size > MOST:
        raise NetlangError(
            rules.USAGE,
            f"`{full}` is {params[full].type}, and at most {MOST} elements are watched",
            helps=[f"watch the norm of its gradient: `--watch {GRADIENTS}`"],
            exit_code=USAGE,
        )
    return full


def _listed(paths: Mapping[str, object]) -> str:
    shown = [f"`{path}`" for path in paths][:6]
    return ", ".join(shown) + (", …" if len(paths) > len(shown) else "")


@dataclass(frozen=True, slots=True)
class Watched:
    """The outputs of a step graph that are watched: one vector for each kind.

    ``names`` are those of its elements, by kind; of ``parameters``, those that each element is of.
    """

    names: Mapping[str, Sequence[str]]

    def read(self, found: Mapping[str, Array]) -> dict[str, dict[str, list[float]]]:
        """Return the numbers of each name, by kind, from the outputs of a step."""
        made: dict[str, dict[str, list[float]]] = {}
        for kind, names in self.names.items():
            values = made[kind] = {}
            for name, number in zip(names, found[f"{_OUTPUT}{kind}"].tolist(), strict=True):
                values.setdefault(name, []).append(float(number))
        return made


def is_watched(output: str) -> bool:
    """Return whether an output of a step is what is watched, and not what it measures."""
    return output.startswith(_OUTPUT)


NO_WATCH = Watch()
NOTHING = Watched({})


def outputs_of(
    watch: Watch, b: Builder, plan: Plan, update: Update, values: Mapping[Value, Value],
    squares: Sequence[Term], after: Mapping[str, Value],
) -> tuple[dict[str, Value], Watched]:  # fmt: skip
    """Add the nodes of what is watched; return the outputs, and what is in them.

    ``values`` are those of the step for those of the program, ``squares`` the sums of the squares
    of the gradients, and ``after`` the new parameters by path.
    """
    terms: dict[str, dict[str, Term]] = {}
    if watch.gradients:
        norms = (square.unary("sqrt") for square in squares)
        terms[GRADIENTS] = dict(zip(update.paths, norms, strict=True))
    if watch.activations:
        found = _activations(plan, update)
        terms[ACTIVATIONS] = {path: _rms(Term(b, values[v])) for path, v in found.items()}
    own = [path for path in watch.parameters if path in after]
    if own:
        terms[PARAMETERS] = {path: Term(b, after[path]) for path in own}
    outputs: dict[str, Value] = {}
    names: dict[str, Sequence[str]] = {}
    for kind, parts in terms.items():
        if not parts:
            continue
        flat = [part.reshape((product(part.shape),)) for part in parts.values()]
        whole = flat[0].to(Concat(0), *flat[1:]) if len(flat) > 1 else flat[0]
        outputs[f"{_OUTPUT}{kind}"] = whole.value
        sizes = zip(parts, flat, strict=True)
        names[kind] = [path for path, part in sizes for _ in range(int(str(part.shape[0])))]
    return outputs, Watched(names)


def _activations(plan: Plan, update: Update) -> dict[str, Value]:
    """Return the result of each layer with parameters, after its activation, by path."""
    computed = plan.computation
    nodes = tuple(needed(computed.nodes, (update.loss,), computed.gradients))
    graph = Graph(plan.name, tuple(computed.batch.values()), computed.params, nodes, {}, ())
    layers = layers_of(graph)
    found: dict[str, Value] = {}
    for layer, results in zip(layers, layer_outputs(graph, layers), strict=True):
        own = any(value in computed.params for node in layer.nodes for value in node.inputs)
        if (own or layer.path in found) and results[0].type.dtype.is_float:
            found[layer.path] = results[0]
    return found


def _rms(term: Term) -> Term:
    """Return the root of the mean of the squares, which does not depend on the number of them."""
    return (term * term).mean(range(term.rank)).unary("sqrt")
