"""What a training starts from: rules in order, and weights from files.

Tests ``netlang.training.run.initial_parameters``.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from sections import MLP, NORMED, prepared, section, write

from netlang.diagnostics.errors import NetlangError
from netlang.ir.dims import bind
from netlang.training.run.initial_parameters import initial_parameters


def begun(folder: Path, net: str, rules: str, seed: int = 0) -> dict[str, np.ndarray]:
    path = write(folder, section(net, more=f"init = [{rules}]"))
    return initial_parameters(prepared(path).plan, seed, folder)


def test_rules_apply_in_order_to_what_they_select(tmp_path: Path) -> None:
    weights = begun(
        tmp_path, MLP, "fill(weights(model), constant(2.0)), fill(biases(model), 1.0), "
        'fill(pick(model, "h.*"), 3.0)',
    )  # fmt: skip
    assert np.all(weights["model.h.weight"] == 3)
    assert np.all(weights["model.h.bias"] == 3)
    assert np.all(weights["model.logits.weight"] == 2)
    assert np.all(weights["model.logits.bias"] == 1)


def test_the_seed_decides_what_is_sampled(tmp_path: Path) -> None:
    drawn = [begun(tmp_path, MLP, "fill(model, normal(1.0))", seed) for seed in (0, 0, 1)]
    name = "model.h.weight"
    assert np.array_equal(drawn[0][name], drawn[1][name])
    assert not np.array_equal(drawn[0][name], drawn[2][name])


def test_a_part_is_loaded_and_the_rest_is_initialized(tmp_path: Path) -> None:
    stored = {"h.weight": np.ones((16, 64), np.float32), "h.bias": np.zeros(16, np.float32)}
    save_file(stored, tmp_path / "body.safetensors")
    weights = begun(tmp_path, MLP, 'load(model.h, "body.safetensors")')
    assert np.all(weights["model.h.weight"] == 1)
    assert weights["model.logits.weight"].std() > 0


def test_names_of_pytorch_are_understood_where_that_is_said(tmp_path: Path) -> None:
    path = write(tmp_path, section(NORMED))
    names = {p: [bind(d, {}) for d in v.type.shape] for p, v in prepared(path).parameters.items()}
    leaves = {"scale": "weight", "shift": "bias", "mean": "running_mean", "var": "running_var"}
    stored = {
        f"{path.removeprefix('model.').rpartition('.')[0]}."
        f"{leaves.get(path.rpartition('.')[2], path.rpartition('.')[2])}": np.full(
            shape, 0.5, np.float32
        )
        for path, shape in names.items()
    }
    save_file(stored, tmp_path / "theirs.safetensors")
    weights = begun(tmp_path, NORMED, 'load(model, "theirs.safetensors", dialect="torch")')
    assert all(np.all(array == 0.5) for array in weights.values())
    with pytest.raises(NetlangError, match="does not fit"):
        begun(tmp_path, NORMED, 'load(model, "theirs.safetensors")')


def test_weights_that_do_not_fit_are_all_named(tmp_path: Path) -> None:
    save_file({"h.weight": np.ones((3, 64), np.float32)}, tmp_path / "body.safetensors")
    with pytest.raises(NetlangError) as rejected:
        begun(tmp_path, MLP, 'load(model.h, "body.safetensors")')
    assert [note.partition(":")[0] for note in rejected.value.notes] == ["wrong shape", "missing"]


def test_other_names_are_matched_by_kind_and_a_mapping_file(tmp_path: Path) -> None:
    stored = {
        "net.0.weight": np.full((16, 64), 2, np.float32), "net.0.bias": np.zeros(16, np.float32),
        "net.2.weight": np.full((3, 16), 3, np.float32), "net.2.bias": np.ones(3, np.float32),
    }  # fmt: skip
    save_file(stored, tmp_path / "theirs.safetensors")
    weights = begun(tmp_path, MLP, 'load(model, "theirs.safetensors", dialect="auto")')
    assert np.all(weights["model.h.weight"] == 2)
    assert np.all(weights["model.logits.bias"] == 1)
    names = {"weight": "net.0.weight", "bias": "net.0.bias"}
    mapping = {"parameters": names, "unused": ["net.2.weight", "net.2.bias"]}
    (tmp_path / "names.json").write_text(json.dumps(mapping), "utf-8")
    weights = begun(tmp_path, MLP, 'load(model.h, "theirs.safetensors", map="names.json")')
    assert np.all(weights["model.h.weight"] == 2)
    with pytest.raises(NetlangError, match="there is no dialect `keras` of names"):
        begun(tmp_path, MLP, 'load(model, "theirs.safetensors", dialect="keras")')
