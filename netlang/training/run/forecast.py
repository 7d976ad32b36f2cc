"""What a run would be, told before it is begun."""

from __future__ import annotations

from dataclasses import dataclass

from netlang.evaluate.context.values import Object
from netlang.plan.section import Plan
from netlang.training.run.footprint import footprint
from netlang.training.run.loop import clock_of
from netlang.training.run.opening import Choices, open_data, seed_of
from netlang.training.step.schedules import Clock, rate
from netlang.training.step.step import StepGraph, Training, prepare

_POINTS, _WIDTH = 12, 40
_EIGHTHS = " ▏▎▍▌▋▊▉"


@dataclass(frozen=True, slots=True)
class Forecast:
    """A training that nobody has begun, and how its data fall into steps."""

    training: Training
    clock: Clock
    rows: int
    batch: int
    nodes: dict[str, int]
    """The operators of each step graph, as ONNX has them."""

    def __str__(self) -> str:
        return "\n".join([*self._numbers(), *self._memory(), *self._rates()])

    def _numbers(self) -> list[str]:
        plan = self.training.plan
        trained = {path for chosen in self.training.steps for path in chosen.trained}
        count = sum(_count(p.type.shape) for p in plan.params.values() if p.path in trained)
        fixed = sum(_count(p.type.shape) for p in plan.params.values()) - count
        epochs = self.clock.total / self.clock.steps_per_epoch
        lines = [
            f"{plan.name}",
            f"parameters  {count:,} trainable, {fixed:,} frozen",
            f"examples    {self.rows:,} in batches of {self.batch:,}",
            f"steps       {self.clock.steps_per_epoch:,} per epoch, {self.clock.total:,} in total "
            f"({epochs:g} epochs)",
        ]
        for name, nodes in self.nodes.items():
            lines.append(f"graph       {name}: {nodes:,} operators")
        return lines

    def _memory(self) -> list[str]:
        found = footprint(self.training, self.batch)
        kept, step = _size(found.kept), _size(found.step)
        return [f"memory      {kept} for parameters and optimizer state, {step} per step"]

    def _rates(self) -> list[str]:
        lines: list[str] = []
        for chosen in self.training.steps:
            for name, schedule in chosen.rates.items():
                lines += ["", _title(chosen, name), *self._plot(schedule)]
        return lines

    def _plot(self, schedule: Object) -> list[str]:
        total = self.clock.total
        if isinstance(schedule, int | float):
            return [f"  {float(schedule):.4g} throughout"]
        steps = sorted({round(i * (total - 1) / (_POINTS - 1)) for i in range(_POINTS)})
        rates = [rate(schedule, step, self.clock) for step in steps]
        most = max(map(abs, rates)) or 1.0
        return [
            f"  step {step + 1:>9,}  {value:<10.4g} {_bar(value / most)}".rstrip()
            for step, value in zip(steps, rates, strict=True)
        ]


def forecast(plan: Plan, choices: Choices) -> Forecast:
    """Count what a training would take; reads its data and computes nothing."""
    from netlang.backends.compile import compile_graph

    training = prepare(plan, seed_of(plan, choices))
    data, _ = open_data(plan, choices)
    clock = clock_of(training, len(data))
    nodes = {
        graph.name: compile_graph(graph, {}, optimize=False).node_count
        for chosen in training.steps
        for graph in (chosen.graph, chosen.gathering)
        if graph is not None
    }
    return Forecast(training, clock, data.rows, min(data.size, data.rows), nodes)


def _title(chosen: StepGraph, name: str) -> str:
    step = f" of {chosen.name}" if chosen.name else ""
    return f"learning rate{step}" if name == "rate" else f"learning rate{step}, {name}"


def _bar(share: float) -> str:
    eighths = round(max(0.0, share) * _WIDTH * 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _size(count: int) -> str:
    number, unit = float(count), "B"
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024 or unit == "GiB":
            break
        number /= 1024
    return f"{number:.3g} {unit}"


def _count(shape: tuple[object, ...]) -> int:
    total = 1
    for size in shape:
        assert isinstance(size, int)
        total *= size
    return total
