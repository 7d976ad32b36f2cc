"""Exports of PyTorch become programs that compute the same, in a few lines.

Tests ``netlang.importing``.
"""

# pyright: basic

from __future__ import annotations

import warnings
from collections.abc import Callable
from math import prod
from pathlib import Path

import numpy as np
import onnx
import pytest
from imported_models import counted

from netlang.backends.onnx.foreign import read_foreign
from netlang.importing.convert import convert
from netlang.importing.program import write_program

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch_exports import (  # noqa: E402
    BERT,
    GPT,
    Dec,
    DenseNet,
    Enc,
    ResNet,
    RNNs,
    Swin,
    TimmAttention,
    Translation,
    Twins,
    UNet,
    ViT,
    alexnet,
    convnext,
    googlenet,
    mobilenet,
    shuffle,
    vgg,
)

import netlang  # noqa: E402


def _image(size: int = 64) -> tuple:
    return (torch.randn(2, 3, size, size),)


def _sequence(width: int = 32) -> tuple:
    return (torch.randn(2, 7, width),)


def _ids() -> tuple:
    return (torch.randint(1, 40, (2, 9)),)


MODELS: dict[str, tuple[Callable[[], nn.Module], Callable[[], tuple], int]] = {
    "resnet": (lambda: ResNet((3, 4, 6, 3), 8), _image, 30),
    "vgg": (vgg, lambda: _image(32), 20),
    "densenet": (DenseNet, _image, 32),
    "mobilenet2": (lambda: mobilenet(nn.ReLU6, False), _image, 32),
    "mobilenet3": (lambda: mobilenet(nn.Hardswish, True), _image, 32),
    "efficientnet": (lambda: mobilenet(nn.SiLU, True), _image, 32),
    "googlenet": (googlenet, _image, 24),
    "unet": (UNet, _image, 24),
    "convnext": (convnext, _image, 22),
    "shufflenet": (shuffle, _image, 18),
    "lstm": (lambda: RNNs("LSTM", False), lambda: _sequence(8), 6),
    "bilstm": (lambda: RNNs("LSTM", True), lambda: _sequence(8), 6),
    "gru": (lambda: RNNs("GRU", False), lambda: _sequence(8), 6),
    "bigru": (lambda: RNNs("GRU", True), lambda: _sequence(8), 6),
    "rnn": (lambda: RNNs("RNN", False), lambda: _sequence(8), 6),
    "encoder": (Enc, _sequence, 32),
    "decoder": (Dec, lambda: (*_sequence(), torch.randn(2, 5, 32)), 60),
    "vit": (lambda: ViT(32, 8, 32, 4, 64, 12, 10), lambda: _image(32), 36),
    "attention": (lambda: nn.Sequential(TimmAttention(32, 4), TimmAttention(32, 4)), _sequence, 20),
    "gpt": (GPT, lambda: (torch.randint(0, 50, (2, 9)),), 30),
    "alexnet": (alexnet, _image, 24),
    "swin": (Swin, lambda: _image(32), 76),
    "bert": (BERT, lambda: (*_ids(), torch.ones(2, 9).long(), torch.randint(0, 2, (2, 9))), 34),
    "translation": (Translation, lambda: (*_ids(), torch.randint(1, 40, (2, 6))), 80),
    "twins": (Twins, lambda: (*_image(16), *_image(16)), 16),
}
"""Models with an example of their inputs, and the most lines that their programs may take."""


UNSUPPORTED = ("bilstm", "bigru", "rnn", "translation")
"""Models that the exporter of torch 2.13 through dynamo rejects with free lengths."""


def exported(name: str, path: Path, *, dynamo: bool) -> None:
    """Export a model whose batch norms have statistics that matter, with free sizes."""
    make, example, _ = MODELS[name]
    torch.manual_seed(0)
    model, inputs = make().eval(), example()
    for parameter in model.parameters():
        # Exporters store equal arrays once, also those of different layers.
        parameter.data += torch.rand_like(parameter) * 0.1
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for statistic, low, high in (("mean", -0.2, 0.2), ("var", 0.5, 1.5)):
                getattr(module, f"running_{statistic}").uniform_(low, high)
            module.weight.data.uniform_(0.5, 1.5)
    warnings.simplefilter("ignore")
    if dynamo:
        free = torch.export.Dim.DYNAMIC
        shapes = tuple({0: free, **({1: free} if x.dim() != 4 else {})} for x in inputs)
        torch.onnx.export(
            model, inputs, path, dynamo=True, dynamic_shapes=shapes, verbose=False,
            external_data=False,
        )  # fmt: skip
        return
    names = [f"in{at}" for at in range(len(inputs))]
    axes = {
        name: {0: "batch", **({1: f"seq{at}"} if x.dim() != 4 else {})}
        for at, (name, x) in enumerate(zip(names, inputs, strict=True))
    }
    torch.onnx.export(
        model, inputs, path, dynamo=False, opset_version=17, input_names=names,
        dynamic_axes=axes,
    )  # fmt: skip


def stored(path: Path) -> int:
    """Return the number of floats in the tensors of a file: exporters fold batch norms.

    A single number is a constant, such as the scale of an attention.
    """
    tensors = [t for t in onnx.load(path).graph.initializer if prod(t.dims) > 1]
    return sum(prod(t.dims) for t in tensors if t.data_type == onnx.TensorProto.FLOAT)


def check(name: str, path: Path) -> None:
    imported = netlang.read_onnx(path)
    assert counted(imported.network) == stored(path)
    assert imported.ok, imported.compared
    assert imported.network._program.diagnostics == ()
    assert str(imported.text).count("\n") <= MODELS[name][2], imported.text
    again = write_program(convert(read_foreign(path), imported.network.name), "").text
    assert again.splitlines()[-3:] == str(imported.text).splitlines()[-3:]


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_the_classic_exporter(name: str, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    exported(name, path, dynamo=False)
    check(name, path)


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in MODELS if n not in UNSUPPORTED])
def test_the_exporter_through_dynamo(name: str, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    exported(name, path, dynamo=True)
    check(name, path)


def test_a_module_is_read_with_its_parameters() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(), nn.Linear(16, 4))
    imported = netlang.from_torch(module, torch.randn(2, 8), name="Two")
    assert imported.ok
    assert module.training
    assert str(imported.text) == (
        "net Two(x: f32[N, 8]) -> y {\n"
        "  y = x |> dense(16) as dense |> relu |> dense(4) as dense2\n"
        "}\n"
    )
    x = torch.randn(5, 8)
    with torch.no_grad():
        wanted = module.eval()(x).numpy()
    np.testing.assert_allclose(imported.network(x.numpy())["y"], wanted, atol=1e-6)


def test_other_objects_and_what_cannot_be_exported_are_rejected() -> None:
    with pytest.raises(netlang.InputError) as rejected:
        netlang.from_torch("model.onnx", torch.randn(2, 8))
    assert rejected.value.message == "`module` must be a torch.nn.Module, is a str"
    assert rejected.value.helps == ("for a file, `netlang.read_onnx(path)`",)
    with pytest.raises(netlang.InputError) as rejected:
        netlang.from_torch(nn.Linear(8, 4), torch.randn(2, 7))
    assert rejected.value.message == "torch cannot export the Linear to ONNX"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "lines", "count"), [(ResNet, 30, 25_557_032 - 26_560), (ViT, 40, 86_567_656)]
)
def test_published_sizes_take_few_lines(
    make: Callable[[], nn.Module], lines: int, count: int, tmp_path: Path
) -> None:
    """ResNet-50 and ViT-B/16 in their full sizes; the scales of batch norms are folded."""
    path = tmp_path / "model.onnx"
    torch.manual_seed(0)
    warnings.simplefilter("ignore")
    torch.onnx.export(
        make().eval(), (torch.randn(1, 3, 224, 224),), path, dynamo=False, opset_version=17,
        input_names=["image"], dynamic_axes={"image": {0: "batch"}},
    )  # fmt: skip
    imported = netlang.read_onnx(path)
    assert imported.ok, imported.compared
    assert str(imported.text).count("\n") <= lines, imported.text
    # The file has equal arrays of untrained layers only once.
    assert counted(imported.network) == count
