"""The entry: the source of a module that computes what a net computes."""

from __future__ import annotations

from collections.abc import Callable

from netlang.codegen.pytorch.module import Module
from netlang.codegen.pytorch.recording import Recording, RecordingBuilder
from netlang.evaluate.context.frame import Observer
from netlang.evaluate.context.values import Function
from netlang.ir.graph import Builder, Graph

Observe = Callable[[Observer, Builder], Graph]
"""Evaluates a net while an observer takes notes, and returns its graph."""


def pytorch_source(net: Function, observe: Observe) -> str:
    """Return the source of PyTorch modules for a net, which ``observe`` evaluates.

    The parameters have the paths that netlang gives them, so that ``load_state_dict`` reads the
    weights of a safetensors file of netlang. Raises ``DiagnosticError`` for a part of the net that
    has no form in PyTorch.
    """
    recording = Recording()
    graph = observe(recording, RecordingBuilder())
    return Module(net, recording, graph).text()
