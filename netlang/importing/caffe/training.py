"""The train section of a network of Caffe, and the dataset that its user fills in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from textwrap import wrap

from netlang.importing.caffe.building import Blob, Target, Term
from netlang.importing.caffe.convert import Network
from netlang.importing.caffe.data import Source
from netlang.importing.caffe.fillers import written
from netlang.importing.caffe.solver import Solver
from netlang.importing.caffe.text import shown
from netlang.importing.convert import RESERVED, unique
from netlang.ir.types import TensorType

_WIDTH = 92
_TAKEN = (
    "data", "valid", "model", "loss", "metrics", "init", "freeze", "optimizer", "run", "batch",
    "clip", "accumulate", "checkpoint", "seed", "stop", "plateau", "precision", "carry_state",
)  # fmt: skip


def training_text(
    network: Network, solver: Solver, parameters: Mapping[str, Blob], name: str
) -> str:
    """Return a dataset and a train section as text.

    ``parameters`` are those of the network that are trained, by their paths in it.
    """
    graph = network.converted.graph
    outputs = unique([*graph.outputs], [*_TAKEN, name])
    renamed = dict(zip(graph.outputs, outputs, strict=True))

    def read(target: Target) -> str:
        if target.value is None:
            return f"batch.{network.columns[target.column]}"
        known = network.names.get(target.value)
        return f"batch.{target.value.name}" if known is None else renamed[known]

    fed = ", ".join(f"batch.{v.name}" for v in graph.inputs)
    lines = [
        *_batches(network, name),
        f"model = new {graph.name}()",
        f"{', '.join(outputs)} = model({fed})",
        f"loss = {_total(network.building.losses, read)}",
        *_metrics(network.building.metrics, read),
        *_initial(parameters),
        *_frozen(parameters),
        f"optimizer = {solver.optimizer}{_groups(parameters, solver.decay)})",
        *solver.settings,
    ]
    if solver.save_every:
        lines.append(f"checkpoint = [save_every(model, {solver.save_every})]")
    body = "\n".join(f"  {line}" for line in lines)
    return f"{solver.definitions}\n{_dataset(network, name)}\ntrain {name} {{\n{body}\n}}\n"


# ---- data --------------------------------------------------------------------------------


def _dataset(network: Network, name: str) -> str:
    """Return the sketch of a dataset with the columns that the section reads."""
    graph = network.converted.graph
    types = {v.name: v.type for v in graph.inputs}
    types |= {network.columns[n]: t for n, t in network.building.columns.items()}
    columns = ", ".join(f"{n}: {_column(t)}" for n, t in types.items())
    paths = [shown(s.path).replace('"', "'") for s in network.sources if s.path]
    where = f": {', '.join(dict.fromkeys(paths))}" if paths else ""
    doc = (
        f"The data of the original{where}. Write a function `load` in {name}_data.py that returns "
        f'them for a split, "train" or "test".'
    )
    lines = "".join(f"## {line}\n" for line in wrap(doc, _WIDTH, break_on_hyphens=False))
    body = f'  python = "{name}_data:load"'
    return f"{lines}dataset {name}_data(split: str) -> ({columns}) {{\n{body}\n}}\n"


def _column(type: TensorType) -> str:
    return f"{type.dtype}[{', '.join(map(str, type.shape[1:]))}]"


def _batches(network: Network, name: str) -> list[str]:
    train, valid = _source(network.sources, "TRAIN"), _source(network.sources, "TEST")
    size = (train.batch if train else None) or 32
    flipped = f" |> map({_first(network, train)}=[flip()])" if train and train.flipped else ""
    lines = [f'data = {name}_data("train"){flipped} |> batches({size}, shuffle=true)']
    if valid is not None and valid is not train:
        lines.append(f'valid = {name}_data("test") |> batches({valid.batch or size})')
    return lines


def _first(network: Network, source: Source) -> str:
    return network.columns[source.layer.makes[0][0]]


def _source(sources: Sequence[Source], phase: str) -> Source | None:
    return next((s for s in sources if phase in s.layer.phases), None)


# ---- losses ------------------------------------------------------------------------------


def _total(losses: Sequence[Term], read: Callable[[Target], str]) -> str:
    terms: list[str] = []
    for term in losses:
        text = term.text.format(*map(read, term.reads))
        if term.weight == 1.0:
            terms.append(text)
        elif text[0].isdigit() and " * " in text:
            number, _, rest = text.partition(" * ")
            terms.append(f"{written(term.weight * float(number))} * {rest}")
        else:
            terms.append(f"{written(term.weight)} * {text}")
    return " + ".join(terms)


def _metrics(metrics: Sequence[Term], read: Callable[[Target], str]) -> list[str]:
    if not metrics:
        return []
    # Two phases may measure the same.
    texts = {term.text.format(*map(read, term.reads)): term.name for term in metrics}
    named = [_metric_name(name) for name in texts.values()]
    whole = (f"({text})" if text[0].isdigit() else text for text in texts)
    parts = [f"{text} as {label}" for text, label in zip(whole, unique(named), strict=True)]
    return [f"metrics = [{', '.join(parts)}]"]


def _metric_name(name: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return plain if plain[:1].isalpha() and plain not in RESERVED else "metric"


# ---- parameters --------------------------------------------------------------------------


def _initial(parameters: Mapping[str, Blob]) -> list[str]:
    """Return how parameters start: a rule for most weights and one for biases, then the others."""
    started = {"scale": "1.0", "shift": "0.0", "slope": "0.25"}
    rules: list[str] = []
    chosen: dict[str, list[str]] = {}
    for name, start in (("weights", "weight"), ("biases", "bias")):
        kind = [path for path in parameters if _leaf(path).startswith(start)]
        counted = Counter(parameters[path].init for path in kind)
        if counted:
            ((usual, _),) = counted.most_common(1)
            rules.append(f"fill({name}(model), {usual})")
            started |= dict.fromkeys(kind, usual)
    for path, blob in parameters.items():
        if blob.init != started.get(path, started.get(_leaf(path))):
            chosen.setdefault(blob.init, []).append(path)
    rules += [f"fill({_selected(paths, parameters)}, {init})" for init, paths in chosen.items()]
    return [f"init = [{', '.join(rules)}]"] if rules else []


def _leaf(path: str) -> str:
    return path.rpartition(".")[2]


def _frozen(parameters: Mapping[str, Blob]) -> list[str]:
    paths = [path for path, blob in parameters.items() if blob.rate.lr == 0.0]
    return [f"freeze = [{_selected(paths, parameters)}]"] if paths else []


def _groups(parameters: Mapping[str, Blob], decay: float) -> str:
    chosen: dict[str, list[str]] = {}
    for path, blob in parameters.items():
        settings: list[str] = []
        if blob.rate.lr not in (0.0, 1.0):
            settings.append(f"lr_scale={written(blob.rate.lr)}")
        if blob.rate.decay != 1.0 and decay:
            settings.append(f"decay={written(blob.rate.decay * decay)}")
        if settings and blob.rate.lr:
            chosen.setdefault(", ".join(settings), []).append(path)
    rules = [f"group({_selected(p, parameters)}, {settings})" for settings, p in chosen.items()]
    return f", groups=[{', '.join(rules)}]" if rules else ""


def _selected(paths: Sequence[str], parameters: Mapping[str, Blob]) -> str:
    """Return a selection of exactly these parameters, in as few words as possible."""
    parts: list[str] = []
    left = list(paths)
    if set(paths) == set(parameters):
        return "model"
    for name, start in (("weights", "weight"), ("biases", "bias")):
        kind = [path for path in parameters if _leaf(path).startswith(start)]
        if kind and set(kind) <= set(left):
            parts.append(f"{name}(model)")
            left = [path for path in left if path not in kind]
    for leaf in dict.fromkeys(_leaf(path) for path in left):
        same = [path for path in parameters if _leaf(path) == leaf]
        if len(same) > 1 and set(same) <= set(left):
            parts.append(f'pick(model, "**.{leaf}")')
            left = [path for path in left if path not in same]
    parts += [f'pick(model, "{path}")' for path in left]
    return " + ".join(parts)
