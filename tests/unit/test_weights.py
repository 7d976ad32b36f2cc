"""Weights and arrays in files: what is read, and what is rejected with which message.

Tests ``netlang.storage.weights`` and ``netlang.storage.npy``.
"""

from __future__ import annotations

import gc
import io
import json
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import mlp, mlp_weights

from netlang.diagnostics.errors import (
    ENVIRONMENT,
    FileError,
    NetlangError,
    TooLargeError,
    WeightsError,
)
from netlang.storage import npy
from netlang.storage.npy import read_npy, read_npz, write_npy, write_npz
from netlang.storage.weights import load_weights, match, not_finite, require, save_weights
from netlang.system.numpy import Array


def npy_header(shape: str, *, dtype: str = "<f4") -> bytes:
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def tensors(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def test_weights_are_loaded_as_they_were_saved(tmp_path: Path) -> None:
    weights = mlp_weights() | {
        "half": np.ones(3, np.float16),
        "scalar": np.float32(2.5) * np.ones(()),
    }
    weights["turned"] = np.arange(6, dtype=np.int64).reshape(2, 3).T
    path = tmp_path / "w.safetensors"
    save_weights(path, weights, {"net": "Mlp"})
    loaded = load_weights(path)
    assert loaded.keys() == weights.keys()
    for name, array in weights.items():
        assert loaded[name].dtype == array.dtype
        np.testing.assert_array_equal(loaded[name], array)
    assert [p.name for p in tmp_path.iterdir()] == ["w.safetensors"]


def test_bfloat16_weights_are_loaded(tmp_path: Path) -> None:
    import ml_dtypes

    path = tmp_path / "w.safetensors"
    save_weights(path, {"w": np.array([1.5, -2], ml_dtypes.bfloat16)})
    assert load_weights(path)["w"].astype("float32").tolist() == [1.5, -2]


def test_numpy_archives_are_read(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    arrays: dict[str, Any] = mlp_weights()
    np.savez_compressed(path, **arrays)
    loaded = load_weights(path)
    for name, array in mlp_weights().items():
        np.testing.assert_array_equal(loaded[name], array)


def test_a_failed_save_leaves_the_former_file(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_weights(path, mlp_weights())
    before = path.read_bytes()
    with pytest.raises(Exception, match=r"complex256|dtype"):
        save_weights(path, {"w": np.ones(2, np.complex256)})
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["w.safetensors"]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("m.pt", "a PyTorch pickle"),
        ("m.pth", "a PyTorch pickle"),
        ("m.PKL", "a Python pickle"),
        ("m.h5", "an HDF5 file"),
        ("m.keras", "a Keras archive"),
    ],
)
def test_formats_that_can_run_code_are_named_and_not_opened(
    tmp_path: Path, name: str, what: str
) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "sprung",)  # type: ignore[return-value]

    (tmp_path / name).write_bytes(pickle.dumps(Trap()))
    with pytest.raises(FileError) as caught:
        load_weights(tmp_path / name)
    assert caught.value.message == (
        f"{tmp_path / name} is {what}: reading it could run code from the file"
    )
    assert caught.value.helps[0].startswith("convert it where you trust it: ")
    assert not (tmp_path / "sprung").exists()


ONE = {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not a readable safetensors file"),
        (struct.pack("<Q", 1 << 63) + b"{}", "its first 8 bytes claim a header of 9,223,372,036"),
        (b"not a tensor file at all", "its first 8 bytes claim a header of"),
        (tensors(ONE, b"123"), "is not a readable safetensors file"),
        (tensors(ONE, b"12345"), "is not a readable safetensors file"),
        (
            tensors({"a": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 4]}}, b"1234"),
            "is not a readable safetensors file",
        ),
        (
            tensors(
                {**ONE, "b": {"dtype": "F32", "shape": [1], "data_offsets": [2, 6]}}, b"123456"
            ),
            "is not a readable safetensors file",
        ),
        (
            tensors(b'{"a":' + json.dumps(ONE["a"]).encode() + b',"a":{}}', b"1234"),
            "names `a` twice",
        ),
        (tensors(b"[" * 100_000), "is not a readable safetensors file"),
    ],
)
def test_a_damaged_safetensors_file_is_rejected(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    with pytest.raises(FileError) as caught:
        load_weights(path)
    assert words in caught.value.message
    assert str(path) in caught.value.message


def test_too_many_tensors_are_rejected(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(tensors({str(i): {} for i in range(100_001)}))
    with pytest.raises(TooLargeError, match="holds 100,001 tensors"):
        load_weights(path)


def test_a_missing_file_is_an_environment_error(tmp_path: Path) -> None:
    with pytest.raises(NetlangError) as caught:
        load_weights(tmp_path / "none.safetensors")
    assert caught.value.message == (
        f"cannot read {tmp_path}/none.safetensors: no such file or directory"
    )
    assert caught.value.exit_code == ENVIRONMENT


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="is not a regular file"):
        load_weights(tmp_path)


def test_every_difference_is_listed_and_nothing_is_loaded() -> None:
    given: dict[str, Array] = {
        "hidden.weight": np.zeros((4, 3), np.float32),
        "hidden.bias": np.zeros(3, np.float64),
        "other": np.zeros(1, np.float32),
    }
    differences = [
        "different: `hidden.weight` must be f32[3, 4], is f32[4, 3]",
        "different: `hidden.bias` must be f32[3], is f64[3]",
        "extra: `other` f32[1]",
    ]
    assert match(mlp(), given) == differences
    with pytest.raises(WeightsError) as caught:
        require(mlp(), given)
    assert caught.value.notes == tuple(differences[:2])
    assert caught.value.message == "the weights do not fit `Mlp`: 2 differences"
    require(mlp(), mlp_weights() | {"other": np.zeros(1)})


def test_nans_and_infinities_are_counted() -> None:
    weights = {"a": np.array([1, np.nan, np.inf]), "b": np.ones(2), "c": np.arange(3)}
    assert not_finite(weights) == {"a": 2}


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype="<f4").reshape(2, 3),
        np.asfortranarray(np.arange(6, dtype="<f8").reshape(2, 3)),
        np.arange(6, dtype=">f4"),
        np.arange(6, dtype="<f2"),
        np.array(3.5),
        np.zeros((0, 4), "<i8"),
        np.array([True, False]),
    ],
)
def test_arrays_of_every_layout_are_read(tmp_path: Path, array: Array) -> None:
    path = tmp_path / "x.npy"
    np.save(path, array)
    found = read_npy(path)
    assert found.dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not a readable .npy file"),
        (b"\x93NUMPY\x09\x00" + b" " * 100, "is not a readable .npy file"),
        (
            npy_header("(1000000, 1000000)") + bytes(128),
            "claims 4,000,000,000,000 bytes of data, and 128 follow",
        ),
        (npy_header(f"({1 << 40}, {1 << 40})"), "is damaged"),
        (npy_header("(-1, 4)") + bytes(16), "is damaged"),
        (npy_header("(4,)") + bytes(9), "claims 16 bytes of data, and 9 follow"),
        (npy_header("(4,)") + bytes(46), "claims 16 bytes of data, and 46 follow"),
        (npy_header("(2,)", dtype="<c8") + bytes(16), "holds elements of type complex64"),
        (npy_header("(2,)", dtype="|O") + bytes(16), "holds Python objects"),
        (npy_header("(2,)", dtype="<M8[s]") + bytes(16), "holds elements of type datetime64"),
        (npy_header("__import__('os')"), "is not a readable .npy file"),
        (npy_header("(" * 5000), "is not a readable .npy file"),
    ],
)
def test_a_damaged_array_is_rejected_before_allocation(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "x.npy"
    path.write_bytes(content)
    with pytest.raises(FileError) as caught:
        read_npy(path)
    assert words in caught.value.message
    assert str(path) in caught.value.message


def test_arrays_are_written_unchanged(tmp_path: Path) -> None:
    arrays = {"a": np.arange(6.0).reshape(2, 3).T, "b": np.array([True])}
    write_npy(tmp_path / "a.npy", arrays["a"])
    write_npz(tmp_path / "all.npz", arrays)
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), arrays["a"])
    found = read_npz(tmp_path / "all.npz")
    assert list(found) == ["a", "b"]
    np.testing.assert_array_equal(found["a"], arrays["a"])


def packed(array: Array) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def test_a_decompression_bomb_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, x=np.zeros(1 << 25, np.float32))
    assert path.stat().st_size < 1 << 20
    with pytest.raises(TooLargeError, match="would unpack to 134,217"):
        read_npz(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_archives_that_contradict_their_headers_are_rejected(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", packed(np.ones(2)))
        archive.writestr("x.npy", packed(np.ones(3)))
    with pytest.raises(FileError, match=r"holds `x\.npy` twice"):
        read_npz(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../evil.sh", "echo")
    with pytest.raises(FileError, match=r"holds `\.\./\.\./evil\.sh`, which is no array"):
        read_npz(path)
    path.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(FileError, match=r"is not a readable \.npz file"):
        read_npz(path)
    np.savez(path, x=np.ones(100))
    content = bytearray(path.read_bytes())
    content[300] ^= 1
    path.write_bytes(content)
    with pytest.raises(FileError, match=r"is not a readable \.npz file: Bad CRC-32"):
        read_npz(path)


def test_a_written_array_in_a_reference_cycle_is_collected_silently(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hold(path: Path, parts: list[Any]) -> None:
        cycle: list[Any] = [parts]
        cycle.append(cycle)

    monkeypatch.setattr(npy, "write_atomically", hold)
    npy.write_npy(tmp_path / "x.npy", np.ones(3))
    npy.write_npz(tmp_path / "x.npz", {"x": np.ones(3)})
    # Since Python 3.13, a stream whose buffer is still in use is reported, which fails the test.
    gc.collect()
