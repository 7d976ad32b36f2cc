"""What a run would do, reported before it starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

from netlang.analysis.counts import short_bytes
from netlang.ir.graph import Param
from netlang.plan.plan import Plan
from netlang.plan.schedules import Clock, Rate, follow
from netlang.training.class_weights import balanced
from netlang.training.run.data_checks import check_data
from netlang.training.run.loop import clock_of
from netlang.training.run.preparation import Choices, open_data, seed_of
from netlang.training.step.graphs import StepGraph, Training, prepare
from netlang.training.step.memory import footprint

_POINTS, _WIDTH = 12, 40
_EIGHTHS = " ▏▎▍▌▋▊▉"


@dataclass(frozen=True, slots=True)
class DryRun:
    """A training that has not started, and how its data are divided into steps."""

    training: Training
    clock: Clock
    examples: int
    batch: int
    nodes: dict[str, int]
    """The number of ONNX operators of each step graph."""

    def __str__(self) -> str:
        return "\n".join([*self._numbers(), *self._memory(), *self._rates()])

    __repr__ = __str__

    def _numbers(self) -> list[str]:
        plan = self.training.plan
        trained = {path for update in plan.updates for path in update.paths}
        params = plan.computation.params.values()
        count = sum(_count(p) for p in params if p.path in trained)
        fixed = sum(map(_count, params)) - count
        epochs = self.clock.total / self.clock.steps_per_epoch
        lines = [
            f"{plan.name}",
            f"parameters  {count:,} trainable, {fixed:,} frozen",
            f"examples    {self.examples:,} in batches of {self.batch:,}",
            f"steps       {self.clock.steps_per_epoch:,} per epoch, {self.clock.total:,} in total "
            f"({epochs:g} epochs)",
        ]
        for name, nodes in self.nodes.items():
            lines.append(f"graph       {name}: {nodes:,} operators")
        return lines

    def _memory(self) -> list[str]:
        found = footprint(self.training, self.batch)
        kept, step = short_bytes(found.kept), short_bytes(found.step)
        return [f"memory      {kept} for parameters and optimizer state, {step} per step"]

    def _rates(self) -> list[str]:
        lines: list[str] = []
        for chosen in self.training.steps:
            for name, rate in chosen.rates.items():
                lines += ["", _title(chosen, name), *self._plot(rate)]
        return lines

    def _plot(self, rate: Rate) -> list[str]:
        total = self.clock.total
        if isinstance(rate, int | float):
            return [f"  {float(rate):.4g} throughout"]
        steps = sorted({round(i * (total - 1) / (_POINTS - 1)) for i in range(_POINTS)})
        rates = list(map(follow(rate, self.clock), steps))
        most = max(map(abs, rates)) or 1.0
        return [
            f"  step {step + 1:>9,}  {value:<10.4g} {_bar(value / most)}".rstrip()
            for step, value in zip(steps, rates, strict=True)
        ]


def dry_run(plan: Plan, choices: Choices, warn: Callable[[str], None]) -> DryRun:
    """Return what a training would do; data are read and checked, and nothing is computed."""
    from netlang.backends.compile import compile_graph

    data, valid = open_data(plan, choices)
    plan = balanced(plan, None, lambda: data.source)
    training = prepare(plan, seed_of(plan, choices))
    check_data(training, data, valid, warn)
    clock = clock_of(plan, len(data))
    nodes = {
        graph.name: compile_graph(graph, {}, optimize=False).node_count
        for chosen in training.steps
        for graph in chosen.graphs
    }
    return DryRun(training, clock, data.examples, min(data.size, data.examples), nodes)


def _title(chosen: StepGraph, name: str) -> str:
    step = f" of {chosen.name}" if chosen.name else ""
    return f"learning rate{step}" if name == "rate" else f"learning rate{step}, {name}"


def _bar(share: float) -> str:
    eighths = round(max(0.0, share) * _WIDTH * 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _count(param: Param) -> int:
    return prod(size for size in param.type.shape if isinstance(size, int))
