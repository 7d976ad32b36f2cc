"""Every optimizer ends where least squares do: `examples/airfoil.net`, on a file of its form.

Tests ``netlang.training``.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from netlang.cli.guard import guarded
from netlang.cli.main import program

EXAMPLE = Path(__file__).parents[2] / "examples" / "airfoil.net"
SECTIONS = [
    "small_batches", "large_batches", "single_rows", "gradient_descent", "momentum", "nesterov",
    "adagrad", "rmsprop", "adadelta", "adam", "adamw",
]  # fmt: skip
ROWS, USED = 1503, 1500


def write_rows(folder: Path) -> float:
    """Write rows in measures as different as those of the real file; return their least loss."""
    draw = np.random.default_rng(0)
    mixed = draw.normal(size=(ROWS, 5)) @ (np.eye(5) + 0.15 * draw.normal(size=(5, 5)))
    features = mixed * [3000, 6, 0.1, 15, 0.01] + [2900, 7, 0.14, 51, 0.011]
    noise = 125 + 7 * (mixed @ [0.6, -0.5, 0.3, 0.1, -0.4] + draw.normal(size=ROWS))
    table = np.column_stack([features, noise])
    lines = ["\t".join(f"{value:.6g}" for value in row) for row in table]
    (folder / "airfoil_self_noise.dat").write_text("\r\n".join(lines) + "\r\n", newline="")
    read = np.array([[float(cell) for cell in line.split("\t")] for line in lines])
    used = read[:USED]
    standard = (used - used.mean(axis=0)) / used.std(axis=0)
    x = np.column_stack([standard[:, :5], np.ones(USED)])
    left = standard[:, 5] - x @ np.linalg.lstsq(x, standard[:, 5])[0]
    return float((left**2).mean() / 2)


@pytest.fixture(scope="module")
def floor(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    folder = tmp_path_factory.mktemp("airfoil")
    return folder, write_rows(folder)


@pytest.mark.parametrize("section", SECTIONS)
def test_an_optimizer_ends_where_least_squares_do(
    section: str, floor: tuple[Path, float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, least = floor
    monkeypatch.setenv("NETLANG_DATA", str(folder))
    run = tmp_path / "run"
    assert guarded(program, ["train", str(EXAMPLE), section, "--run", str(run)]) == 0
    last = json.loads((run / "log.jsonl").read_text().splitlines()[-1])["valid"]["loss"]
    assert last > least - 1e-6
    assert last < 1.05 * least


def test_every_section_is_tested() -> None:
    lines = EXAMPLE.read_text("utf-8").splitlines()
    assert [line.split()[1] for line in lines if line.startswith("train ")] == SECTIONS


MISSING = """\
error[data-missing]: there is no `airfoil_self_noise.dat`
   |
   = note: looked for in {examples}, {folder}/nowhere, {examples}/data, data, \
{folder}/.local/share/netlang
   = help: Airfoil self-noise (NASA, 1989): `airfoil_self_noise.dat` of \
https://archive.ics.uci.edu/dataset/291
"""


def test_a_missing_file_is_reported_with_where_it_comes_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NETLANG_DATA", str(tmp_path / "nowhere"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert guarded(program, ["train", str(EXAMPLE), "adam"]) == 3
    expected = MISSING.format(folder=tmp_path, examples=EXAMPLE.parent)
    assert capsys.readouterr().err == expected
