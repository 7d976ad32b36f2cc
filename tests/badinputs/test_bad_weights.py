"""Rows W: files of numbers that are not what they claim.

Tests ``netlang.storage``.
"""

from __future__ import annotations

import io
import json
import pickle
import struct
import warnings
import zipfile
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from answers import MEMORY, Answer, ask, keeps_the_contract, measured

TINY = "net Tiny(x: f32[N, 4]) -> y: f32[N, 2] {\n  y = dense(x, 2)\n}\n"
WEIGHTS = {"y.weight": np.ones((2, 4), np.float32), "y.bias": np.zeros(2, np.float32)}


def npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def header(
    shape: str, dtype: str = "'<f4'", *, version: bytes = b"\x01\x00", more: str = ""
) -> bytes:
    text = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}{more}}}\n".encode()
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text


def tensors(head: object, data: bytes = b"", length: int | None = None) -> bytes:
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def zipped(members: dict[str, bytes], **options: Any) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", **options) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def fed(data: bytes, suffix: str, folder: Path) -> Answer:
    """Run a small net with ``data`` as its input."""
    (folder / "tiny.net").write_text(TINY)
    (folder / f"x{suffix}").write_bytes(data)
    answer = ask(
        "run", folder / "tiny.net", "-i", f"x={folder / f'x{suffix}'}", "--backend", "numpy"
    )
    keeps_the_contract(answer)
    return answer


def weighed(data: bytes, suffix: str, folder: Path) -> Answer:
    """Run a small net with ``data`` as its weights."""
    (folder / "tiny.net").write_text(TINY)
    np.save(folder / "in.npy", np.ones((1, 4), np.float32))
    (folder / f"w{suffix}").write_bytes(data)
    answer = ask(
        "run", folder / "tiny.net", "-i", f"x={folder / 'in.npy'}", "-w", folder / f"w{suffix}",
        "--backend", "numpy",
    )  # fmt: skip
    keeps_the_contract(answer)
    return answer


class Bomb:
    """A pickle of this runs code when it is read."""

    def __reduce__(self):
        return (Path.touch, (Path("/tmp/netlang-was-here"),))


OBJECTS = npy(np.array([Bomb(), None], dtype=object))
GOOD = npy(np.ones((2, 4), np.float32))


@pytest.mark.parametrize("kind", ["npy", "npz"])
def test_w1_objects_are_never_unpickled(kind: str, tmp_path: Path) -> None:
    data = OBJECTS if kind == "npy" else zipped({"x.npy": OBJECTS})
    answer = fed(data, f".{kind}", tmp_path)
    assert answer.rules == ["bad-file"]
    assert "could run code" in answer.text
    assert not Path("/tmp/netlang-was-here").exists()


@pytest.mark.parametrize(
    ("suffix", "said"),
    [
        (".pt", "PyTorch"), (".pth", "PyTorch"), (".bin", "PyTorch"), (".pkl", "pickle"),
        (".pickle", "pickle"), (".h5", "HDF5"), (".hdf5", "HDF5"), (".keras", "Keras"),
        (".ckpt", "checkpoint"),
    ],
)  # fmt: skip
def test_w2_formats_that_run_code_are_named(suffix: str, said: str, tmp_path: Path) -> None:
    for data in (pickle.dumps(Bomb()), b"", zipped({"archive/data.pkl": b""})):
        answer = weighed(data, suffix, tmp_path)
        assert answer.rules == ["bad-file"]
        assert said in answer.text
        assert "help: convert it" in answer.text
    assert not Path("/tmp/netlang-was-here").exists()


@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
def test_w2_a_pickle_under_another_name_is_not_read(suffix: str, tmp_path: Path) -> None:
    assert weighed(pickle.dumps(Bomb()), suffix, tmp_path).rules == ["bad-file"]
    assert not Path("/tmp/netlang-was-here").exists()


@pytest.mark.parametrize(
    "data",
    [
        # W3
        header("(1000000, 1000000)") + bytes(128),
        header("(1099511627776, 1099511627776)") + bytes(128),
        header("(4611686018427387904, 4)") + bytes(16),
        # W4
        header("(-1, 4)") + bytes(16),
        header("(-2, -2)") + bytes(16),
        header("(2.0, 4)") + bytes(32),
        header("'24'") + bytes(32),
        header("(True, 4)") + bytes(16),
        header("(2, 4)", "'|O'") + bytes(64),
        header("(2, 4)", "'<c8'") + bytes(64),
        header("(2, 4)", "'<U4'") + bytes(128),
        header("(2, 4)", "'<M8[s]'") + bytes(64),
        header("(2, 4)", "'|V8'") + bytes(64),
        header("(2,)", "('<f4', (4,))") + bytes(32),
        header("(0,)", "'|V0'"),
        header(f"({'1, ' * 70}8)") + bytes(32),
        header("(0, 1180591620717411303424)"),
        header("(0, 9223372036854775807)"),
        header("(2, 4)", "[('a', '<f4')]") + bytes(32),
        header("(2, 4)", "'<f16'") + bytes(128),
        header("(2, 4)", "'nonsense'") + bytes(32),
        header("(2, 4)", "__import__('os').system('true')") + bytes(32),
        header("(2, 4)", version=b"\x09\x00") + bytes(32),
        header("(2, 4)", more=", 'extra': 1") + bytes(32),
        header("(2, 4)" + " " * 20_000) + bytes(32),
        header("(" * 9_000) + bytes(32),
        # W5
        GOOD[:-7], GOOD + bytes(30), b"", GOOD[:8], GOOD[:5], GOOD[:50], b"\x93NUMPY",
        b"not an array at all", bytes(1_000),
    ],
)  # fmt: skip
def test_w3_w5_an_array_that_is_not_its_header_is_rejected(data: bytes, tmp_path: Path) -> None:
    answer = fed(data, ".npy", tmp_path)
    assert answer.code == 1
    assert answer.rules == ["bad-file"]
    assert "x.npy" in answer.text


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f2", "<f8", ">f8", "<i4", "|u1", "|b1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_w4_arrays_of_numbers_of_either_order_are_read(
    dtype: str, order: Literal["C", "F"], tmp_path: Path
) -> None:
    answer = fed(npy(np.asarray(np.ones((2, 4)), dtype, order=order)), ".npy", tmp_path)
    assert answer.code in (0, 1)
    assert not answer.code or answer.rules == ["bad-input"]
    assert answer.code == 0 or dtype.lstrip("<>|") != "f4"


@pytest.mark.parametrize("shape", [(), (4,), (2, 5), (0, 4), (2, 4, 1)])
def test_w4_an_array_of_another_shape_is_reported_with_both(
    shape: tuple[int, ...], tmp_path: Path
) -> None:
    answer = fed(npy(np.ones(shape, np.float32)), ".npy", tmp_path)
    if shape != (0, 4):
        assert answer.rules == ["bad-input"]
        assert "f32[N, 4]" in answer.text


def test_w6_a_small_archive_that_unpacks_to_a_huge_one_is_rejected(tmp_path: Path) -> None:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("x.npy", "w") as f,
    ):
        f.write(header("(256, 1048576)"))
        for _ in range(64):
            f.write(bytes(2**22))
    (tmp_path / "tiny.net").write_text(TINY)
    (tmp_path / "x.npz").write_bytes(out.getvalue())
    answer = measured(
        "run", tmp_path / "tiny.net", "-i", f"x={tmp_path / 'x.npz'}", "--backend", "numpy"
    )
    keeps_the_contract(answer)
    assert answer.rules == ["too-large"]
    assert answer.memory < MEMORY


def damaged(data: bytes) -> bytes:
    at = data.index(b"\x93NUMPY") + len(GOOD) - 3
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    _twice = io.BytesIO()
    with zipfile.ZipFile(_twice, "w") as _archive:
        _archive.writestr("x.npy", GOOD)
        _archive.writestr("x.npy", GOOD)

_ONE = zipped({"x.npy": GOOD})
_LZMA = zipped({"x.npy": GOOD}, compression=zipfile.ZIP_LZMA)


@pytest.mark.parametrize(
    "data",
    [
        damaged(_ONE),
        _twice.getvalue(),
        zipped({"../../evil": b"evil"}),
        zipped({"x.npy": GOOD, "../../evil.py": b"evil"}),
        zipped({"x.txt": b"text"}),
        zipped({"x.npy": b""}),
        _ONE[:-10], _ONE[:40], b"", b"PK\x03\x04", b"PK\x05\x06" + bytes(18) + b"rest",
        _ONE.replace(b"x.npy", b"x.np\xff"),
        # A name that is said to be UTF-8, and is not.
        zipped({"ä.npy": GOOD}).replace("ä".encode(), b"\xff\xff"),
        # Kinds of packing that NumPy does not write, whole and damaged.
        zipped({"x.npy": GOOD}, compression=zipfile.ZIP_BZIP2),
        _LZMA, _LZMA[:80] + b"\0\0\0" + _LZMA[83:],
        # A member that claims to be larger than it is.
        _ONE.replace(struct.pack("<II", len(GOOD), len(GOOD)), struct.pack("<II", len(GOOD),
        2**31)),
    ],
    ids=lambda data: f"{len(data)} bytes",  # an archive contains the time at which it was made
)  # fmt: skip
def test_w6_a_damaged_archive_is_rejected(data: bytes, tmp_path: Path) -> None:
    answer = fed(data, ".npz", tmp_path)
    assert answer.code == 1
    assert answer.rules[0] in ("bad-file", "too-large", "bad-input")
    assert not list(tmp_path.rglob("evil*"))
    assert not (tmp_path.parent.parent / "evil").exists()


def test_w6_a_member_that_leads_out_writes_nothing(tmp_path: Path) -> None:
    answer = fed(zipped({"../../evil.npy": GOOD}), ".npz", tmp_path)
    assert answer.code in (0, 1)
    assert not (tmp_path.parent.parent / "evil.npy").exists()


_ENTRY = {"dtype": "F32", "shape": [2, 4], "data_offsets": [0, 32]}
_BIAS = {"dtype": "F32", "shape": [2], "data_offsets": [32, 40]}


@pytest.mark.parametrize(
    "data",
    [
        b"", bytes(8), bytes(7), b"\xff" * 8, tensors({}, length=2**63), tensors({}, length=2**40),
        tensors({"y.weight": _ENTRY}, bytes(31)),
        tensors({"y.weight": _ENTRY}, bytes(33)),
        tensors({"y.weight": _ENTRY, "y.bias": _BIAS | {"data_offsets": [28, 36]}}, bytes(36)),
        tensors({"y.weight": _ENTRY, "y.bias": _BIAS | {"data_offsets": [36, 44]}}, bytes(44)),
        tensors({"y.weight": _ENTRY | {"shape": [2, 5]}}, bytes(32)),
        tensors({"y.weight": _ENTRY | {"shape": [-2, -4]}}, bytes(32)),
        tensors({"y.weight": _ENTRY | {"shape": [2**62, 8]}}, bytes(32)),
        tensors({"y.weight": _ENTRY | {"dtype": "F33"}}, bytes(32)),
        tensors({"y.weight": _ENTRY | {"data_offsets": [32, 0]}}, bytes(32)),
        tensors({"y.weight": _ENTRY | {"data_offsets": [0, 2**63]}}, bytes(32)),
        tensors({"y.weight": 7}, bytes(32)),
        tensors([1, 2], bytes(32)),
        tensors(b"{", bytes(32)),
        tensors(b"[" * 100_000, bytes(32)),
        tensors(b'{"a":' * 100_000, bytes(32)),
        tensors(b'{"a": NaN}', bytes(32)),
        tensors(b"\xff\xfe\x00", bytes(32)),
        tensors(
            b'{"y.weight":' + json.dumps(_ENTRY).encode() + b',"y.weight":'
            + json.dumps(_ENTRY).encode() + b"}",
            bytes(32),
        ),
        tensors({f"t{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0,
        0]} for i in range(100_001)}),
    ],
)  # fmt: skip
def test_w7_damaged_safetensors_are_rejected(data: bytes, tmp_path: Path) -> None:
    answer = weighed(data, ".safetensors", tmp_path)
    assert answer.code == 1
    assert answer.rules[0] in ("bad-file", "too-large"), answer.text
    assert "w.safetensors" in answer.text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"y.weight": None}, "missing: `y.weight` f32[2, 4]"),
        ({"y.weight": np.ones((4, 2), np.float32)}, "must be f32[2, 4], is f32[4, 2]"),
        ({"y.weight": np.ones((2, 4), np.float64)}, "must be f32[2, 4], is f64[2, 4]"),
        ({"y.bias": np.ones((), np.float32)}, "must be f32[2], is f32[]"),
        ({"y.bias": None, "y.weight": None}, "2 differences"),
        ({"y.bias": None, "fc.bias": np.zeros(2, np.float32)}, "missing: `y.bias`"),
    ],
)
@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
def test_w8_weights_that_do_not_fit_are_listed(
    changes: dict[str, np.ndarray | None], said: str, suffix: str, tmp_path: Path
) -> None:
    from safetensors.numpy import save

    given = {k: v for k, v in (WEIGHTS | changes).items() if v is not None}
    data = (
        save(given)
        if suffix == ".safetensors"
        else zipped({f"{k}.npy": npy(v) for k, v in given.items()})
    )
    answer = weighed(data, suffix, tmp_path)
    assert (answer.code, answer.rules) == (1, ["bad-weights"])
    assert said in answer.text


def test_w8_weights_that_are_not_needed_do_no_harm(tmp_path: Path) -> None:
    from safetensors.numpy import save

    assert weighed(save(WEIGHTS | {"more": np.ones(3)}), ".safetensors", tmp_path).code == 0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_w9_weights_that_are_not_finite_are_named_and_counted(value: float, tmp_path: Path) -> None:
    from safetensors.numpy import save

    spoilt = WEIGHTS["y.weight"].copy()
    spoilt[0, :3] = value
    answer = weighed(save(WEIGHTS | {"y.weight": spoilt}), ".safetensors", tmp_path)
    assert answer.code == 0
    assert answer.err.startswith("warning: 3 values are not finite in the parameter `y.weight`")


def test_w_weights_in_a_pipe_or_a_folder_are_not_waited_for(tmp_path: Path) -> None:
    import os

    (tmp_path / "tiny.net").write_text(TINY)
    np.save(tmp_path / "in.npy", np.ones((1, 4), np.float32))
    os.mkfifo(tmp_path / "pipe.safetensors")
    os.mkfifo(tmp_path / "pipe.npz")
    (tmp_path / "folder.npz").mkdir()
    for name in ("pipe.safetensors", "pipe.npz", "folder.npz", "nowhere.npz", "none", "a.txt"):
        answer = ask(
            "run", tmp_path / "tiny.net", "-i", f"x={tmp_path / 'in.npy'}", "-w", tmp_path / name
        )
        keeps_the_contract(answer)
        assert answer.code in (1, 2, 3)
