"""Files that other tools read say what is so: hooks, the workflow, templates, versions."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from netlang.cli.main import program

CHECKOUT = Path(__file__).parents[2]
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
PYTHONS = re.findall(r":: (3\.\d+)$", "\n".join(PROJECT["classifiers"]), re.MULTILINE)
TEMPLATES = sorted((CHECKOUT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


def read(path: str | Path) -> Any:
    return yaml.safe_load((CHECKOUT / path).read_text("utf-8"))


OFFERED = read(".pre-commit-hooks.yaml")
OURS = [hook for repo in read(".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]


def test_hooks_are_offered_for_formatting_and_checking() -> None:
    assert [hook["id"] for hook in OFFERED] == ["netlang-fmt", "netlang-check"]
    assert {hook["language"] for hook in OFFERED} == {"python"}
    assert {hook["id"] for hook in OFFERED} <= {hook["id"] for hook in OURS}


@pytest.mark.parametrize("hook", [*OFFERED, *OURS], ids=lambda hook: hook["entry"])
def test_a_hook_calls_a_command_that_exists(hook: dict[str, Any]) -> None:
    script, *arguments = shlex.split(hook["entry"])
    tool = Path(script).name
    if tool != "netlang":
        assert any(needed.startswith(tool) for needed in PROJECT["optional-dependencies"]["test"])
        return
    assert tool in PROJECT["scripts"]
    command = program.get_command(click.Context(program), arguments[0])
    assert command is not None
    assert {name for option in command.params for name in option.opts} >= {"files", *arguments[1:]}


@pytest.mark.parametrize("hook", OFFERED, ids=lambda hook: hook["id"])
def test_an_offered_hook_runs_on_programs_and_nothing_else(hook: dict[str, Any]) -> None:
    files = ["lenet.net", "nets/deep/a.net", "a.network", "net", "a.net.txt", "dotnet", "a.onnx"]
    assert [name for name in files if re.search(hook["files"], name)] == files[:2]


def test_the_workflow_runs_the_whole_check_on_every_python_that_is_promised() -> None:
    text = (CHECKOUT / ".github/workflows/ci.yml").read_text("utf-8")
    workflow = read(".github/workflows/ci.yml")
    (job,) = workflow["jobs"].values()
    assert job["strategy"]["matrix"]["python"] == PYTHONS == ["3.11", "3.12", "3.13", "3.14"]
    assert PROJECT["requires-python"] == f">={PYTHONS[0]}"
    assert job["steps"][-1] == {"run": ".ci/run"}
    assert workflow["permissions"] == {"contents": "read"}
    assert job["timeout-minutes"] <= 60
    actions = re.findall(r"uses: (.*)", text)
    assert [name for name in actions if not re.fullmatch(r"actions/[\w-]+@v\d+", name)] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_a_form_for_issues_is_complete(path: Path) -> None:
    form = read(path)
    if path.stem == "config":
        assert form["blank_issues_enabled"] is False
        return
    assert form.keys() == {"name", "description", "labels", "body"}
    assert all(field["attributes"]["label"] for field in form["body"])
    ids = [field["id"] for field in form["body"]]
    assert len(set(ids)) == len(ids)
    assert path.stem != "bug" or {"program", "command", "output", "version", "system"} <= set(ids)


def test_every_file_names_the_same_release() -> None:
    changes = (CHECKOUT / "CHANGELOG.md").read_text("utf-8")
    unreleased, latest, *_ = re.findall(r"^## (.*)$", changes, re.MULTILINE)
    citation = read("CITATION.cff")
    assert unreleased == "Unreleased"
    assert latest == f"{PROJECT['version']} ({citation['date-released']})"
    assert citation["version"] == PROJECT["version"]
    assert citation["authors"] == PROJECT["authors"]


def test_every_address_of_the_project_is_in_one_repository() -> None:
    home = PROJECT["urls"]["Homepage"]
    contact = read(".github/ISSUE_TEMPLATE/config.yml")["contact_links"][0]["url"]
    assert read("CITATION.cff")["repository-code"] == home
    assert all(url.startswith(home) for url in [*PROJECT["urls"].values(), contact])
