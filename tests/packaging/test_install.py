"""However netlang is installed, it finds its grammar and its prelude."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
PAGE = ("index.html", "main.js", "main.css", "icon.svg", "highlighting.json", "NOTICES.txt")
"""What ``netlang serve`` serves."""
PROGRAM = """\
net Small(image: f32[N, 1, 8, 8]) -> logits: f32[N, 10] {
  c1 = image |> conv(4, 3, pad=1) |> relu |> max_pool(2)
  logits = c1 |> flatten |> dense(10)
}
"""


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        text=True,
        encoding="utf-8",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the sdist, and the wheel from it, as ``python -m build`` does for a release."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "-o", folder, CHECKOUT, cwd=folder)
    return folder


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """Make a virtual environment that sees the libraries installed here, but not netlang's code.

    A path file adds this environment's folder behind the new one's own; path files in the folder
    itself, such as that of an editable install, are not followed.
    """
    folder = tmp_path / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=tmp_path)
    site = next(folder.glob("lib/python*/site-packages"))
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib"), "utf-8")
    return folder


def installs_and_works(environment: Path, what: str | Path, home: Path, tmp_path: Path) -> None:
    python = environment / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index"]
    editable = ["-e"] if home == CHECKOUT else []
    run(*pip, "--no-deps", "--no-build-isolation", *editable, what, cwd=tmp_path)
    (tmp_path / "small.net").write_text(PROGRAM, "utf-8")
    where = run(python, "-c", "import netlang; print(netlang.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(home)
    said = run(environment / "bin" / "netlang", "check", "small.net", cwd=tmp_path)
    assert said == "small.net: ok (1 net, 690 parameters)\n"


def test_the_wheel_works_where_there_is_not_a_checkout(
    built: Path, environment: Path, tmp_path: Path
) -> None:
    (wheel,) = built.glob("*.whl")
    installs_and_works(environment, wheel, environment, tmp_path)
    find = "from pygments.lexers import get_lexer_by_name as f; print(type(f('net')).__name__)"
    assert run(environment / "bin" / "python", "-c", find, cwd=tmp_path) == "NetlangLexer\n"


def test_the_source_distribution_works_where_there_is_not_a_checkout(
    built: Path, environment: Path, tmp_path: Path
) -> None:
    (sdist,) = built.glob("*.tar.gz")
    installs_and_works(environment, sdist, environment, tmp_path)


def test_an_editable_install_works_from_the_checkout(environment: Path, tmp_path: Path) -> None:
    installs_and_works(environment, CHECKOUT, CHECKOUT, tmp_path)


def test_the_wheel_holds_grammar_and_prelude_and_no_tests(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    library = (CHECKOUT / "netlang" / "prelude").rglob("*.net")
    prelude = {path.relative_to(CHECKOUT).as_posix() for path in library}
    assert "netlang/prelude/std/vision.net" in prelude
    data = {
        "grammars/netlang.lark",
        "prelude/trees.json",
        "syntax/tables.json",
        "editor/words.json",
        "py.typed",
        "cli/shells/netlang.bash",
        "cli/shells/netlang.zsh",
        "cli/shells/netlang.fish",
        *(f"serve/static/{name}" for name in PAGE),
    }
    assert prelude | {f"netlang/{name}" for name in data} <= set(names)
    assert not [name for name in names if name.startswith("tests") or "__pycache__" in name]
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"netlang"}


def test_the_page_in_the_wheel_is_small(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    sizes = {file.filename: file.file_size for file in zipfile.ZipFile(wheel).infolist()}
    page = {name: size for name, size in sizes.items() if name.startswith("netlang/serve/static/")}
    assert page.keys() == {f"netlang/serve/static/{name}" for name in PAGE}
    assert sum(page.values()) <= 1_000_000


def test_the_wheel_says_who_made_it_and_under_which_licenses(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (file,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        metadata = message_from_bytes(archive.read(file))
    assert metadata["Author"] == "The netlang developers"
    assert metadata["License-Expression"] == "Apache-2.0 AND CC-BY-4.0 AND MIT"
    notices = {"LICENSE", "netlang/data/digits.md", "netlang/serve/static/NOTICES.txt"}
    assert set(metadata.get_all("License-File", [])) == notices
    folder = file.removesuffix("METADATA") + "licenses/"
    assert {folder + notice for notice in notices} <= set(names)
    urls = {url.partition(",")[0] for url in metadata.get_all("Project-URL", [])}
    assert urls == {"Homepage", "Documentation", "Issues", "Changelog"}


def test_every_dataset_in_the_wheel_has_its_notice_among_the_licenses(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    data = [name for name in names if name.endswith((".npz", ".npy", ".csv", ".safetensors"))]
    assert data == ["netlang/data/digits.npz"]
    notice = Path(data[0]).with_suffix(".md").as_posix()
    assert any(name.endswith(f".dist-info/licenses/{notice}") for name in names)


def test_the_source_distribution_holds_all_that_its_tests_need(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "README.md", "LICENSE", "pyproject.toml", "grammars/netlang.lark",
        "netlang/prelude/trees.json", "netlang/syntax/tables.json", "netlang/editor/words.json",
        "editors/netlang.tmLanguage.json", "editors/vscode/package-lock.json",
        "web/package-lock.json", "web/src/main.ts", ".ci/web", ".ci/docs",
        "docs/index.md", "docs/site/prepare.py", "docs/howto/train.md", "docs/architecture.svg",
        "examples/data/digit-0.png", "tests/packaging/test_install.py", "CITATION.cff",
        ".pre-commit-hooks.yaml", ".pre-commit-config.yaml", ".github/workflows/ci.yml",
    } <= names  # fmt: skip
