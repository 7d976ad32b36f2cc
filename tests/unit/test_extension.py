"""The extension for VS Code: its manifest, its snippets, and what is built of it.

Tests ``netlang.editor``.
"""

from __future__ import annotations

import json
import re
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from editor_files import EXTENSION, node_modules, npm

import netlang

PROJECT = tomllib.loads((EXTENSION.parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
MANIFEST = json.loads((EXTENSION / "package.json").read_text("utf-8"))
SNIPPETS = json.loads((EXTENSION / "snippets" / "netlang.json").read_text("utf-8"))
CONTEXTS = {
    "for": "net T(x: f32[N, 64]) -> y {\n<snippet>\n  y = relu(h)\n}\n",
    "scan": "net T(start: f32[N, 64], sequence: f32[N, T, 64]) -> y {\n<snippet>\n"
    "  y = relu(last)\n}\n",
    "from": "<snippet>\n\nnet T(x: f32[N, 8, 4, 4]) -> y = residual(x, 8)\n",
    "assert": "<net>\n<snippet>",
    "train": "<net>\n<snippet>",
}
"""What a snippet needs around it to be a program."""


def filled(snippet: dict[str, Any]) -> str:
    """Return a snippet with its placeholders filled in, as the tabulator key leaves them."""
    text = "\n".join(snippet["body"]).replace("$0", "")
    values: dict[str, str] = {}
    while found := re.search(r"\$\{(\d+):((?:[^{}$]|\$\d)*)\}", text):
        values[found[1]] = found[2]
        text = text.replace(found[0], found[2])
    assert set(re.findall(r"\$(\d+)", text)) <= set(values)
    return re.sub(r"\$(\d+)", lambda use: values[use[1]], text)


def paths(value: Any, key: str = "") -> Iterator[str]:
    """Return every relative path in the manifest."""
    match value:
        case dict():
            for name, inner in value.items():
                yield from paths(inner, name)
        case list():
            for inner in value:
                yield from paths(inner, key)
        case str() if value.startswith("./") or (key == "icon" and "/" in value):
            yield value.removeprefix("./")
        case _:
            pass


@pytest.mark.parametrize("name", SNIPPETS)
def test_a_snippet_is_a_program_without_an_error(name: str) -> None:
    snippet = SNIPPETS[name]
    around = CONTEXTS.get(snippet["prefix"], "<snippet>").replace("<net>", filled(SNIPPETS["Net"]))
    program = netlang.loads(around.replace("<snippet>", filled(snippet)))
    assert [d.message for d in program.diagnostics] == []
    assert snippet["description"]


def test_snippets_are_in_the_standard_format() -> None:
    for snippet in SNIPPETS.values():
        if snippet["prefix"] not in CONTEXTS:
            text = filled(snippet) + "\n"
            assert netlang.format(text, "snippet.net") == text


def test_the_manifest_names_only_files_that_exist_or_are_built() -> None:
    built = {"dist/extension.js", "dist/netlang.tmLanguage.json"}
    named = set(paths(MANIFEST))
    assert built < named
    assert [path for path in named - built if not (EXTENSION / path).is_file()] == []


def test_every_command_of_the_manifest_is_registered() -> None:
    code = (EXTENSION / "src" / "extension.ts").read_text("utf-8")
    registered = re.findall(r'registerCommand\("([\w.]+)"', code)
    contributed = [command["command"] for command in MANIFEST["contributes"]["commands"]]
    assert registered == contributed
    menus = MANIFEST["contributes"]["menus"].values()
    assert {entry["command"] for menu in menus for entry in menu} <= set(contributed)


def test_the_extension_is_of_the_same_release_and_repository() -> None:
    assert MANIFEST["version"] == PROJECT["version"]
    assert MANIFEST["repository"]["url"] == f"{PROJECT['urls']['Homepage']}.git"
    assert MANIFEST["bugs"] == PROJECT["urls"]["Issues"]


def test_the_lock_file_belongs_to_the_manifest() -> None:
    lock = json.loads((EXTENSION / "package-lock.json").read_text("utf-8"))
    assert lock["packages"][""]["devDependencies"] == MANIFEST["devDependencies"]
    assert [p for p, entry in lock["packages"].items() if "resolved" in entry] == []


def test_brackets_and_comments_are_those_of_the_language() -> None:
    rules = json.loads((EXTENSION / "language-configuration.json").read_text("utf-8"))
    assert rules["comments"] == {"lineComment": "#"}
    assert sorted(map("".join, rules["brackets"])) == ["()", "[]", "{}"]
    (language,) = MANIFEST["contributes"]["languages"]
    assert language["extensions"] == [".net"]


def test_a_program_is_formatted_when_it_is_saved() -> None:
    """The editor asks the language server, as it does for other languages with one format."""
    defaults = MANIFEST["contributes"]["configurationDefaults"]["[netlang]"]
    assert defaults == {
        "editor.tabSize": 2, "editor.insertSpaces": True, "editor.formatOnSave": True
    }  # fmt: skip


@pytest.mark.slow
def test_the_package_holds_every_file_that_the_manifest_names(tmp_path: Path) -> None:
    assert node_modules().is_dir()
    npm("run", "package", "--", "--out", str(tmp_path / "netlang.vsix"))
    with zipfile.ZipFile(tmp_path / "netlang.vsix") as archive:
        names = {name.removeprefix("extension/") for name in archive.namelist()}
        manifest = json.loads(archive.read("extension/package.json"))
        notices = archive.read("extension/dist/NOTICES.txt").decode()
    assert set(paths(manifest)) <= names | {"dist/extension.js"}
    assert {"dist/extension.js", "LICENSE.txt", "readme.md"} <= names
    assert "vscode-languageclient\n" in notices
    assert not [name for name in names if "node_modules" in name or name.endswith(".ts")]


@pytest.mark.slow
def test_the_built_extension_works_without_a_language_server() -> None:
    assert node_modules().is_dir()
    npm("run", "check")
    npm("run", "build")
    assert re.search(r"^# fail 0$", npm("test"), re.MULTILINE)
