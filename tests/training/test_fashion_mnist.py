"""Ten epochs on Fashion-MNIST end in the range of the published runs.

The ranges are over all runs in the history of Dive into Deep Learning (Zhang et al.), and hold for
the rows that are trained on; those of unseen rows differ more from run to run. The data come with
the package dataset-fashion-mnist, or are in a folder that NETLANG_DATA names.

Tests ``netlang.training``.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from plans import plan_of

from netlang.cli.guard import guarded
from netlang.cli.main import program
from netlang.diagnostics.errors import NetlangError
from netlang.training.run.preparation import Choices, open_data

EXAMPLE = Path(__file__).parents[2] / "examples" / "fashion_mnist.net"

RANGES = {
    "softmax": ((0.447, 0.448), (0.847, 0.849)),
    "mlp": ((0.380, 0.384), (0.864, 0.866)),
    "dropout_mlp": ((0.339, 0.361), (0.868, 0.876)),
    "lenet": ((0.449, 0.525), (0.799, 0.834)),
    "normed_lenet": ((0.258, 0.278), (0.897, 0.905)),
}
ROUNDING = 0.0005
"""The published values have three digits."""


def has_data() -> bool:
    try:
        open_data(plan_of(EXAMPLE, "softmax"), Choices(EXAMPLE.parent))
    except NetlangError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize("section", RANGES)
def test_a_network_ends_where_published_runs_end(section: str, tmp_path: Path) -> None:
    if not has_data():
        pytest.skip("Fashion-MNIST is not on this machine")
    run = tmp_path / "run"
    assert guarded(program, ["train", str(EXAMPLE), section, "--run", str(run)]) == 0
    last = json.loads((run / "log.jsonl").read_text().splitlines()[-1])["train"]
    for name, (least, most) in zip(("loss", "accuracy"), RANGES[section], strict=True):
        assert least - ROUNDING <= last[name] <= most + ROUNDING
