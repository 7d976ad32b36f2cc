"""The parameters a training starts from: the program's rules in order, then the seed."""

from __future__ import annotations

from pathlib import Path

from netlang.diagnostics.errors import WeightsError
from netlang.ir.graph import Graph, Param
from netlang.ir.initializers import draw, initialize
from netlang.ops.arguments import shortened
from netlang.plan.initialization import Fill, Load, Selection
from netlang.plan.plan import Plan
from netlang.storage.weights import described, load_weights
from netlang.system.files import find_data
from netlang.system.numpy import Array


def initial_parameters(plan: Plan, seed: int, folder: Path) -> dict[str, Array]:
    """Initialize or load every parameter; ``folder`` is where the program's paths begin."""
    params = plan.computation.params
    by_path = {param.path: param for param in params.values()}
    values = initialize(Graph(plan.name, (), params, (), {}), seed)
    for rule in plan.init:
        match rule:
            case Fill(what=what):
                for path in what.paths:
                    old = by_path[path]
                    new = Param(path, old.type, rule.initializer, old.trained)
                    values[path] = draw(new, seed)
            case Load():
                _load(rule, values, folder)
            case _:
                raise TypeError(f"not a rule: {rule!r}")
    return values


def parameter_files(plan: Plan, folder: Path) -> list[Path]:
    """Return the files that a section loads parameters from."""
    return [find_data(rule.path, folder) for rule in plan.init if isinstance(rule, Load)]


def _load(rule: Load, values: dict[str, Array], folder: Path) -> None:
    if rule.dialect not in ("netlang", "torch"):
        raise WeightsError(
            f"`dialect` is `{shortened(rule.dialect)}`",
            helps=['the dialects are "netlang" and "torch"'],
        )
    file = find_data(rule.path, folder)
    found = described(file)
    chosen: dict[str, str] = {}
    problems: list[str] = []
    for path in rule.what.paths:
        names = _names(rule.what, path)
        if rule.dialect == "torch":
            names = [_torch_name(name) for name in names]
        stored = next((n for n in names if n in found), None)
        if stored is None:
            problems.append(f"missing: `{names[0]}`")
        elif found[stored].shape != values[path].shape:
            problems.append(
                f"wrong shape: `{stored}` is {list(found[stored].shape)}, "
                f"and must be {list(values[path].shape)}"
            )
        else:
            chosen[path] = stored
    if problems:
        raise WeightsError(f"{rule.path} does not fit `{rule.what.root}`", notes=problems)
    arrays = load_weights(file, chosen.values())
    values |= {path: arrays[name].astype(values[path].dtype) for path, name in chosen.items()}


_TORCH_LEAVES = {
    "scale": "weight", "shift": "bias", "mean": "running_mean", "var": "running_var",
}  # fmt: skip
"""What PyTorch calls the parameters of its norms."""


def _torch_name(name: str) -> str:
    stem, dot, leaf = name.rpartition(".")
    return f"{stem}{dot}{_TORCH_LEAVES.get(leaf, leaf)}"


def _names(what: Selection, path: str) -> list[str]:
    """Return what a file may call a parameter: below the layer, or below the selected part."""
    return [path.removeprefix(f"{what.layer}."), path.removeprefix(f"{what.root}.")]
