"""The weights a training starts from: the program's rules in order, then the seed."""

from __future__ import annotations

from pathlib import Path

from netlang.diagnostics.errors import WeightsError
from netlang.evaluate.builtins.weights import initial
from netlang.evaluate.context.selections import root
from netlang.evaluate.context.values import Layer, Object, Part, Setting
from netlang.ir.graph import Graph, Param
from netlang.ir.initializers import draw, initialize
from netlang.plan.section import Plan
from netlang.storage.weights import load_weights
from netlang.system.files import find_data
from netlang.system.numpy import Array
from netlang.training.step.step import Training


def first_weights(training: Training, seed: int, folder: Path) -> dict[str, Array]:
    """Draw or load every weight; ``folder`` is where the program's paths begin."""
    plan = training.plan
    graph = Graph(plan.name, (), plan.params, (), {})
    weights = initialize(graph, seed)
    rules = plan.settings.get("init", [])
    assert isinstance(rules, list)
    for rule in rules:
        assert isinstance(rule, Setting)
        if rule.name == "fill":
            _fill(training, rule, weights, seed)
        else:
            _load(training, rule, weights, folder)
    return weights


def weight_files(plan: Plan, folder: Path) -> list[Path]:
    """Find the files that a section takes weights from."""
    rules = plan.settings.get("init", [])
    assert isinstance(rules, list)
    names = [r.arguments["path"] for r in rules if isinstance(r, Setting) and r.name != "fill"]
    return [find_data(name, folder) for name in names if isinstance(name, str)]


def _fill(training: Training, rule: Setting, weights: dict[str, Array], seed: int) -> None:
    init = initial(rule.arguments["init"])
    for path in training.weights.chosen(rule.arguments["what"]):
        old = training.plan.params[training.weights.by_path[path]]
        weights[path] = draw(Param(path, old.type, init, old.trained), seed)


def _load(training: Training, rule: Setting, weights: dict[str, Array], folder: Path) -> None:
    what, name = rule.arguments["what"], rule.arguments["path"]
    dialect = rule.arguments["dialect"]
    assert isinstance(name, str)
    if dialect not in ("netlang", "torch"):
        raise WeightsError(
            f"`dialect` is `{dialect}`", helps=['the dialects are "netlang" and "torch"']
        )
    found = load_weights(find_data(name, folder))
    paths = training.weights.chosen(what)
    missing: list[str] = []
    for path in paths:
        names = _names(what, path)
        if dialect == "torch":
            names = [_torch_name(name) for name in names]
        stored = next((n for n in names if n in found), None)
        if stored is None:
            missing.append(f"missing: `{names[0]}`")
        elif found[stored].shape != weights[path].shape:
            missing.append(
                f"wrong shape: `{stored}` is {list(found[stored].shape)}, "
                f"and must be {list(weights[path].shape)}"
            )
        else:
            weights[path] = found[stored].astype(weights[path].dtype)
    if missing:
        raise WeightsError(f"{name} does not fit `{root(what)}`", notes=missing)


_TORCH_LEAVES = {
    "scale": "weight", "shift": "bias", "mean": "running_mean", "var": "running_var",
}  # fmt: skip
"""What PyTorch calls the parameters of its norms."""


def _torch_name(name: str) -> str:
    stem, dot, leaf = name.rpartition(".")
    return f"{stem}{dot}{_TORCH_LEAVES.get(leaf, leaf)}"


def _names(what: Object, path: str) -> list[str]:
    """List what a file may call a weight: below the whole layer, or below the part asked for."""
    match what:
        case Layer(path=layer):
            return [path.removeprefix(f"{layer}.")]
        case Part(layer=whole):
            return [
                path.removeprefix(f"{whole.path}."),
                path.removeprefix(f"{root(what)}."),
            ]
        case _:
            return [path]
