"""Rows P: files that are not where, or not what, they should be.

Tests ``netlang.system.files`` and ``netlang.evaluate.modules``.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

import numpy as np
import pytest
from answers import Answer, ask, ask_apart, keeps_the_contract

BLOCK = "block unit(x) = relu(x)\n"
GOOD = "net A(x: f32[N, 4]) -> y: f32[N, 2] = dense(x, 2)\n"
TRAINING = """net Small(image: f32[N, 1, 8, 8]) -> y: f32[N, 10] = image |> flatten |> dense(10)

train t {
  data = digits("train") |> batches(8)
  model = new Small()
  loss = cross_entropy(model(batch.image), batch.label)
  optimizer = sgd(0.1)
  run = 1 epochs
}
"""


def importing(name: str, folder: Path) -> Answer:
    """Check a program in ``folder/project/nets`` that imports ``name``."""
    nets = folder / "project" / "nets"
    nets.mkdir(parents=True, exist_ok=True)
    path = nets / "main.net"
    path.write_text(
        f'from "{name}" import unit\n\nnet A(x: f32[N, 4]) -> y: f32[N, 4] = unit(x)\n', "utf-8"
    )
    answer = ask("check", path)
    keeps_the_contract(answer)
    return answer


@pytest.mark.parametrize(
    "name",
    [
        "../../secret.net", "../../../../../../etc/passwd", "../../../../../../etc/hosts.net",
        "/etc/passwd", "/etc/hosts.net", "~/secret.net", "~root/secret.net",
        "file:///etc/passwd.net", "http://example.com/a.net", "https://example.com/a.net",
        "\\\\\\\\server\\\\a.net", "c:/a.net", "C:\\\\a.net", "a\\\\b.net",
        "..\\\\..\\\\secret.net",
        "secret", "secret.txt", "", ".", "..", "../..", "a\\n.net", "a\\t.net",
        "./../../secret.net",
        "sub/../../../secret.net", "con", "nul.net:stream",
    ],
)  # fmt: skip
def test_p1_p5_nothing_outside_of_the_roots_is_read(name: str, tmp_path: Path) -> None:
    (tmp_path / "secret.net").write_text(BLOCK)
    answer = importing(name, tmp_path)
    assert answer.code == 1
    assert set(answer.rules) <= {"import-path", "import-file", "escape", "unknown-escape"}
    assert "relu" not in answer.text


@pytest.mark.parametrize("name", ["a" * 300 + ".net", "a" * 5_000 + ".net", "a/" * 3_000 + "b.net"])
def test_p5_a_name_of_any_length_is_answered(name: str, tmp_path: Path) -> None:
    answer = importing(name, tmp_path)
    assert answer.code == 1
    assert answer.rules[0] in ("import-path", "import-file")


def test_p5_a_nul_byte_is_not_a_part_of_a_path(tmp_path: Path) -> None:
    assert importing("a\0.net", tmp_path).rules == ["not-text"]


@pytest.mark.parametrize("inside", ["unit.net", "../unit.net", "sub/unit.net", "./sub/../unit.net"])
def test_p1_inside_of_the_roots_all_is_read(inside: str, tmp_path: Path) -> None:
    nets = tmp_path / "project" / "nets"
    (nets / "sub").mkdir(parents=True)
    for folder in (nets, nets / "sub", nets.parent):
        (folder / "unit.net").write_text(BLOCK)
    assert importing(inside, tmp_path).code == 0


def test_p2_a_link_that_leads_out_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "secret.net").write_text(BLOCK)
    (tmp_path / "away").mkdir()
    (tmp_path / "away" / "unit.net").write_text(BLOCK)
    nets = tmp_path / "project" / "nets"
    nets.mkdir(parents=True)
    (nets / "link.net").symlink_to(tmp_path / "secret.net")
    (nets / "folder").symlink_to(tmp_path / "away")
    (nets / "broken.net").symlink_to(tmp_path / "nowhere.net")
    (nets / "circle.net").symlink_to(nets / "circle.net")
    for name in ("link.net", "folder/unit.net", "broken.net", "circle.net"):
        answer = importing(name, tmp_path)
        assert answer.code == 1, name
        assert answer.rules[0] in ("import-path", "import-file")


def test_p2_a_second_name_of_a_file_outside_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "secret.net").write_text(BLOCK)
    nets = tmp_path / "project" / "nets"
    nets.mkdir(parents=True)
    os.link(tmp_path / "secret.net", nets / "hard.net")
    answer = importing("hard.net", tmp_path)
    assert (answer.code, answer.rules) == (1, ["import-path"])


def test_p2_a_link_that_stays_inside_is_read(tmp_path: Path) -> None:
    nets = tmp_path / "project" / "nets"
    nets.mkdir(parents=True)
    (nets / "real.net").write_text(BLOCK)
    (nets / "link.net").symlink_to(nets / "real.net")
    assert importing("link.net", tmp_path).code == 0


def test_p3_a_file_that_imports_itself_is_a_circle(tmp_path: Path) -> None:
    answer = importing("main.net", tmp_path)
    assert answer.rules == ["import-cycle"]
    assert "main.net → main.net" in answer.text


def test_p3_two_files_that_import_each_other_are_a_circle(tmp_path: Path) -> None:
    nets = tmp_path / "project" / "nets"
    nets.mkdir(parents=True)
    (nets / "b.net").write_text('from "main.net" import A\n' + BLOCK)
    assert "import-cycle" in importing("b.net", tmp_path).rules


def test_p3_a_chain_of_a_thousand_files_is_answered(tmp_path: Path) -> None:
    nets = tmp_path / "project" / "nets"
    nets.mkdir(parents=True)
    (nets / "f0.net").write_text(BLOCK)
    for i in range(1, 1_000):
        (nets / f"f{i}.net").write_text(f'from "f{i - 1}.net" import unit\n')
    answer = importing("f999.net", tmp_path)
    assert answer.code in (0, 1)
    assert answer.seconds < 4


def test_p3_a_file_reached_on_two_ways_is_read_once(tmp_path: Path) -> None:
    nets = tmp_path / "project" / "nets"
    nets.mkdir(parents=True)
    (nets / "base.net").write_text(BLOCK)
    (nets / "l.net").write_text('from "base.net" import unit\n')
    (nets / "r.net").write_text('from "base.net" import unit\n')
    path = nets / "main.net"
    path.write_text(
        'from "l.net" import unit\nfrom "r.net" import unit as other\n\n'
        "net A(x: f32[N, 4]) -> y: f32[N, 4] = x |> unit |> other\n"
    )
    assert ask("check", path).code == 0


def test_p3_files_that_import_two_each_are_read_once_each(tmp_path: Path) -> None:
    nets = tmp_path / "project" / "nets"
    nets.mkdir(parents=True)
    (nets / "f0.net").write_text(BLOCK)
    (nets / "f1.net").write_text(BLOCK)
    for i in range(2, 60):
        (nets / f"f{i}.net").write_text(
            f'from "f{i - 1}.net" import unit\nfrom "f{i - 2}.net" import unit as b\n'
        )
    answer = importing("f59.net", tmp_path)
    assert answer.code == 0
    assert answer.seconds < 2


@pytest.mark.parametrize("kind", ["folder", "fifo", "socket", "huge", "device"])
def test_p4_only_files_are_imported(kind: str, tmp_path: Path) -> None:
    nets = tmp_path / "project" / "nets"
    nets.mkdir(parents=True)
    special = nets / "special.net"
    make(kind, special)
    answer = importing("special.net", tmp_path)
    assert answer.code in (1, 2, 3)
    assert answer.seconds < 2


@pytest.mark.parametrize("kind", ["folder", "fifo", "socket", "huge", "device"])
@pytest.mark.parametrize("command", ["check", "fmt", "summary", "names", "show", "run", "compile"])
def test_p4_only_files_are_programs(kind: str, command: str, tmp_path: Path) -> None:
    special = tmp_path / "special.net"
    make(kind, special)
    output = ["-o", tmp_path / "out.onnx"] if command == "compile" else []
    answer = ask(command, special, *output)
    keeps_the_contract(answer)
    assert answer.code in (1, 2, 3)
    assert answer.rules[0] in ("not-a-file", "file-too-large", "unreadable-file")


def make(kind: str, path: Path) -> None:
    match kind:
        case "folder":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
        case "socket":
            here = Path.cwd()
            os.chdir(path.parent)  # a socket's name is short
            with socket.socket(socket.AF_UNIX) as bound:
                bound.bind(path.name)
            os.chdir(here)
        case "huge":
            with path.open("wb") as file:
                file.truncate(10 * 2**30)
        case _:
            path.symlink_to("/dev/zero")


@pytest.mark.parametrize("command", [["compile"], ["run"]])
def test_p6_an_output_never_replaces_its_input(command: list[str], tmp_path: Path) -> None:
    path = tmp_path / "a.net"
    path.write_text(GOOD)
    (tmp_path / "link.onnx").symlink_to(path)
    os.link(path, tmp_path / "hard.onnx")
    for output in ("a.net", "link.onnx", "hard.onnx", "../" + tmp_path.name + "/a.net"):
        answer = ask(*command, path, "-o", tmp_path / output)
        keeps_the_contract(answer)
        assert answer.code == 2, answer.text
        assert answer.rules == ["output-is-input"]
        assert path.read_text() == GOOD


@pytest.mark.parametrize("place", ["missing/a.onnx", ".", "..", "file/a.onnx"])
def test_p6_an_output_that_cannot_be_written_is_reported(place: str, tmp_path: Path) -> None:
    path = tmp_path / "a.net"
    path.write_text(GOOD)
    (tmp_path / "file").write_text("a file")
    before = sorted(tmp_path.iterdir())
    answer = ask("compile", path, "-o", tmp_path / place)
    keeps_the_contract(answer)
    assert answer.code in (2, 3), answer.text
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("place", ["", ".", "..", "/"])
@pytest.mark.parametrize("more", [[], ["--train"]])
def test_p6_an_output_without_a_name_is_a_folder(
    place: str, more: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.net"
    path.write_text(TRAINING)
    monkeypatch.chdir(tmp_path)
    answer = ask("compile", path, *more, "-o", place)
    shown = place or "."
    assert (answer.code, answer.err) == (
        3, f"error[cannot-write]: cannot write {shown}: is a directory\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    "command", [["compile"], ["draw"], ["run", "--backend", "numpy"], ["compile", "--train"]]
)
def test_p6_nothing_takes_the_place_of_a_device(command: list[str], tmp_path: Path) -> None:
    path, pipe = tmp_path / "a.net", tmp_path / ("pipe.npz" if "run" in command else "pipe.svg")
    path.write_text(TRAINING)
    np.save(tmp_path / "x.npy", np.ones((1, 1, 8, 8), np.float32))
    fed = ["-i", f"image={tmp_path / 'x.npy'}"] if "run" in command else []
    os.mkfifo(pipe)
    answer = ask(*command, path, *fed, "-o", pipe)
    assert (answer.code, answer.err) == (
        3, f"error[cannot-write]: cannot write {pipe}: is not a regular file\n"
    )  # fmt: skip
    assert pipe.is_fifo()


def test_p6_an_output_never_replaces_the_archive_an_input_is_in(tmp_path: Path) -> None:
    path, archive = tmp_path / "a.net", tmp_path / "x.npz"
    path.write_text(GOOD)
    np.savez(archive, x=np.ones((1, 4), np.float32))
    before = archive.read_bytes()
    answer = ask("run", path, "-i", f"x={archive}:x", "--backend", "numpy", "-o", archive)
    assert (answer.code, answer.rules) == (2, ["output-is-input"])
    assert archive.read_bytes() == before


def test_p6_an_output_is_not_the_state_of_the_same_call(tmp_path: Path) -> None:
    answer = ask("run", tmp_path / "a.net", "--state", "h.npz", "-o", "./h.npz")
    assert (answer.code, answer.rules) == (2, ["output-is-input"])


def test_p6_a_name_of_a_file_does_not_steer_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "\x1b[31m\u202e.net"
    path.write_text(GOOD.replace("=", " = "))
    for command in (
        ["check", path],
        ["fmt", "--check", path],
        ["compile", path, "-o", path.with_suffix(".onnx")],
        ["draw", path, "-o", path.with_suffix(".svg")],
    ):
        answer = ask(*command)
        assert "<U+001B>[31m<U+202E>" in answer.text
        assert "\x1b" not in answer.text and "\u202e" not in answer.text
    told = ask("check", path, "--json")
    assert "\u202e" not in told.out
    assert json.loads(told.out)["files"][0]["file"] == str(path)


def test_p6_a_folder_without_permission_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.net"
    path.write_text(GOOD)
    # Nobody may write to /proc, not even the superuser.
    answer = ask("compile", path, "-o", "/proc/a.onnx")
    keeps_the_contract(answer)
    assert (answer.code, answer.rules) == (3, ["cannot-write"])


def test_p6_an_output_through_a_link_replaces_the_link(tmp_path: Path) -> None:
    path, precious = tmp_path / "a.net", tmp_path / "precious"
    path.write_text(GOOD)
    precious.write_text("precious")
    (tmp_path / "a.onnx").symlink_to(precious)
    answer = ask("compile", path, "-o", tmp_path / "a.onnx")
    keeps_the_contract(answer)
    assert precious.read_text() == "precious"


def test_p6_layout_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.net"
    path.write_text("net A(x: f32[N, 4]) -> y {\n  y = (\n}\n")
    answer = ask("fmt", path)
    keeps_the_contract(answer)
    assert answer.code == 1
    assert path.read_text() == "net A(x: f32[N, 4]) -> y {\n  y = (\n}\n"


def test_p7_names_of_layers_never_become_paths(tmp_path: Path) -> None:
    path = tmp_path / "a.net"
    path.write_text(
        "net A(x: f32[N, 4]) -> y {\n  etc = x |> dense(4) as passwd\n  y = dense(etc, 4)\n}\n"
    )
    (tmp_path / "out").mkdir()
    answer = ask("compile", path, "-o", tmp_path / "out" / "a.onnx")
    assert answer.code == 0, answer.text
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["a.onnx"]


def test_p8_modules_in_the_working_folder_are_not_imported(tmp_path: Path) -> None:
    for name in ("numpy", "json", "click", "lark", "onnx", "netlang", "re", "onnxruntime"):
        (tmp_path / f"{name}.py").write_text('raise SystemExit("imported")\n')
    (tmp_path / "a.net").write_text(GOOD)
    script = Path(sys.executable).with_name("netlang")
    assert script.exists(), "netlang must be installed beside this Python"
    import subprocess

    for command in (["check", "a.net"], ["summary", "a.net"], ["compile", "a.net", "-o", "a.onnx"]):
        answer = subprocess.run(
            [script, *command], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert answer.returncode == 0, answer.stderr
        assert "imported" not in answer.stdout + answer.stderr


def test_a_terminal_is_not_steered_by_the_name_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[31m\u202e.net"
    path.write_text("net A(x: f32[N, 4]) -> y = z\n")
    for command in ("check", "summary"):
        answer = ask(command, path)
        assert "\x1b" not in answer.text and "\u202e" not in answer.text
    missing = ask("check", tmp_path / "b\x1b[31m.net")
    assert "\x1b" not in missing.text


def test_a_standard_input_that_never_ends_is_not_waited_for(tmp_path: Path) -> None:
    answer = ask_apart("check", "-", "-", timeout=20)
    keeps_the_contract(answer)
    assert answer.code == 2
