"""Losses and metrics of a dataset do not depend on its batches, nor do accumulated gradients.

Tests ``netlang.analysis.accumulators`` and ``netlang.training.totals``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plans import plan_of
from sections import engines

import netlang
from netlang.analysis.accumulators import Accumulators
from netlang.backends import Backend
from netlang.evaluate.context.values import DIRECTIONS
from netlang.manual.pages import PRELUDE, Entry, public
from netlang.syntax.library import definition
from netlang.system.numpy import Array
from netlang.training.run.engine import NumpyEngine, initial_state
from netlang.training.run.evaluation import evaluated, metrics_of
from netlang.training.run.initial_parameters import initial_parameters
from netlang.training.run.preparation import Choices, open_data
from netlang.training.step.graphs import DRAW, STEP, prepare
from netlang.training.totals import Totals

ROWS, SIZES = 25, (25, 7, 5, 2, 1)
DTYPES = {"f32": np.float32, "i64": np.int64, "bool": np.bool_}
RANGES = {"t": (20, 51), "l": (1, 5)}
"""The lengths of sequences in the example of `ctc`; other integers are 0 or 1."""


@dataclass(frozen=True)
class Case:
    """A loss or a metric of some columns, as a section computes it."""

    name: str
    columns: dict[str, str]
    value: str
    is_loss: bool

    @property
    def program(self) -> str:
        first, *rest = self.columns
        features = ", ".join(re.findall(r", (\w+)\]", self.columns[first]))
        inside = {
            name: type.replace("N, ", "").replace("N", "") for name, type in self.columns.items()
        }
        declared = ", ".join(f"{name}: {type}" for name, type in inside.items())
        bound = "".join(f"  {name} = batch.{name}\n" for name in rest if self._uses(name))
        return (
            f'dataset rows -> ({declared}) {{ npz = "rows.npz" }}\n'
            f"net Scale(x: {self.columns[first]}) -> y: {self.columns[first]} {{\n"
            f"  w = param([{features}], 1.0)\n  y = x * w\n}}\n"
            "train it(size: int = 25, many: int = 1) {\n"
            "  data = rows() |> batches(size)\n  valid = rows() |> batches(size)\n"
            f"  model = new Scale()\n  {first} = model(batch.{first})\n{bound}"
            f"  loss = {self.value if self.is_loss else f'mean({first})'}\n"
            f"  metrics = [({self.value}) as value]\n"
            "  optimizer = sgd(0.05)\n  accumulate = many\n  run = 2 epochs\n}\n"
        )

    def _uses(self, name: str) -> bool:
        return re.search(rf"\b{name}\b", self.value) is not None

    def write(self, folder: Path) -> Path:
        """Write the program and data for it."""
        draw = np.random.default_rng(1)
        arrays: dict[str, Any] = {}
        for name, type in self.columns.items():
            dtype, axes = re.fullmatch(r"(\w+)\[(.*)\]", type).groups()  # type: ignore[union-attr]
            shape = [ROWS, *(int(size) for size in axes.split(", ")[1:])]
            made = draw.uniform(0.05, 0.95, shape)
            if dtype == "i64":
                made = draw.integers(*RANGES.get(name, (0, 2)), shape)
            elif dtype == "bool":
                # Of some examples nothing counts.
                made = made * np.linspace(0.0, 1.0, ROWS).reshape(-1, *[1] * (len(shape) - 1)) > 0.3
            arrays[name] = made.astype(DTYPES[dtype])
        np.savez(folder / "rows.npz", **arrays)
        path = folder / "it.net"
        path.write_text(self.program, "utf-8")
        return path


def of_library(entry: Entry) -> Iterator[Case]:
    """Yield the example of a loss or metric of the library, and with each mask it takes."""
    (example,) = entry.examples[:1]
    found = re.match(r"(\w+: .+?)( \|> | -> )(.+)", example)
    assert found is not None, example
    inputs = dict(re.findall(r"(\w+): (\w+\[.*?\])", found[1].replace("T", "6")))
    value = f"{next(iter(inputs))} |> {found[3]}" if "|>" in found[2] else found[3]
    is_loss = entry.outs == ["loss"]
    yield Case(entry.name, inputs, value, is_loss)
    signature = definition(entry.file.relative_to(PRELUDE).as_posix(), entry.name).params
    types = {param.name.text: param.type.span.text for param in signature if param.type is not None}
    for name, type in types.items():
        columns, argument = dict(inputs), ""
        if re.fullmatch(r"(bool|f32)\[.*\]\?", type) and name not in inputs:
            like = next(
                n for n, other in types.items() if other.endswith(f"[{type[:-1].partition('[')[2]}")
            )
            same = list(inputs.values())[list(types).index(like)]
            columns[name], argument = type.partition("[")[0] + "[" + same.partition("[")[2], name
        elif type == "int?":
            argument = "0"
        elif type == "weighting?":
            classes = int(next(iter(inputs.values())).rpartition(", ")[2].rstrip("]"))
            argument = f"[{', '.join(str(0.5 + at) for at in range(classes))}]"
        if argument:
            assert value.endswith(")")
            yield Case(
                f"{entry.name}({name})", columns, f"{value[:-1]}, {name}={argument})", is_loss
            )


FOUND = [
    case
    for entry in public().values()
    if entry.module == "losses" or (entry.outs[0] in DIRECTIONS and entry.kind == "op")
    for case in of_library(entry)
]

PAIR = {"a": "f32[N, 3]", "b": "f32[N, 3]", "mask": "bool[N, 3]", "label": "i64[N]"}
WRITTEN = {
    "root": "sqrt(mse(a, b))",
    "perplexity": "perplexity(mse(a, b) + 0.1)",
    "masked": "sum(select(mask, (a - b) ** 2, 0.0)) / sum(cast(mask, f32))",
    "two": "mean(a * b) + 0.3 * masked_mean(a, mask) + 0.01 * sum(model.w ** 2)",
    "product": "mean(a * b) * masked_mean(a, mask)",
    "total": "sum(a * b) / 100.0",
    "by hand": "sum((a - b) ** 2) / N",
    "unbiased": "sum((a - b) ** 2) / (N - 1)",
    "dot": "mean(reshape(a[:, 0], [1, N]) @ reshape(b[:, 1], [N, 1])) / N",
    "einsum": 'einsum("ni,ni->", a, b) / N + mean(einsum("ni,nj->nij", a, b))',
    "channels": "mean(sqrt(mean((a - b) ** 2, axis=0)))",
    "classes": "mean(sum(one_hot(label, 2) * a[:, :1], axis=0) / sum(one_hot(label, 2), axis=0))",
    "overlap": "1.0 - 2.0 * sum(a * b) / (sum(a) + sum(b))",
    "variance": "mean(a ** 2) - mean(a) ** 2",
    "learned weights": "sum(a * a * b) / sum(a)",
}
"""Losses of a user's own."""
OWN = [Case(name, PAIR, value, is_loss=True) for name, value in WRITTEN.items()]


def test_every_loss_and_metric_of_the_library_is_found() -> None:
    assert len(FOUND) > 30
    assert {"cross_entropy(ignore)", "nll(class_weights)", "top_k", "masked_mean"} <= {
        case.name for case in FOUND
    }


@pytest.mark.parametrize("case", FOUND + OWN, ids=lambda case: case.name)
def test_metrics_do_not_depend_on_how_examples_are_batched(case: Case, tmp_path: Path) -> None:
    path = case.write(tmp_path)
    values: list[dict[str, float]] = []
    for size in SIZES:
        plan = plan_of(path, None, {"size": str(size)})
        training = prepare(plan, 0)
        assert not any(metric.obstacles for metric in training.measures.metrics.values())
        engine = NumpyEngine(
            training, initial_state(training, initial_parameters(plan, 0, tmp_path))
        )
        data, _ = open_data(plan, Choices(tmp_path, 0))
        values.append(metrics_of(training, evaluated(training, engine, data, "data"), "data"))
        if size == ROWS:
            with data.epoch(0) as stream:
                found = engine.evaluate(next(stream), {"draw": 1}, first=True)
            assert values[0] == pytest.approx({n: float(found[n]) for n in values[0]}, rel=1e-5)
    for other in values[1:]:
        assert other == pytest.approx(values[0], rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    "case", [case for case in FOUND + OWN if case.is_loss], ids=lambda case: case.name
)
def test_batches_whose_gradients_accumulate_are_as_one(case: Case, tmp_path: Path) -> None:
    program = netlang.load(case.write(tmp_path))
    results: list[tuple[Array, list[tuple[float, ...]]]] = []
    for size, many in ((25, 1), (7, 4), (1, 25)):
        run = program.train(
            settings={"size": size, "many": many}, folder=tmp_path / str(size), backend="numpy"
        )
        metrics = [(*report.train.values(), *report.valid.values()) for report in run.history]
        results.append((run.networks["model"].parameters["w"], metrics))
    (weight, metrics), *others = results
    assert np.max(np.abs(weight - 1.0)) > 1e-4
    for other, theirs in others:
        np.testing.assert_allclose(other, weight, rtol=2e-6)
        np.testing.assert_allclose(theirs, metrics, rtol=2e-6, atol=1e-6)


NET = """
dataset rows -> (a: f32[3], mask: bool[3]) { npz = "rows.npz" }

net Carrying(a: f32[N, 3]) -> y: f32[N, 3] {
  state h: f32[N, 3] = 0.5
  y = tanh(dense(a, 3) + h) |> dropout(0.3)
  next h = y
}

train it {
  data = rows() |> batches(5, in_order=true)
  model = new Carrying()
  y = model(batch.a)
  loss = mean(y ** 2) * masked_mean(y, batch.mask)
  metrics = [mean(y) as other]
  optimizer = sgd(0.1)
  accumulate = 2
  carry_state = true
  run = 1 epoch
}
"""


def test_totals_are_of_what_the_steps_compute(tmp_path: Path) -> None:
    """Random numbers and states are the same, and the step leaves them as if there were none."""
    path = Case("", {"a": "f32[N, 3]", "mask": "bool[N, 3]"}, "mean(a)", is_loss=True).write(
        tmp_path
    )
    path.write_text(NET, "utf-8")
    training = prepare(plan_of(path), 0)
    (step,) = training.steps
    assert step.weighing is not None and step.gathering is not None
    assert list(step.weighing.outputs) == ["loss.mean1", "loss.sum2", "loss.sum3"]
    data, _ = open_data(training.plan, Choices(tmp_path, 0))
    with data.epoch(0) as stream:
        batches = list(stream)[:2]
    numbers = [{STEP: 1, DRAW: draw, "share": 0.5, "rate": 0.1} for draw in (1, 2)]
    totals = dict.fromkeys(step.totals, 1.0)
    for engine in engines(training, tmp_path):
        restore = engine.savepoint()
        weighed = [
            engine.step(step.weighing, batch, given)
            for batch, given in zip(batches, numbers, strict=True)
        ]
        restore()
        graphs = (step.gathering, step.graph)
        for graph, batch, given, expected in zip(graphs, batches, numbers, weighed, strict=True):
            found = engine.step(graph, batch, given | totals)
            assert {name: float(found[name]) for name in expected} == expected


@pytest.mark.parametrize("backend", ["onnxruntime", "numpy"])
def test_examples_are_the_same_in_one_batch_and_in_several(
    backend: Backend, tmp_path: Path
) -> None:
    """Labels of padding, classes of different weights, and a batch in which nothing counts."""
    value = "cross_entropy(logits, label, ignore=1, class_weights=[0.2, 1.0, 3.0])"
    case = Case("", {"logits": "f32[N, 3]", "label": "i64[N]"}, value, is_loss=True)
    program = netlang.load(case.write(tmp_path))
    labels = np.load(tmp_path / "rows.npz")["label"]
    assert 1 in labels
    results = [
        program.train(settings=settings, folder=tmp_path / str(i), backend=backend)
        for i, settings in enumerate(({"size": 25}, {"size": 1, "many": 25}))
    ]
    one, several = (run.networks["model"].parameters["w"] for run in results)
    np.testing.assert_allclose(several, one, rtol=1e-6)
    logs = [[report.valid["loss"] for report in run.history] for run in results]
    np.testing.assert_allclose(logs[1], logs[0], rtol=1e-6)
    evaluated_at = [
        program.evaluate(
            tmp_path / "0" / "model.safetensors", settings={"size": size}, backend=backend
        )
        for size in SIZES
    ]
    for each in evaluated_at:
        assert each.metrics["loss"] == pytest.approx(logs[0][-1], rel=1e-6)


RAGGED = """
dataset rows -> (a: f32[T, 3], mask: bool[T]) { npz = "rows.npz" }

net Line(a: f32[N, T, 3]) -> y: f32[N, T, 3] = dense(a, 3)

train it {
  data = rows() |> batches(5)
  model = new Line()
  y = model(batch.a)
  loss = mean(batch.a ** 2) + 0.0 * mean(y)
  metrics = [masked_mean(sum(batch.a, axis=2), batch.mask) as masked, mean(batch.a[:, 0]) as first]
  optimizer = sgd(0.1)
  run = 1 epoch
}
"""


def test_a_mean_counts_elements_where_batches_have_different_lengths(tmp_path: Path) -> None:
    (tmp_path / "it.net").write_text(RAGGED, "utf-8")
    training = prepare(plan_of(tmp_path / "it.net"), 0)
    draw = np.random.default_rng(0)
    batches: list[dict[str, Array]] = [
        {"a": draw.normal(size=(*shape, 3)), "mask": draw.random(shape) < 0.4}
        for shape in ((2, 4), (3, 7), (1, 1))
    ]
    for engine in engines(training, tmp_path):
        totals = Totals(training.measures, training.plan.computation.batch)
        for i, batch in enumerate(batches):
            totals.add(engine.evaluate(batch, {DRAW: i + 1}, first=i == 0), batch)
        each = np.concatenate([batch["a"].reshape(-1, 3) for batch in batches])
        mask = np.concatenate([batch["mask"].reshape(-1) for batch in batches])
        assert totals.values() == pytest.approx(
            {
                "loss": np.mean(each**2),
                "masked": np.mean(each.sum(axis=1)[mask]),
                "first": np.mean(np.concatenate([batch["a"][:, 0] for batch in batches])),
            },
            rel=1e-5,
        )


POOLED = """
dataset rows -> (a: f32[3]) { npz = "rows.npz" }

net Pooled(a: f32[N, 3]) -> y: f32[] = VALUE

train it {
  data = rows() |> batches(5)
  model = new Pooled()
  loss = model(batch.a)
  optimizer = sgd(0.1)
  run = 1 epoch
}
"""


@pytest.mark.parametrize(
    ("value", "accumulators", "obstacles"),
    [
        ("mean(dense(a, 1))", ["mean"], []),
        ("mean(dense(a, 1)) * param([], 1.0)", ["mean", "mean"], []),
        ("sqrt(sum(dense(a, 1) ** 2)) / N", ["sum", "size"], []),
        ("mean(mean(a, axis=0) |> unsqueeze(0) |> dense(1))", ["mean"], ["linear"]),
        ("mean(a @ param([3])) + max(a)", ["mean"], ["max"]),
    ],
)
def test_a_loss_may_be_computed_in_a_net(
    value: str, accumulators: list[str], obstacles: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "it.net"
    path.write_text(POOLED.replace("VALUE", value), "utf-8")
    plan = plan_of(path)
    analysis = Accumulators(plan.computation.nodes, plan.computation.batch.values())
    found = analysis.decompose(plan.measured["loss"])
    assert [each.kind for each in found.accumulators] == accumulators
    assert [node.op.name for node in found.obstacles] == obstacles
