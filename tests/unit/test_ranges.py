"""What a training section may ask of optimizers, schedules, transforms and datasets.

Tests ``netlang.prelude`` and ``netlang.evaluate.types.where``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from netlang.diagnostics.render import render
from netlang.program import load

HERE = {
    "data": 'digits("train") |> batches(32)',
    "optimizer": "sgd(0.1)",
    "init": "[]",
    "more": "clip = clip_value(1.0)",
}

REFUSED = [
    (
        "data",
        'mnist("valid") |> batches(9)',
        '`split` of `mnist` must be "train" or "test"',
        '"valid"',
        'split is "valid" here',
    ),
    (
        "data",
        'digits("train") |> map(image=flip(2.0)) |> batches(9)',
        "`p` of `flip` must be at most 1.0",
        "2.0",
        "p is 2 here",
    ),
    (
        "data",
        'digits("train") |> map(image=crop(8, pad=-1)) |> batches(9)',
        "`pad` of `crop` must be at least 0",
        "-1",
        "pad is -1 here",
    ),
    (
        "data",
        'digits("train") |> map(image=rotate(-5.0)) |> batches(9)',
        "`degrees` of `rotate` must be at least 0.0",
        "-5.0",
        "degrees is -5 here",
    ),
    (
        "data",
        'digits("train") |> map(image=erase(scale=(0.5, 0.1))) |> batches(9)',
        "`scale[0]` of `erase` must be at most `scale[1]`",
        "(0.5, 0.1)",
        "scale is (0.5, 0.1) here",
    ),
    (
        "data",
        'digits("train") |> map(image=color_jitter(hue=0.7)) |> batches(9)',
        "`hue` of `color_jitter` must be at most 0.5",
        "0.7",
        "hue is 0.7 here",
    ),
    (
        "data",
        'digits("train") |> map(image=standardize([0.0, 0.0], [1.0])) |> batches(9)',
        "`len(mean)` of `standardize` must be equal to `len(std)`",
        "standardize([0.0, 0.0], [1.0])",
        "mean is [0, 0], std is [1] here",
    ),
    (
        "data",
        "two_moons(0) |> batches(9)",
        "`count` of `two_moons` must be greater than 0",
        "0",
        "count is 0 here",
    ),
    (
        "data",
        "noisy_linear(9, w=[]) |> batches(9)",
        "`len(w)` of `noisy_linear` must be greater than 0",
        "[]",
        "w is [] here",
    ),
    ("optimizer", "adam(-1.0)", "`lr` of `adam` must be greater than 0.0", "-1.0", "lr is -1 here"),
    (
        "optimizer",
        "adam(0.1, beta2=1.0)",
        "`beta2` of `adam` must be less than 1.0",
        "1.0",
        "beta2 is 1 here",
    ),
    (
        "optimizer",
        "sgd(0.1, nesterov=true)",
        "`momentum` of `sgd` must be greater than 0.0 with `nesterov`",
        "sgd(0.1, nesterov=true)",
        "nesterov is true, momentum is 0 here",
    ),
    (
        "optimizer",
        "sgd(0.0 |> cosine(9 epochs))",
        "`lr` of `cosine` must be greater than 0.0",
        "0.0",
        "lr is 0 here",
    ),
    (
        "optimizer",
        "sgd(0.1 |> warmup(0 epochs))",
        "`over` of `warmup` must be greater than `0 steps`",
        "0 epochs",
        "over is 0 epochs here",
    ),
    (
        "optimizer",
        "sgd(0.1, groups=[group(weights(model), lr_scale=-1.0)])",
        "`lr_scale` of `group` must be at least 0.0",
        "-1.0",
        "lr_scale is -1 here",
    ),
    (
        "init",
        "[fill(weights(model), uniform(1.0, -1.0))]",
        "`low` of `uniform` must be at most `high`",
        "uniform(1.0, -1.0)",
        "low is 1, high is -1 here",
    ),
    (
        "init",
        "[fill(weights(model), normal(-0.1))]",
        "`std` of `normal` must be at least 0.0",
        "-0.1",
        "std is -0.1 here",
    ),
    (
        "more",
        "clip = clip_norm(0.0)",
        "`limit` of `clip_norm` must be greater than 0.0",
        "0.0",
        "limit is 0 here",
    ),
    (
        "more",
        "stop = early_stop(acc, patience=0 epochs)",
        "`patience` of `early_stop` must be greater than `0 steps`",
        "0 epochs",
        "patience is 0 epochs here",
    ),
    ("more", "seed = -1", "`seed` must be at least 0", "-1", "this is -1"),
    ("more", "accumulate = 0", "`accumulate` must be at least 1", "0", "this is 0"),
]

ACCEPTED = [
    ("data", 'digits("train") |> map(image=[flip(vertical=true), erase(1.0)]) |> batches(9)'),
    ("optimizer", "sgd(0.1 |> cosine(9 epochs) |> warmup(3 steps), momentum=0.9, nesterov=true)"),
    ("optimizer", "sgd(0.1, groups=[group(weights(model), lr=0.1 |> cosine(3 epochs))])"),
    ("init", "[fill(weights(model), uniform(0.0, 0.0))]"),
    ("more", "seed = 0"),
]


def section(part: str, text: str) -> str:
    given = HERE | {part: text}
    return f"""\
net Tiny(image: f32[N, 1, 8, 8]) -> logits: f32[N, 10] = image |> flatten |> dense(10)

net Moons(x: f32[N, 2]) -> y: f32[N, 2] = dense(x, 2)

train t {{
  data = {given["data"]}
  model = new {"Tiny" if "digits" in given["data"] else "Moons"}()
  logits = model(batch.{"image" if "digits" in given["data"] else "x"})
  acc = accuracy(logits, batch.label)
  loss = cross_entropy(logits, batch.label)
  metrics = [acc]
  init = {given["init"]}
  optimizer = {given["optimizer"]}
  run = 9 epochs
  {given["more"]}
}}
"""


@pytest.mark.parametrize(("part", "text", "message", "place", "here"), REFUSED)
def test_what_makes_no_sense_is_rejected_where_it_stands(
    tmp_path: Path, part: str, text: str, message: str, place: str, here: str
) -> None:
    path = tmp_path / "t.net"
    path.write_text(section(part, text))
    (found,) = load(path).diagnostics.sorted()
    assert (found.rule.code, found.message) == ("out-of-range", message)
    assert found.span.text == place
    assert here in render(found)


@pytest.mark.parametrize(("part", "text"), ACCEPTED)
def test_the_ends_of_a_range_belong_to_it_where_they_work(
    tmp_path: Path, part: str, text: str
) -> None:
    path = tmp_path / "t.net"
    path.write_text(section(part, text))
    assert load(path).diagnostics.sorted() == []


def test_an_extern_op_holds_its_callers_to_its_clauses(tmp_path: Path) -> None:
    path = tmp_path / "t.net"
    path.write_text(
        "extern op soft(x: f32[N, D], p: float) -> y: f32[N, D] where p <= 1.0, D % 2 == 0 {\n"
        '  onnx = "com.example::Soft"\n}\n\n'
        "net One(x: f32[N, 4]) -> y: f32[N, 4] = soft(x, 2.0)\n\n"
        "net Two(x: f32[N, 3]) -> y: f32[N, 3] = soft(x, 1.0)\n"
    )
    assert [d.message for d in load(path).diagnostics.sorted()] == [
        "`p` must be at most 1.0",
        "`D` must be divisible by 2",
    ]
