"""Optimizers and schedules outside of any train section."""

from __future__ import annotations

from netlang.evaluate import optimizers
from netlang.evaluate.context.selections import Weights
from netlang.evaluate.context.values import Setting
from netlang.ir.graph import Graph
from netlang.ir.types import F32, TensorType
from netlang.plan.records import Records
from netlang.plan.schedules import Schedule
from netlang.program import open_program


def setting(call: str, definitions: str = "") -> Setting:
    """Evaluate a call such as `adam(1e-3)`, below some definitions."""
    program = open_program("calls.net", f"{definitions}\nvalue = {call}\n")
    program.check()
    assert not program.diagnostics.items, program.diagnostics.items[0].message
    module = program._main
    assert module is not None
    found = module.find("value")
    assert isinstance(found, Setting)
    return found


def update_graph(call: str, shape: tuple[int, ...], definitions: str = "") -> Graph:
    """Make a graph of one update of some numbers."""
    made = setting(call, definitions)
    assert made.call is not None
    run = made.call.frame.run
    graph = optimizers.update_graph(made, TensorType(F32, shape), run)
    assert graph is not None, run.diagnostics.items[0].message
    return graph


def schedule(call: str, definitions: str = "") -> Schedule:
    """Make the record of a schedule."""
    rate = Records(Weights({}, ())).rate(setting(call, definitions))
    assert isinstance(rate, Schedule)
    return rate
