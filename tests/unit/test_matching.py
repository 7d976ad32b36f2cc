"""Parameters with the names of other libraries are loaded as what they are, or not at all.

Tests ``netlang.matching``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from layouts import FOLDER, Layout, layouts, random_tensor, unpacked

import netlang
from netlang.cli.main import program
from netlang.matching.trees import series
from netlang.storage.weights import save_weights
from netlang.system.numpy import Array

EXAMPLES = Path(__file__).parents[2] / "examples"
NETWORKS = FOLDER / "networks.net"

NETS: dict[str, tuple[Path, str, dict[str, Any]]] = {
    "torchvision resnet18": (EXAMPLES / "resnet.net", "ResNet18", {}),
    "torchvision resnet34": (EXAMPLES / "resnet.net", "ResNet34", {}),
    "torchvision resnet50": (EXAMPLES / "resnet.net", "ResNet50", {}),
    "torchvision squeezenet1_0": (EXAMPLES / "squeezenet.net", "SqueezeNet", {}),
    "torchvision densenet121": (EXAMPLES / "densenet.net", "DenseNet121", {}),
    "torchvision googlenet": (EXAMPLES / "googlenet_torchvision.net", "GoogLeNet", {}),
    "torchvision inception_v3": (EXAMPLES / "inception_v3.net", "InceptionV3", {}),
    "torchvision efficientnet_b0": (NETWORKS, "EfficientNetB0", {}),
    "torchvision mobilenet_v2": (NETWORKS, "MobileNetV2", {}),
    "torchvision vision_transformer": (NETWORKS, "ViT", {}),
    "torchvision convnext": (
        NETWORKS, "ConvNeXt", {"depths": [3, 3, 2], "widths": [16, 32, 64]},
    ),
    "torchvision vgg_bn": (NETWORKS, "VGG", {}),
    "torchvision regnet_x_400mf": (
        NETWORKS, "RegNet", {"depths": [1, 2, 7, 12], "widths": [32, 64, 160, 400], "group": 16},
    ),
    "timm resnet26": (NETWORKS, "ResNet26", {}),
    "timm mobilenetv1_100": (NETWORKS, "MobileNetV1", {}),
    "timm efficientnet_b0": (NETWORKS, "EfficientNetB0", {}),
    "timm vision_transformer": (NETWORKS, "ViT", {}),
    "timm convnext": (
        NETWORKS, "ConvNeXt", {"depths": [3, 3, 2, 2], "widths": [16, 32, 64, 64]},
    ),
    "timm mlp_mixer": (NETWORKS, "Mixer", {}),
    "timm regnetx_002": (
        NETWORKS, "RegNet", {"depths": [1, 1, 4, 7], "widths": [24, 56, 152, 368], "group": 8},
    ),
}  # fmt: skip
"""The net for each layout, and values of its parameters."""

QUICK = ["torchvision vision_transformer", "timm vision_transformer", "timm mlp_mixer"]


def check_layout(name: str, layout: Layout, folder: Path) -> None:
    """Load a state dict, and compare what the net computes with what PyTorch did."""
    file, net, values = NETS[name]
    arrays = {n: random_tensor(n, shape) for n, shape in unpacked(layout["layers"]).items()}
    path = folder / "theirs.safetensors"
    save_weights(path, arrays)
    network = netlang.load(file).network(net, values)
    network.load(path, dialect="torch")
    side = layout["size"]
    image = np.random.default_rng(0).standard_normal((1, 3, side, side)).astype(np.float32)
    logits = network(image)["logits"].reshape(-1)[:10]
    wanted = np.asarray(layout["logits"])
    assert np.abs(logits - wanted).max() <= 1e-4 * np.abs(wanted).max()


@pytest.mark.filterwarnings("ignore:.*matches by order and shape only in 2 layers")
@pytest.mark.parametrize("name", QUICK)
def test_small_layouts_are_loaded(name: str, tmp_path: Path) -> None:
    check_layout(name, layouts()[name], tmp_path)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*tensors that are not used")
@pytest.mark.filterwarnings("ignore:.*matches by order and shape only in 2 layers")
@pytest.mark.parametrize("name", [name for name in NETS if name not in QUICK])
def test_layouts_are_loaded(name: str, tmp_path: Path) -> None:
    check_layout(name, layouts()[name], tmp_path)


# ---- what decides -------------------------------------------------------------------------


def arrays_of(**shapes: tuple[int, ...]) -> dict[str, Array]:
    """Return random arrays, by names in which two underscores are a dot."""
    named = {name.replace("__", "."): shape for name, shape in shapes.items()}
    return {name: random_tensor(name, shape) for name, shape in named.items()}


def stored(folder: Path, arrays: dict[str, Array]) -> Path:
    path = folder / "theirs.safetensors"
    save_weights(path, arrays)
    return path


def net(text: str) -> netlang.Network:
    return netlang.loads(text).network()


TWO = """
net Two(x: f32[N, 4]) -> y {
  first = dense(x, 4)
  second = dense(relu(first), 4)
  y = second
}
"""


def test_names_decide_between_layers_of_one_shape_whatever_their_order(tmp_path: Path) -> None:
    shapes: dict[str, Any] = {
        "net__second__weight": (4, 4), "net__second__bias": (4,),
        "net__first__weight": (4, 4), "net__first__bias": (4,),
    }  # fmt: skip
    arrays = arrays_of(**shapes)
    loaded = net(TWO).load(stored(tmp_path, arrays), dialect="torch")
    for name in ("first.weight", "first.bias", "second.weight", "second.bias"):
        np.testing.assert_array_equal(loaded.parameters[name], arrays[f"net.{name}"])
    assert loaded.matched is not None
    assert loaded.matched.summary == "2 layers matched: 2 by name"


def test_layers_of_one_shape_that_nothing_tells_apart_are_rejected(tmp_path: Path) -> None:
    path = stored(
        tmp_path,
        arrays_of(up__weight=(4, 4), up__bias=(4,), left__weight=(4, 4), left__bias=(4,)),
    )
    with pytest.raises(netlang.WeightsError) as rejected:
        net(TWO).load(path, dialect="auto")
    assert rejected.value.message == f"{path} fits `Two` in more than one way"
    assert rejected.value.notes == (
        "either `left` is `first`, `up` is `second`",
        "or `left` is `second`, `up` is `first`",
    )
    assert rejected.value.helps == (
        "choose in a mapping file, `netlang names FILE --match WEIGHTS -o NAMES.json`, "
        "and use it: `--map NAMES.json`",
    )


def test_numbers_that_contradict_the_order_of_the_program_are_rejected(tmp_path: Path) -> None:
    text = "net A(x: f32[N, 4]) -> y {\n  h = dense(x, 4) as fc2\n  y = dense(h, 4) as fc1\n}"
    shapes = {"weight": (4, 4), "bias": (4,)}

    def tensors(*layers: str) -> dict[str, Array]:
        return {
            f"{layer}.{leaf}": random_tensor(f"{layer}{leaf}", shape)
            for layer in layers
            for leaf, shape in shapes.items()
        }

    with pytest.raises(netlang.Error) as rejected:
        net(text).load(stored(tmp_path, tensors("net.0", "net.2")), dialect="auto")
    assert rejected.value.notes == (
        "either `net.0` is `fc2`, `net.2` is `fc1`",
        "or `net.0` is `fc1`, `net.2` is `fc2`",
    )
    same = tensors("fc1", "fc2")
    loaded = net(text).load(stored(tmp_path, same), dialect="auto")
    np.testing.assert_array_equal(loaded.parameters["fc1.weight"], same["fc1.weight"])


def test_a_match_by_order_and_shape_only_is_said_and_shown(tmp_path: Path) -> None:
    shapes: dict[str, Any] = {"0__weight": (4, 4), "0__bias": (4,), "2__weight": (4, 4)}
    path = stored(tmp_path, arrays_of(**shapes, **{"2__bias": (4,)}))
    with pytest.warns(netlang.NetlangWarning) as warned:
        net(TWO).load(path, dialect="torch")
    assert str(warned[0].message) == (
        f"{path} matches by order and shape only in 2 layers: `0` is `first`, `2` is `second`"
    )


def test_words_for_the_parts_of_a_block_do_not_outweigh_numbers(tmp_path: Path) -> None:
    # `fc1` reduces in one kind of block and expands in another.
    text = TWO.replace("first", "expand").replace("second", "reduce")
    arrays = arrays_of(fc1__weight=(4, 4), fc1__bias=(4,), fc2__weight=(4, 4), fc2__bias=(4,))
    with pytest.warns(netlang.NetlangWarning, match="`fc1` is `expand`, `fc2` is `reduce`"):
        net(text).load(stored(tmp_path, arrays), dialect="torch")


NORMS = """
block unit(x: f32[N, C, H, W], width: int) -> y {
  a = x |> conv(width, 1, bias=false) |> batch_norm
  b = a |> conv(width, 1, bias=false) |> batch_norm
  y = relu(a + b)
}

net Norms(x: f32[N, 3, 8, 8]) -> y {
  one = unit(x, 4)
  two = unit(one, 4)
  y = two
}
"""


def test_the_same_names_mean_the_same_where_shapes_do_not_tell(tmp_path: Path) -> None:
    # In the first unit, shapes show that `conv2` is called before `conv1`; so it is in the second.
    arrays: dict[str, Array] = {}
    for unit, width in (("0", 3), ("1", 4)):
        for conv, channels in (("conv2", width), ("conv1", 4)):
            name = f"layers.{unit}.{conv}.weight"
            arrays[name] = random_tensor(name, (4, channels, 1, 1))
        for norm in ("norm2", "norm1"):
            for leaf in ("weight", "bias", "running_mean", "running_var"):
                name = f"layers.{unit}.{norm}.{leaf}"
                arrays[name] = random_tensor(name, (4,))
    loaded = net(NORMS).load(stored(tmp_path, arrays), dialect="torch")
    for ours, theirs in (("one", "0"), ("two", "1")):
        np.testing.assert_array_equal(
            loaded.parameters[f"{ours}.a.conv.weight"], arrays[f"layers.{theirs}.conv2.weight"]
        )


def test_tensors_that_are_missing_or_left_are_named(tmp_path: Path) -> None:
    arrays = arrays_of(
        first__weight=(4, 4), first__bias=(4,), head__weight=(9, 4), head__bias=(9,),
    )  # fmt: skip
    path = stored(tmp_path, arrays)
    two = net(TWO.replace("dense(relu(first), 4)", "dense(relu(first), 7)"))
    with pytest.raises(netlang.WeightsError) as rejected:
        two.load(path, dialect="torch")
    assert rejected.value.message == f"{path} does not fit `Two`"
    assert rejected.value.notes == (
        "missing: `second.weight` [7, 4]",
        "missing: `second.bias` [7]",
        "not used: `head.bias` [9]",
        "not used: `head.weight` [9, 4]",
    )
    assert two.diff(path, dialect="torch") == [
        "missing: `second.weight` [7, 4]",
        "missing: `second.bias` [7]",
        "extra: `head.bias` [9]",
        "extra: `head.weight` [9, 4]",
    ]
    one = net("net One(x: f32[N, 4]) -> y: f32[N, 4] = dense(x, 4) as first")
    with pytest.warns(netlang.NetlangWarning) as warned:
        one.load(path, dialect="torch")
    assert str(warned[0].message) == (
        f"{path} has tensors that are not used: `head.bias`, `head.weight`"
    )


def test_a_dialect_that_there_is_not_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(netlang.InputError) as rejected:
        net(TWO).load(tmp_path / "a.safetensors", dialect="keras")  # type: ignore[arg-type]
    assert rejected.value.message == "there is no dialect `keras` of names"
    assert rejected.value.helps == ("the dialects are netlang, torch, auto",)


# ---- mapping files ------------------------------------------------------------------------


def written(folder: Path) -> tuple[Path, Path, Path]:
    """Write a net, an ambiguous file for it, and the mapping file that the command makes."""
    source, mapping = folder / "two.net", folder / "names.json"
    source.write_text(TWO, "utf-8")
    path = stored(
        folder, arrays_of(up__weight=(4, 4), up__bias=(4,), left__weight=(4, 4), left__bias=(4,))
    )
    command = ["names", str(source), "--match", str(path), "-o", str(mapping)]
    result = CliRunner().invoke(program, command)
    assert result.exit_code == 1
    assert result.output.replace(f"{folder}/", "") == (
        "ambiguous: either `left` is `first`, `up` is `second`\n"
        "ambiguous: or `left` is `second`, `up` is `first`\n"
        "0 layers matched: none\n"
        f"names.json: {mapping.stat().st_size} bytes\n"
    )
    return source, path, mapping


def test_a_mapping_file_is_written_edited_and_used(tmp_path: Path) -> None:
    source, path, mapping = written(tmp_path)
    content = json.loads(mapping.read_text("utf-8"))
    assert content["parameters"]["first.weight"] == ["left.weight", "up.weight"]
    for leaf in ("weight", "bias"):
        content["parameters"][f"first.{leaf}"] = f"up.{leaf}"
        content["parameters"][f"second.{leaf}"] = f"left.{leaf}"
    mapping.write_text(json.dumps(content), "utf-8")
    loaded = netlang.load(source).network().load(path, mapping=mapping)
    np.testing.assert_array_equal(
        loaded.parameters["first.weight"], random_tensor("up.weight", (4, 4))
    )
    command = ["verify", str(source), "--weights", str(path), "--map", str(mapping)]
    assert CliRunner().invoke(program, command).exit_code == 0


def test_a_mapping_file_must_say_what_every_parameter_and_tensor_is(tmp_path: Path) -> None:
    source, path, mapping = written(tmp_path)
    content = json.loads(mapping.read_text("utf-8"))
    content["parameters"] |= {
        "first.bias": {"from": "up.bias", "row": 1},
        "second.weight": "lefft.weight",
        "second.bias": None,
        "third.bias": "left.bias",
    }
    mapping.write_text(json.dumps(content), "utf-8")
    with pytest.raises(netlang.WeightsError) as rejected:
        netlang.load(source).network().load(path, mapping=mapping)
    assert rejected.value.message == f"{mapping} does not map {path}"
    assert [note.replace(f"{tmp_path}/", "") for note in rejected.value.notes] == [
        "missing: `second.bias`",
        "undecided: `first.weight` has a list; write the one tensor that it is",
        "malformed: `first.bias` must be a name, or an object with `from`",
        "unknown: `lefft.weight` is not in theirs.safetensors; did you mean `left.weight`?",
        "unknown: `third.bias` is not a parameter",
        "unused: `left.bias` of theirs.safetensors is neither used nor listed under `unused`",
        "unused: `left.weight` of theirs.safetensors is neither used nor listed under `unused`",
        "unused: `up.bias` of theirs.safetensors is neither used nor listed under `unused`",
        "unused: `up.weight` of theirs.safetensors is neither used nor listed under `unused`",
    ]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"parameters": []}', "[" * 100_000])
def test_other_files_are_rejected_as_mapping_files(tmp_path: Path, text: str) -> None:
    source, path, mapping = written(tmp_path)
    mapping.write_text(text, "utf-8")
    with pytest.raises(netlang.FileError) as rejected:
        netlang.load(source).network().load(path, mapping=mapping)
    assert rejected.value.message == (
        f"{mapping} is not a mapping file: an object with `parameters` and `unused`"
    )


def test_parts_that_a_tensor_does_not_have_are_rejected(tmp_path: Path) -> None:
    source, path, mapping = written(tmp_path)
    names = {
        "first.weight": {"from": "up.weight", "rows": [2, 6]}, "first.bias": "up.bias",
        "second.weight": "left.weight", "second.bias": "left.bias",
    }  # fmt: skip
    mapping.write_text(json.dumps({"parameters": names}), "utf-8")
    with pytest.raises(netlang.WeightsError) as rejected:
        netlang.load(source).network().load(path, mapping=mapping)
    assert rejected.value.message == "`up.weight` f32[4, 4] has no such part: up.weight[2:6]"


# ---- named rules --------------------------------------------------------------------------

ATTENTION = """
net Attention(x: f32[N, T, 8]) -> y {
  layer = encoder_layer(x, 2, 16, dropout=0.0)
  y = layer
}
"""


@pytest.mark.parametrize("prefix", ["", "module.", "backbone.", "model.module."])
def test_pytorch_attention_and_prefixes(tmp_path: Path, prefix: str) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    layer = torch.nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True).eval()
    arrays = {f"{prefix}{n}": t.detach().numpy() for n, t in layer.state_dict().items()}
    loaded = net(ATTENTION).load(stored(tmp_path, arrays), dialect="torch")
    x = np.random.default_rng(0).standard_normal((2, 5, 8)).astype(np.float32)
    with torch.no_grad():
        wanted = layer(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(loaded(x)["y"], wanted, atol=1e-5)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_recurrent_layers_of_pytorch(tmp_path: Path, kind: str) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    layer = getattr(torch.nn, kind)(8, 8, 2, batch_first=True, bidirectional=True)
    path = stored(tmp_path, {n: t.detach().numpy() for n, t in layer.state_dict().items()})
    text = (
        f"net R(x: f32[N, T, 8]) -> y {{\n  r = {kind.lower()}(x, 8, layers=2, "
        "bidirectional=true)\n  y = r.y\n}\n"
    )
    x = np.random.default_rng(0).standard_normal((2, 5, 8)).astype(np.float32)
    with torch.no_grad():
        wanted = layer(torch.from_numpy(x))[0].numpy()
    np.testing.assert_allclose(net(text).load(path, dialect="torch")(x)["y"], wanted, atol=1e-5)


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn"])
def test_the_initializers_of_an_onnx_model_are_parameters(tmp_path: Path, kind: str) -> None:
    text = (
        f"net R(x: f32[N, T, 6]) -> y {{\n  r = {kind}(x, 8, bidirectional=true)\n"
        "  y = r.y |> dense(3) as head\n}\n"
    )
    model = tmp_path / "theirs.onnx"
    original = net(text)
    original.compile().save(model)
    other = netlang.loads(text).network(seed=1).load(model, dialect="auto")
    x = np.random.default_rng(0).standard_normal((2, 5, 6)).astype(np.float32)
    np.testing.assert_allclose(other(x)["y"], original(x)["y"], atol=1e-6)


def test_an_onnx_model_needs_a_dialect(tmp_path: Path) -> None:
    model = tmp_path / "theirs.onnx"
    net(TWO).compile().save(model)
    with pytest.raises(netlang.FileError) as rejected:
        net(TWO).load(model)
    assert (
        rejected.value.message == f"{model} is an ONNX model, whose initializers have other names"
    )
    assert rejected.value.helps == (
        'find out which is which: `--from auto`, in Python `dialect="auto"`',
    )


def test_matrices_of_keras_and_of_gpt2_are_transposed(tmp_path: Path) -> None:
    text = "net D(x: f32[N, 4]) -> y {\n  hidden = dense(x, 6)\n  y = dense(hidden, 2) as out\n}"
    keras = {
        "hidden/kernel": random_tensor("a", (4, 6)), "hidden/bias": random_tensor("b", (6,)),
        "out/kernel": random_tensor("c", (6, 2)), "out/bias": random_tensor("d", (2,)),
    }  # fmt: skip
    np.savez(tmp_path / "keras.npz", **keras)  # type: ignore[arg-type]
    loaded = net(text).load(tmp_path / "keras.npz", dialect="auto")
    np.testing.assert_array_equal(loaded.parameters["hidden.weight"], keras["hidden/kernel"].T)
    gpt = {
        "h.c_fc.weight": random_tensor("a", (4, 6)), "h.c_fc.bias": random_tensor("b", (6,)),
        "h.c_proj.weight": random_tensor("c", (6, 2)), "h.c_proj.bias": random_tensor("d", (2,)),
    }  # fmt: skip
    loaded = net(text).load(stored(tmp_path, gpt), dialect="torch")
    np.testing.assert_array_equal(loaded.parameters["out.weight"], gpt["h.c_proj.weight"].T)


KERAS = """
net Small(image: f32[N, 3, 6, 5]) -> y {
  maps = image |> conv(4, 3) as conv2d |> relu |> max_pool(2)
  y = maps |> flatten |> dense(5) as dense |> relu |> dense(2) as dense_1
}
"""


def keras_tensors(columns: int = 8) -> dict[str, Array]:
    return {
        "conv2d/kernel:0": random_tensor("a", (3, 3, 3, 4)),
        "conv2d/bias:0": random_tensor("b", (4,)),
        "dense/kernel:0": random_tensor("c", (columns, 5)),
        "dense/bias:0": random_tensor("d", (5,)),
        "dense_1/kernel:0": random_tensor("e", (5, 2)),
        "dense_1/bias:0": random_tensor("f", (2,)),
    }


def test_dense_layers_after_a_flatten_of_channels_last_are_reordered(tmp_path: Path) -> None:
    keras = keras_tensors()
    np.savez(tmp_path / "keras.npz", **keras)  # type: ignore[arg-type]
    made = net(KERAS)
    image = random_tensor("x", (2, 3, 6, 5))
    found = made.load(tmp_path / "keras.npz", dialect="auto")(image)["y"]

    # The network as Keras computes it, with the channels as the last axis.
    x = image.transpose(0, 2, 3, 1)
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
    maps = np.einsum("nhwcij,ijco->nhwo", windows, keras["conv2d/kernel:0"])
    maps = np.maximum(maps + keras["conv2d/bias:0"], 0)[:, :4, :2]
    maps = maps.reshape(2, 2, 2, 1, 2, 4).max((2, 4)).reshape(2, -1)
    hidden = np.maximum(maps @ keras["dense/kernel:0"] + keras["dense/bias:0"], 0)
    wanted = hidden @ keras["dense_1/kernel:0"] + keras["dense_1/bias:0"]
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)

    matched = made.match(tmp_path / "keras.npz", save=tmp_path / "names.json")
    assert matched.rules[-1] == (
        "channels last: the elements of flattened maps are reordered: `dense.weight` [4, 2, 1]"
    )
    again = net(KERAS).load(tmp_path / "keras.npz", mapping=tmp_path / "names.json")
    np.testing.assert_array_equal(again(image)["y"], found)


def test_maps_that_are_turned_before_the_flatten_are_not_reordered(tmp_path: Path) -> None:
    np.savez(tmp_path / "keras.npz", **keras_tensors())  # type: ignore[arg-type]
    turned = KERAS.replace("|> flatten", "|> transpose([0, 2, 3, 1]) |> flatten")
    image = random_tensor("x", (2, 3, 6, 5))
    first, other = (
        net(text).load(tmp_path / "keras.npz", dialect="auto")(image)["y"]
        for text in (KERAS, turned)
    )
    np.testing.assert_allclose(first, other, rtol=1e-5, atol=1e-6)


FLAT, TURNED = "|> flatten", "|> transpose([0, 2, 3, 1]) |> flatten"
MAPS, TURNED_MAPS = "reshape([N, 4, 3, 2])", "reshape([N, 3, 2, 4]) |> transpose([0, 3, 1, 2])"
NORM = ("gamma", "beta", "moving_mean", "moving_variance")


@pytest.mark.parametrize(
    ("text", "first", "last", "norm"),
    [
        ("y = (x |> conv(4, 1) |> flatten) |> batch_norm |> relu |> dense(5)", 3, 24, 24),
        ("y = (x |> conv(4, 1) |> flatten) |> layer_norm |> dense(5)", 3, 24, 24),
        ("y = ((x |> conv(4, 1) |> flatten) * 0.5) |> dense(5)", 3, 24, 0),
        ("y = concat([x |> conv(4, 1) |> flatten, z], axis=1) |> dense(5)", 3, 27, 0),
        ("y = z |> dense(24) |> batch_norm |> relu |> reshape([N, 4, 3, 2]) |> conv(5, 1)",
         3, 4, 24),
        ("y = z |> dense(24) |> reshape([N, 4, 3, 2]) |> relu |> batch_norm |> conv(5, 1)",
         3, 4, 4),
    ],
)  # fmt: skip
def test_parameters_between_maps_and_dense_layers_are_reordered(
    text: str, first: int, last: int, norm: int, tmp_path: Path
) -> None:
    made, turned = (
        net(f"net A(x: f32[N, 3, 3, 2], z: f32[N, 3]) -> y {{ {each} }}")
        for each in (text, text.replace(FLAT, TURNED).replace(MAPS, TURNED_MAPS))
    )
    maps = "|> flatten" in text
    names, sizes = ("conv2d", "dense"), ((first, 4 if maps else 24), (last, 5))
    keras: dict[str, Array] = {}
    for name, (width, out) in zip(names if maps else names[::-1], sizes, strict=True):
        kernel = (width, out) if name == "dense" else (1, 1, width, out)
        keras[f"{name}/kernel:0"] = random_tensor(f"{name} kernel", kernel)
        keras[f"{name}/bias:0"] = random_tensor(f"{name} bias", (out,))
    for leaf in NORM[: 2 if "layer_norm" in text else 4] if norm else ():
        keras[f"norm/{leaf}:0"] = np.abs(random_tensor(leaf, (norm,))) + np.float32(0.5)
    np.savez(tmp_path / "keras.npz", **keras)  # type: ignore[arg-type]
    x, z = random_tensor("x", (2, 3, 3, 2)), random_tensor("z", (2, 3))
    found, wanted = (
        each.load(tmp_path / "keras.npz", dialect="auto")(x=x, z=z)["y"] for each in (made, turned)
    )
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    made.match(tmp_path / "keras.npz", save=tmp_path / "names.json")
    again = made.load(tmp_path / "keras.npz", mapping=tmp_path / "names.json")
    np.testing.assert_array_equal(again(x=x, z=z)["y"], found)


def test_running_statistics_of_flax_belong_to_their_norm(tmp_path: Path) -> None:
    flax = {
        "params.Dense_0.kernel": random_tensor("a", (3, 4)),
        "params.Dense_0.bias": random_tensor("b", (4,)),
        "params.BatchNorm_0.scale": random_tensor("c", (4,)),
        "params.BatchNorm_0.bias": random_tensor("d", (4,)),
        "batch_stats.BatchNorm_0.mean": random_tensor("e", (4,)),
        "batch_stats.BatchNorm_0.var": np.abs(random_tensor("f", (4,))),
    }
    made = net("net A(x: f32[N, 3]) -> y { y = x |> dense(4) |> batch_norm as norm }")
    found = made.load(stored(tmp_path, flax), dialect="auto").parameters
    for leaf, name in (("mean", "batch_stats"), ("var", "batch_stats"), ("scale", "params")):
        np.testing.assert_array_equal(found[f"norm.{leaf}"], flax[f"{name}.BatchNorm_0.{leaf}"])


def test_depthwise_kernels_of_keras_have_an_image_for_each_channel(tmp_path: Path) -> None:
    keras = {"dw/depthwise_kernel:0": random_tensor("a", (3, 2, 4, 1)),
             "dw/bias:0": random_tensor("b", (4,))}  # fmt: skip
    np.savez(tmp_path / "keras.npz", **keras)  # type: ignore[arg-type]
    made = net("net A(x: f32[N, 4, 8, 8]) -> y { y = depthwise_conv(x, (3, 2)) }")
    found = made.load(tmp_path / "keras.npz", dialect="auto").parameters["y.weight"]
    np.testing.assert_array_equal(found, keras["dw/depthwise_kernel:0"].transpose(2, 3, 0, 1))


def test_turned_filters_of_flax_are_not_taken_for_those_of_keras(tmp_path: Path) -> None:
    flax = {"params.ConvTranspose_0.kernel": random_tensor("a", (3, 3, 4, 4)),
            "params.ConvTranspose_0.bias": random_tensor("b", (4,))}  # fmt: skip
    made = net("net A(x: f32[N, 4, 8, 8]) -> y { y = conv_transpose(x, 4, 3) }")
    with pytest.raises(netlang.WeightsError, match="does not fit `A`"):
        made.load(stored(tmp_path, flax), dialect="auto")


def test_a_fused_matrix_of_several_possible_orders_is_rejected_with_a_way_out(
    tmp_path: Path,
) -> None:
    text = "net A(x: f32[N, T, 8]) -> y { y = multi_head_attention(x, 2) as attn }"
    shapes = {
        "attn.query_key_value.weight": (24, 8), "attn.query_key_value.bias": (24,),
        "attn.dense.weight": (8, 8), "attn.dense.bias": (8,),
    }  # fmt: skip
    tensors = {name: random_tensor(name, shape) for name, shape in shapes.items()}
    with pytest.raises(netlang.Error) as rejected:
        net(text).load(stored(tmp_path, tensors), dialect="auto")
    (help,) = rejected.value.helps
    assert help.startswith("the rows of `query_key_value` are all queries, all keys and all values")
    assert "not used: `attn.query_key_value.weight` [24, 8]" in rejected.value.notes


def test_the_command_says_how_names_were_matched(tmp_path: Path) -> None:
    source = tmp_path / "norms.net"
    source.write_text("net N(x: f32[N, 4]) -> y: f32[N, 4] = batch_norm(x)", "utf-8")
    arrays = {
        f"module.bn.{leaf}": random_tensor(leaf, (4,))
        for leaf in ("weight", "bias", "running_mean", "running_var")
    }
    arrays["module.bn.num_batches_tracked"] = np.array(3)
    path = stored(tmp_path, arrays)
    command = ["verify", str(source), "--weights", str(path), "--from", "torch"]
    result = CliRunner().invoke(program, command)
    assert result.exit_code == 0
    assert result.stderr.replace(f"{tmp_path}/", "") == (
        "note: theirs.safetensors: 1 layer matched: 1 by shape and parent\n"
        "note: theirs.safetensors: buffers that are not parameters, 1: num_batches_tracked\n"
        "note: theirs.safetensors: the prefix `module.` of all names is removed\n"
    )
    result = CliRunner().invoke(program, ["verify", str(source), "--from", "torch"])
    assert result.exit_code == 2
    assert "`--from` is about the file of parameters: give `--weights`" in result.output


def test_pickles_are_rejected_with_the_conversion(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    path.write_bytes(b"")
    with pytest.raises(netlang.FileError) as rejected:
        net(TWO).load(path, dialect="torch")
    assert rejected.value.helps == (
        "convert it where you trust it: from safetensors.torch import save_file; "
        "save_file(model.state_dict(), 'model.safetensors')",
    )


def test_letters_in_a_row_are_numbers_and_others_are_not() -> None:
    assert series([("unit_a",), ("unit_b",), ("unit_c",)]) is not None
    assert series([("attn", "q"), ("attn", "k"), ("attn", "v")]) is None
    assert series([("layer1", "q"), ("layer2", "q")]) is not None
