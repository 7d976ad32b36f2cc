"""The parameters a training starts from: the program's rules in order, then the seed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from netlang.diagnostics.errors import WeightsError
from netlang.ir.graph import Graph, Param
from netlang.ir.initializers import draw, initialize
from netlang.plan.initialization import Fill, Load, Selection
from netlang.plan.plan import Computation, Plan
from netlang.storage.weights import described, load_weights
from netlang.system.files import find_data
from netlang.system.numpy import Array


def initial_parameters(
    plan: Plan, seed: int, folder: Path, warn: Callable[[str], None] = lambda _: None
) -> dict[str, Array]:
    """Initialize or load every parameter; ``folder`` is where the program's paths begin.

    ``warn`` is called for tensors of a file with other names that are not used, and for layers that
    only their order and shapes tell.
    """
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
                _load(rule, plan.computation, values, folder, warn)
            case _:
                raise TypeError(f"not a rule: {rule!r}")
    return values


def parameter_files(plan: Plan, folder: Path) -> list[Path]:
    """Return the files that a section loads parameters from."""
    rules = [rule for rule in plan.init if isinstance(rule, Load)]
    paths = [path for rule in rules for path in (rule.path, rule.map) if path is not None]
    return [find_data(path, folder) for path in paths]


def _load(
    rule: Load, computation: Computation, values: dict[str, Array], folder: Path,
    warn: Callable[[str], None],
) -> None:  # fmt: skip
    file = find_data(rule.path, folder)
    if rule.dialect != "netlang" or rule.map is not None:
        mapping = None if rule.map is None else find_data(rule.map, folder)
        values |= _renamed(rule, file, mapping, computation, warn)
        return
    found = described(file)
    chosen: dict[str, str] = {}
    problems: list[str] = []
    for path in rule.what.paths:
        names = _names(rule.what, path)
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


def _renamed(
    rule: Load, file: Path, mapping: Path | None, computation: Computation,
    warn: Callable[[str], None],
) -> dict[str, Array]:  # fmt: skip
    """Read the selected parameters from a file with other names."""
    from netlang.matching.flattening import flattened
    from netlang.matching.loading import load_file, name_source, remarks

    root = f"{rule.what.root}."
    params = {param.path: param for param in computation.params.values()}
    # Names in the file do not begin with that of the selected part, such as `model.`.
    wanted = [
        Param(path.removeprefix(root), params[path].type, params[path].init, params[path].trained)
        for path in rule.what.paths
    ]
    maps = flattened(computation.nodes, computation.params)
    orders = {path.removeprefix(root): order for path, order in maps.items()}
    names = name_source(rule.dialect, mapping)
    arrays, matched = load_file(file, wanted, rule.what.root, names, orders)
    for remark in remarks(matched, rule.path):
        warn(f"warning: {remark}")
    return {path: arrays[path.removeprefix(root)] for path in rule.what.paths}


def _names(what: Selection, path: str) -> list[str]:
    """Return what a file may call a parameter: below the layer, or below the selected part."""
    return [path.removeprefix(f"{what.layer}."), path.removeprefix(f"{what.root}.")]
