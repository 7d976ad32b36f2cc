"""The contract: no door through which a file could run code stands anywhere in the source."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import numpy as np
import pytest
from answers import ask, ask_apart

import netlang

PACKAGE = Path(netlang.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

FORBIDDEN_MODULES = frozenset(
    {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "yaml", "ruamel", "code",
     "codeop", "imp", "runpy", "subprocess", "socket", "urllib", "http", "ftplib", "requests",
     "ctypes", "telnetlib", "smtplib", "xmlrpc"}
)  # fmt: skip
ALLOWED = {"serve/server.py": {"socket", "http", "http.server"}}
"""The page is served to this machine alone, and only to who has its token."""

FORBIDDEN_CALLS = frozenset({"eval", "exec", "compile", "__import__", "breakpoint", "input"})
FORBIDDEN_METHODS = frozenset({"system", "popen", "execv", "execve", "spawnv", "startfile", "fork"})


def doors(tree: ast.AST) -> list[str]:
    """List what could run a file's code, reach the network, or start a program."""
    found: list[str] = []
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found += [a.name for a in names if a.name.split(".")[0] in FORBIDDEN_MODULES]
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in FORBIDDEN_MODULES:
                found.append(module)
            case ast.Call(func=ast.Name(id=name)) if name in FORBIDDEN_CALLS:
                found.append(f"{name}()")
            case ast.Call(func=ast.Attribute(attr=name, value=ast.Name(id="os"))) if (
                name in FORBIDDEN_METHODS
            ):
                found.append(f"os.{name}()")
            case ast.keyword(arg="allow_pickle", value=ast.Constant(value=value)) if value:
                found.append("allow_pickle")
            case ast.Call(
                func=ast.Name(id="import_module"), args=[ast.Constant(value=str(name))]
            ) if name.split(".")[0] in FORBIDDEN_MODULES:
                found.append(name)
            case _:
                pass
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_can_run_what_a_file_says(module: Path) -> None:
    allowed = ALLOWED.get(module.relative_to(PACKAGE).as_posix(), set())
    assert set(doors(ast.parse(module.read_text("utf-8")))) <= allowed


@pytest.mark.parametrize(
    "text",
    ["import pickle", "from pickle import loads", "eval(x)", "os.system(x)", "import yaml as y",
     "np.load(f, allow_pickle=True)", 'import_module("marshal")', "import urllib.request"],
)  # fmt: skip
def test_such_a_door_would_be_seen(text: str) -> None:
    assert doors(ast.parse(text))


def test_an_unknown_library_is_only_loaded_by_our_own_names() -> None:
    """``import_module`` gets a name that stands in the source, never one from a file."""
    for module in MODULES:
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if node.func.id != "import_module":
                continue
            name = node.args[0]
            known = isinstance(name, ast.Constant | ast.JoinedStr) or module.name in (
                "selection.py",  # the plug-in of onnxruntime that the command line names
                "registry.py",  # the modules of the operators, as found in their folder
                "functions.py",  # what a dataset names, only with --allow-python
                "extern.py",  # what an `extern op` names, only with --allow-python
            )
            assert known, f"{module}:{node.lineno}"


@pytest.mark.parametrize("command", ["check", "summary", "names", "show"])
def test_json_is_reported_on_one_stream_and_nothing_else(command: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.net"
    path.write_text("net A(x: f32[N, 4]) -> y {\n  y = dens(x, 2)\n}\n")
    answer = ask(command, path, "--json")
    if answer.code == 2:
        pytest.skip("the command prints no JSON")
    assert answer.err == ""
    (found,) = json.loads(answer.out)["diagnostics"]
    assert (found["rule"], found["line"], found["column"]) == ("unknown-name", 2, 7)


EXTERN = """\
extern op evil(x: f32[N, 4]) -> y: f32[N, 4] {
  numpy = "%s"
}
net A(x: f32[N, 4]) -> y: f32[N, 4] {
  y = evil(x)
}
"""


@pytest.mark.parametrize(
    "function", ["os:abort", "shutil:rmtree", "numpy:tanh", "nowhere:f", ":", ""]
)
def test_python_that_an_op_names_is_not_run_unasked(function: str, tmp_path: Path) -> None:
    path = tmp_path / "a.net"
    path.write_text(EXTERN % function)
    np.save(tmp_path / "x.npy", np.ones((1, 4), np.float32))
    given = ["-i", f"x={tmp_path / 'x.npy'}"]
    for command in (
        ["check", path], ["summary", path], ["compile", path, "-o", tmp_path / "a.onnx"],
        ["verify", path], ["run", path, *given], ["run", path, *given, "--backend", "numpy"],
    ):  # fmt: skip
        answer = ask(*command)
        assert answer.code != 70, answer.text
    assert answer.rules == ["python-not-allowed"]


def test_python_that_an_op_names_is_run_where_it_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "a.net"
    path.write_text(EXTERN % "numpy:tanh")
    np.save(tmp_path / "x.npy", np.zeros((1, 4), np.float32))
    answer = ask_apart(
        "run", path, "-i", f"x={tmp_path / 'x.npy'}", "--backend", "numpy", "--allow-python"
    )
    assert answer.code == 0, answer.text


def test_python_that_data_name_is_not_run_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.py").write_text("from pathlib import Path\nPath('was_here').touch()\n")
    path = tmp_path / "a.net"
    path.write_text(
        "dataset rows -> (x: f32[4], y: f32[1]) {\n"
        '  python = "evil:rows"\n}\n'
        "net A(x: f32[N, 4]) -> y: f32[N, 1] {\n  y = dense(x, 1)\n}\n"
        "train t {\n  data = rows() |> batches(2)\n  m = new A()\n"
        "  loss = mean((m(batch.x) - batch.y) ** 2.0)\n  optimizer = sgd(lr=0.1)\n"
        "  run = 1 epochs\n}\n"
    )
    for command in ("check", "summary", "train"):
        answer = ask(command, path)
        assert "Traceback" not in answer.text
    assert answer.code != 0
    assert not list(tmp_path.rglob("was_here")) and not Path("was_here").exists()


def test_independent_errors_are_all_reported_and_their_consequences_are_not(
    tmp_path: Path,
) -> None:
    path = tmp_path / "bad.net"
    path.write_text(
        "net A(x: f32[N, 4]) -> y {\n"
        "  a = dens(x, 2)\n  b = relu(a)\n  c = x |> sigmod\n  d = dense(x, 0)\n"
        "  y = concat([b, c, d], axis=1)\n}\n"
    )
    assert ask("check", path).rules == ["unknown-name", "unknown-name", "out-of-range"]
