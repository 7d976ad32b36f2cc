"""Models to import, and what holds for all that are imported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import onnx
from onnx import TensorProto, helper, numpy_helper

import netlang
from netlang.api.importing import Imported, read_onnx
from netlang.system.numpy import Array

EXAMPLES = Path(__file__).parents[1] / "examples"


def exported(folder: Path, file: str, net: str, *, fold: bool = False) -> tuple[Path, int]:
    """Compile a net of an example; return the model and the number of its parameters."""
    network = netlang.load(EXAMPLES / f"{file}.net")[net]
    path = folder / f"{net}.onnx"
    network.compile(fold=fold).save(path)
    return path, counted(network)


def counted(network: netlang.Network) -> int:
    total = network.trainable_parameters + network.non_trainable_parameters
    assert isinstance(total, int)
    return total


def check_import(path: Path, count: int | None = None) -> Imported:
    """Import a model and check what holds for all of them."""
    imported = read_onnx(path)
    assert imported.ok, imported.compared
    program = netlang.loads(imported.text)
    assert program.diagnostics == ()
    assert netlang.format(imported.text) == imported.text
    if count is not None:
        assert counted(imported.network) == count
    return imported


def saved(
    folder: Path,
    nodes: Sequence[onnx.NodeProto],
    inputs: dict[str, Sequence[int | str]],
    arrays: dict[str, Array] | None = None,
    *,
    opset: int = 18,
    element: int = TensorProto.FLOAT,
) -> Path:
    """Save a model of some nodes, whose output is `y`."""
    graph = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info(n, element, d) for n, d in inputs.items()],
        [onnx.ValueInfoProto(name="y")],
        [numpy_helper.from_array(a, n) for n, a in (arrays or {}).items()],
    )
    path = folder / "made.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 9
    path.write_bytes(model.SerializeToString())
    return path


def body(imported: Imported) -> str:
    """Return the statements of the net, on one line."""
    return " ".join(str(imported.text).partition("{\n")[2].rpartition("}")[0].split())
