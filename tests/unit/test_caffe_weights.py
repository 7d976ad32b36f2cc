"""Parameters of Caffe, read from protocol buffers.

Tests ``netlang.importing.caffe.weights``.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import netlang
from netlang.cli.main import program
from netlang.importing.caffe.weights import read_blobs
from netlang.system.numpy import Array

NET = """
input: "data" input_shape { dim: 1 dim: 2 dim: 4 dim: 4 }
layer { name: "c" type: "Convolution" bottom: "data" top: "c"
  convolution_param { num_output: 3 kernel_size: 3 bias_term: false } }
layer { name: "n" type: "BatchNorm" bottom: "c" top: "c" }
layer { name: "s" type: "Scale" bottom: "c" top: "c" scale_param { bias_term: true } }
layer { name: "d" type: "InnerProduct" bottom: "c" top: "d"
  inner_product_param { num_output: 5 transpose: true } }
"""


def varint(number: int) -> bytes:
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def field(number: int, data: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(data)) + data


def blob(array: Array, *, old: bool = False) -> bytes:
    numbers = field(5, array.astype("<f4").tobytes())
    if old:
        sides = (1,) * (4 - array.ndim) + array.shape
        return b"".join(varint(n << 3) + varint(s) for n, s in enumerate(sides, 1)) + numbers
    return field(7, field(1, b"".join(map(varint, array.shape)))) + numbers


def layer(name: str, *arrays: Array, old: bool = False) -> bytes:
    number, name_at, blobs_at = (2, 4, 6) if old else (100, 1, 7)
    blobs = b"".join(field(blobs_at, blob(array, old=old)) for array in arrays)
    return field(number, field(name_at, name.encode()) + blobs)


def arrays() -> dict[str, list[Array]]:
    def data(*shape: int) -> Array:
        return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)

    return {
        "c": [data(3, 2, 3, 3)],
        "n": [data(3), np.abs(data(3)) + 1, np.array([4.0], np.float32)],
        "s": [data(3) + 2, data(3)],
        "d": [data(12, 5), data(5)],
    }


def expected(x: Array) -> Array:
    a = arrays()
    y = np.zeros((1, 3, 2, 2), np.float32)
    for o, i, j in np.ndindex(3, 2, 2):
        y[0, o, i, j] = (x[0, :, i : i + 3, j : j + 3] * a["c"][0][o]).sum()
    column = (slice(None), None, None)
    mean, var = a["n"][0] / 4, a["n"][1] / 4
    y = (y - mean[column]) / np.sqrt(var + 1e-5)[column]
    y = y * a["s"][0][column] + a["s"][1][column]
    return y.reshape(1, 12) @ a["d"][0] + a["d"][1]


@pytest.mark.parametrize("old", [False, True])
def test_parameters_are_those_of_the_layers(tmp_path: Path, old: bool) -> None:
    (tmp_path / "net.prototxt").write_text(NET, "utf-8")
    stored = {**arrays(), "gone": [np.ones(2, np.float32)]}
    whole = b"".join(layer(name, *each, old=old) for name, each in stored.items())
    (tmp_path / "net.caffemodel").write_bytes(field(1, b"Net") + whole)
    output = tmp_path / "net.net"
    ended = CliRunner().invoke(
        program,
        ["import", str(tmp_path / "net.prototxt"), "-w", str(tmp_path / "net.caffemodel"),
         "-o", str(output)],
    )  # fmt: skip
    assert ended.exit_code == 0, ended.output
    assert "note: layers of net.caffemodel that the network lacks: `gone`\n" in ended.stdout
    net = netlang.load(output).network()
    net.load(tmp_path / "net.safetensors")
    x = np.random.default_rng(2).normal(size=(1, 2, 4, 4)).astype(np.float32)
    (y,) = net(x).values()
    np.testing.assert_allclose(y, expected(x), rtol=1e-4, atol=1e-5)


def test_a_parameter_that_does_not_fit_is_named(tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(NET, "utf-8")
    stored = arrays()
    del stored["d"]
    stored["c"] = [np.ones((3, 2, 5, 5), np.float32)]
    path = tmp_path / "net.caffemodel"
    path.write_bytes(b"".join(layer(name, *each) for name, each in stored.items()))
    with pytest.raises(netlang.WeightsError) as error:
        netlang.read_caffe(tmp_path / "net.prototxt", weights=path)
    assert error.value.message == f"{path} does not fit the network"
    assert error.value.notes == (
        "c.weight: `c` has 3x2x5x5 elements, not 3x2x3x3",
        "d.weight: `d` has 0 blobs in the file",
        "d.bias: `d` has 0 blobs in the file",
    )


WHOLE = layer("c", np.ones((2, 3), np.float32))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff" * 12,
        WHOLE[:-3],
        field(100, field(7, field(7, field(1, varint(1 << 40))) + field(5, b"1234"))),
        varint(100 << 3 | 2) + varint(1 << 62) + b"x",
        varint(100 << 3 | 3),
        field(100, field(7, field(5, b"123"))),
        b"".join(WHOLE.replace(b"c", struct.pack("B", 97 + n % 26), 1) for n in range(3))[:-1],
        field(100, field(7, b"") * 100),
    ],
)
def test_damaged_files_are_errors(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "net.caffemodel"
    path.write_bytes(data)
    with pytest.raises(netlang.FileError):
        read_blobs(path)
