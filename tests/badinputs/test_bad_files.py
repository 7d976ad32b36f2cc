"""Files that are damaged, of another kind, or at a place where they do not belong.

Tests ``netlang.storage.weights``, ``netlang.data.sources``, ``netlang.system.files`` and
``netlang.evaluate.builtins.callbacks``.
"""

from __future__ import annotations

import gzip
import json
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from answers import MEMORY, ask, keeps_the_contract, net, rejected

from netlang.data.sources.idx import read_idx
from netlang.data.tables.text_files import lines_of
from netlang.diagnostics.errors import FileError
from netlang.evaluate.builtins.callbacks import OTHER_FORMATS
from netlang.evaluate.context.selections import matches
from netlang.storage import weights
from netlang.storage.npy import write_npz
from netlang.system.files import program_roots

DENSE = net("dense(x, 3)", "x: f32[N, 2]").replace("A(", "H(")


def peak() -> int:
    """Return the most memory that this process has had so far."""
    status = Path("/proc/self/status").read_text("utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def stored(path: Path, dtype: str, shape: list[int], size: int) -> Path:
    """Write the header of a safetensors file, and a hole for its data."""
    entry = {"dtype": dtype, "shape": shape, "data_offsets": [0, size]}
    header = json.dumps({"y.weight": entry}).encode()
    with path.open("wb") as out:
        out.write(struct.pack("<Q", len(header)) + header)
        out.truncate(8 + len(header) + size)
    return path


_SECTION = """
train t {{
  data = two_moons(8) |> batches(4)
  model = new H()
  loss = cross_entropy(model(batch.x), batch.label)
{}  optimizer = sgd(0.1)
  run = 1 epochs
}}
"""


USES = ("names", "run", "evaluate", "init")
"""The ways in which parameters are read from a file."""


def using(use: str, path: Path, folder: Path) -> list[str | Path]:
    """Return a command that reads a file."""
    (folder / "h.net").write_text(DENSE)
    np.save(folder / "x.npy", np.ones((1, 2), np.float32))
    loaded = f'  init = [load(model, "{path.name}")]\n' if use == "init" else ""
    (folder / "t.net").write_text(DENSE + _SECTION.format(loaded))
    return {
        "names": ["names", folder / "h.net", "H", "--diff", path],
        "run": ["run", folder / "h.net", "-w", path, "-i", f"x={folder / 'x.npy'}"],
        "evaluate": ["evaluate", folder / "t.net", "-w", path],
        "init": ["train", folder / "t.net", "--run", folder / "run"],
    }[use]


@pytest.mark.parametrize(
    ("dtype", "shape", "size", "message"),
    [
        (kind, [3, 2], size, f"stores `y.weight` as {kind}, which is not an element type of a net")
        for kind, size in [("F8_E4M3", 6), ("F8_E5M2", 6), ("F4", 3), ("C64", 48), ("X", 6)]
    ]
    + [
        ("F32", [2**40, 0, 2**40], 0, "the shape [1099511627776, 0, 1099511627776]"),
        ("F32", [0] * 70, 0, "gives `y.weight` 70 axes, which no array has"),
        ("F32", [3 * 2**28], 3 * 2**30, "different: `y.weight` must be f32[3, 2]"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("use", USES)
def test_what_does_not_fit_a_net_is_not_read(
    use: str, dtype: str, shape: list[int], size: int, message: str, tmp_path: Path
) -> None:
    path = stored(tmp_path / "w.safetensors", dtype, shape, size)
    command = using(use, path, tmp_path)
    before = peak()
    answer = ask(*command)
    assert answer.code == 1, answer.text
    if message.startswith("different") and use in ("evaluate", "init"):
        message = {"evaluate": "of another shape: `y.weight`", "init": "wrong shape: "}[use]
    assert message in answer.text
    assert peak() - before < MEMORY


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("ending", [".safetensors", ".npz"])
def test_only_what_a_net_needs_is_read(use: str, ending: str, tmp_path: Path) -> None:
    """A file may hold more, such as the parameters of the rest of a model."""
    path = tmp_path / f"w{ending}"
    own = {"y.weight": np.ones((3, 2), np.float32), "y.bias": np.ones(3, np.float32)}
    large = np.zeros(2**27, np.float32)
    if ending == ".npz":
        write_npz(path, {**own, "more": large})
    else:
        weights.save_weights(path, {**own, "more": large})
    del large
    command = using(use, path, tmp_path)
    Path("/proc/self/clear_refs").write_text("5")  # the most so far is what there is now
    before = peak()
    answer = ask(*command)
    assert answer.code == (1 if use == "names" else 0), answer.text
    assert peak() - before < 2**28


def test_the_endings_of_other_formats_are_those_that_weights_are_not_read_from() -> None:
    refused = vars(weights)["_REFUSED"]
    assert {*refused} <= {*OTHER_FORMATS}


@pytest.mark.parametrize("cut", [1, 4, 8, 12])
def test_an_idx_file_without_its_end_is_rejected(cut: int, tmp_path: Path) -> None:
    array = np.arange(256, dtype=np.uint8).reshape(4, 64)
    whole = gzip.compress(b"\0\0\x08\x02" + struct.pack(">II", 4, 64) + array.tobytes())
    path = tmp_path / "a.idx.gz"
    path.write_bytes(whole)
    assert np.array_equal(read_idx(path)[0], array)
    path.write_bytes(whole[:-cut])
    with pytest.raises(FileError, match="is damaged"):
        read_idx(path)


@pytest.mark.parametrize("letter", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1e"])
def test_only_a_line_feed_ends_a_line(letter: str) -> None:
    assert lines_of(f"a{letter}b\r\nc\n\nd") == [f"a{letter}b", "c", "", "d"]
    assert lines_of("") == []
    assert lines_of("a\n") == ["a"]


def test_the_root_of_the_file_system_is_not_a_folder_of_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    assert program_roots(Path("/")) == []
    assert program_roots(Path("/tmp")) == [Path("/tmp")]
    assert program_roots(tmp_path) == [tmp_path, tmp_path.parent]


TRAIN = """\
dataset points -> (x: f32[2], label: i64[]) {{
  csv = "pts.csv"
}}
net M(x: f32[N, 2]) -> y: f32[N, 2] = dense(x, 2)
train t {{
  data = points() |> batches(2)
  model = new M()
  other = new M()
  loss = cross_entropy(model(batch.x) + other(batch.x), batch.label)
  checkpoint = [{}]
  optimizer = sgd(0.1)
  run = 1 epochs
}}
"""


@pytest.mark.parametrize("name", ["model.safetensors", "other.safetensors"])
@pytest.mark.parametrize(
    "save", ['save_best(model, "{}", by=loss)', 'save_every(model, "{}", every=1 epochs)']
)
def test_checkpoints_do_not_have_the_names_of_the_last_parameters(
    name: str, save: str, tmp_path: Path
) -> None:
    answer = rejected(TRAIN.format(save.format(name)), "file-name", folder=tmp_path)
    assert "this is one of the run's own files" in answer.text


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ('save_best(model, "a.safetensors", by=loss)',) * 2,
        ('save_best(model, "a.safetensors", by=loss)',
         'save_every(other, "a.safetensors", every=1 epochs)'),
        ('save_best(model, "a-3.safetensors", by=loss)',
         'save_every(model, "A-{{epoch}}.safetensors", every=1 epochs)'),
        ('save_every(other, "a-{{step}}.safetensors", every=5 steps)',
         'save_every(model, "a-{{epoch}}.safetensors", every=1 epochs)'),
    ],
)  # fmt: skip
def test_two_rules_do_not_save_into_one_file(first: str, second: str, tmp_path: Path) -> None:
    both = f"{first}, {second}".replace("{{", "{").replace("}}", "}")
    text = TRAIN.replace("{}", "@").format().replace("@", both)
    answer = rejected(text, "file-name", folder=tmp_path)
    assert "two rules save into one file" in answer.text
    assert "give each a file of its own" in answer.text


def test_rules_may_save_into_files_with_names_alike(tmp_path: Path) -> None:
    saves = 'save_best(model, "a-x.safetensors", by=loss), ' + (
        'save_every(model, "a-{epoch}.safetensors", every=1 epochs)'
    )
    text = TRAIN.replace("{}", "@").format().replace("@", saves)
    (tmp_path / "a.net").write_text(text)
    (tmp_path / "pts.csv").write_text("1,2,0\n2,1,1\n")
    answer = ask("check", tmp_path / "a.net")
    assert answer.code == 0, answer.text


@pytest.mark.parametrize("ending", OTHER_FORMATS)
def test_checkpoints_do_not_have_the_ending_of_another_format(ending: str, tmp_path: Path) -> None:
    save = f'save_every(model, "x-{{epoch}}{ending}", every=1 epochs)'
    answer = rejected(TRAIN.format(save), "file-name", folder=tmp_path)
    assert f"`{ending}` is the ending of another format" in answer.text
    assert 'such as `"x-{epoch}.safetensors"`' in answer.text


def test_the_step_of_a_section_does_not_replace_its_data(tmp_path: Path) -> None:
    program, data = tmp_path / "a.net", tmp_path / "pts.onnx"
    program.write_text(TRAIN.format("").replace("pts.csv", "pts.onnx"))
    data.write_text("x,label\n")
    answer = ask("compile", "--train", program, "-o", data)
    assert (answer.code, answer.rules) == (2, ["output-is-input"]), answer.text
    assert data.read_text() == "x,label\n"


def test_names_in_lists_are_looked_up_before_they_are_used(tmp_path: Path) -> None:
    text = TRAIN.format("").replace("  optimizer", "  freeze = modle\n  optimizer")
    answer = rejected(text, "unknown-name", folder=tmp_path)
    assert "did you mean `model`?" in answer.text
    assert ask("train", tmp_path / "bad.net").code == 1


@pytest.mark.parametrize(
    ("given", "shown"),
    [("relu", "`relu`"), ("sgd(0.1)", "`sgd`"), ("none", "none")],
)
def test_an_argument_of_another_kind_is_shown_as_it_is_written(
    given: str, shown: str, tmp_path: Path
) -> None:
    text = net(f"split(x, {given}, axis=1)[0]", "x: f32[N, 4]")
    answer = rejected(text, "out-of-range", "wrong-type", folder=tmp_path)
    assert shown in answer.text
    assert "object at 0x" not in answer.text and "Span(" not in answer.text


def test_ragged_rows_of_a_python_function_are_reported(tmp_path: Path) -> None:
    (tmp_path / "ragged_rows_of.py").write_text("def load():\n    return {'x': [[1], [1, 2]]}\n")
    text = TRAIN.format("").replace('csv = "pts.csv"', 'python = "ragged_rows_of:load"')
    (tmp_path / "a.net").write_text(text)
    answer = ask("train", tmp_path / "a.net", "--allow-python", "--run", tmp_path / "r")
    keeps_the_contract(answer)
    assert (answer.code, answer.rules) == (1, ["bad-file"]), answer.text
    assert "`x` of `ragged_rows_of:load` is not an array" in answer.text
    assert "pad the shorter ones" in answer.text


NAMES = ["", "a", "ab", "abc", "aab", "aba", "abab", "weight", "stage2", "b*"]
PATTERNS = ["", "*", "a*", "*a", "*b", "a*b", "*a*", "**a", "a**b", "*a*b*", "stage*", "w*t", "a*a"]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_matches_what_its_regular_expression_does(pattern: str) -> None:
    expression = ".*".join(map(re.escape, pattern.split("*")))
    for name in NAMES:
        assert matches(f"x.{pattern}", f"x.{name}") == bool(re.fullmatch(expression, name)), name
