"""The entry: the source of a module that computes what a net computes."""

from __future__ import annotations

from collections.abc import Mapping

from netlang.codegen.pytorch import expressions as _expressions  # registers the rules
from netlang.codegen.pytorch.module import Module
from netlang.codegen.pytorch.recording import Recording, RecordingBuilder
from netlang.diagnostics.diagnostic import Diagnostics
from netlang.evaluate.context.values import Object
from netlang.program import Net

__all__ = ["pytorch_source"]
del _expressions


def pytorch_source(net: Net, values: Mapping[str, Object]) -> str:
    """Return the source of PyTorch modules for a net, with values for some of its parameters.

    The parameters have the paths that netlang gives them, so that ``load_state_dict`` reads the
    weights of a safetensors file of netlang. Raises ``DiagnosticError`` for a part of the net that
    has no form in PyTorch.
    """
    recording = Recording()
    graph = net.program.observe(net.function, values, recording, RecordingBuilder())
    assert graph is not None, "a net is checked before it is compiled"
    module = Module(recording, graph)
    root = recording.kept[0]
    module.write(net.function, root)
    return module.text(net.name)
