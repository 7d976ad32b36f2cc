"""Each command does its work and says so.

Tests ``netlang.cli.commands`` and ``netlang.cli.commands.text``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
from commands import Said, said

EXAMPLES = Path(__file__).parents[2] / "examples"
SMALL = """\
net Small(x: f32[N, 4]) -> y: f32[N, 3] {
  h = x |> dense(8) |> relu
  y = dense(h, 3)
}
"""
CROOKED = SMALL.replace("x |> dense(8)", "x|>dense( 8 )")
TWO = SMALL + SMALL.replace("Small", "Large").replace("dense(8)", "dense(80)")

Netlang = Callable[..., Said]


@pytest.fixture
def netlang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Netlang:
    monkeypatch.chdir(tmp_path)
    for name, text in (("small.net", SMALL), ("crooked.net", CROOKED), ("two.net", TWO)):
        (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "wrong.net").write_text(SMALL.replace("relu", "rellu"), "utf-8")
    (tmp_path / "unused.net").write_text(SMALL.replace("  y =", "  z = relu(h)\n  y ="), "utf-8")
    (tmp_path / "open.net").write_text("net A {", "utf-8")
    np.save(tmp_path / "x.npy", np.arange(8, dtype=np.float32).reshape(2, 4))

    return partial(said, capsys)


# check


def test_check_lists_the_contents_of_a_valid_file(netlang: Netlang) -> None:
    assert netlang("check", "small.net", "two.net") == (
        0,
        "small.net: ok (1 net, 67 parameters)\ntwo.net: ok (2 nets, 710 parameters)\n",
        "",
    )


def test_check_shows_errors_and_exits_with_1(netlang: Netlang) -> None:
    code, out, err = netlang("check", "wrong.net", "small.net")
    assert (code, err) == (1, "")
    assert out.startswith("error[unknown-name]: ")
    assert "  --> wrong.net:2:24\n" in out
    assert "did you mean `relu`?" in out
    assert out.endswith("\nsmall.net: ok (1 net, 67 parameters)\n")


def test_check_treats_warnings_as_errors_only_if_strict(netlang: Netlang) -> None:
    code, out, _ = netlang("check", "unused.net")
    assert (code, out.splitlines()[0][:8]) == (0, "warning[")
    assert out.endswith("\n\nunused.net: ok (1 net, 67 parameters)\n")
    code, out, _ = netlang("check", "--strict", "unused.net")
    assert (code, out.splitlines()[0][:6]) == (1, "error[")
    assert "ok" not in out


def test_check_json_holds_nets_and_diagnostics(netlang: Netlang) -> None:
    code, out, _ = netlang("check", "small.net", "wrong.net", "--json")
    content = json.loads(out)
    assert code == 1
    assert content["files"] == [
        {
            "file": "small.net",
            "ok": True,
            "nets": {
                "Small": {
                    "inputs": {"x": "f32[N, 4]"},
                    "outputs": {"y": "f32[N, 3]"},
                    "trainable_parameters": 67,
                }
            },
        },
        {"file": "wrong.net", "ok": False, "nets": {}},
    ]
    (diagnostic,) = content["diagnostics"]
    assert diagnostic["rule"] == "unknown-name"
    assert (diagnostic["file"], diagnostic["line"], diagnostic["column"]) == ("wrong.net", 2, 24)


def test_a_missing_file_is_a_usage_error(netlang: Netlang) -> None:
    code, out, err = netlang("check", "nowhere.net", "small.net")
    assert (code, err) == (2, "")
    assert out.startswith("error[no-such-file]: there is no file `nowhere.net`\n")
    assert out.endswith("\nsmall.net: ok (1 net, 67 parameters)\n")
    code, out, err = netlang("fmt", "nowhere.net", "crooked.net")
    assert (code, out) == (2, "crooked.net: formatted\n")
    assert err.startswith("error[no-such-file]: ")
    code, _, err = netlang("summary", "nowhere.net")
    assert code == 2
    assert err.startswith("error[no-such-file]: there is no file `nowhere.net`\n")


# fmt


def test_fmt_formats_a_file_once(netlang: Netlang) -> None:
    assert netlang("fmt", "crooked.net", "small.net") == (0, "crooked.net: formatted\n", "")
    assert Path("crooked.net").read_text("utf-8") == SMALL
    assert netlang("fmt", "crooked.net") == (0, "", "")


def test_fmt_check_changes_nothing_and_exits_with_1(netlang: Netlang) -> None:
    assert netlang("fmt", "--check", "crooked.net", "small.net") == (
        1,
        "crooked.net: would change\n",
        "",
    )
    assert Path("crooked.net").read_text("utf-8") == CROOKED


def test_fmt_diff_shows_the_change_and_makes_none(netlang: Netlang) -> None:
    code, out, _ = netlang("fmt", "--diff", "crooked.net")
    assert code == 1
    assert "-  h = x|>dense( 8 ) |> relu\n+  h = x |> dense(8) |> relu\n" in out
    assert Path("crooked.net").read_text("utf-8") == CROOKED


def test_fmt_skips_a_file_with_errors_and_formats_the_others(netlang: Netlang) -> None:
    code, out, err = netlang("fmt", "open.net", "crooked.net")
    assert (code, out) == (1, "crooked.net: formatted\n")
    assert err.startswith("error[")
    assert Path("open.net").read_text("utf-8") == "net A {"


# summary, names


def test_summary_json_is_one_object_with_every_layer(netlang: Netlang) -> None:
    code, out, _ = netlang("summary", "small.net", "--json")
    content = json.loads(out)
    assert code == 0
    assert {
        key: content[key]
        for key in (
            "net",
            "inputs",
            "outputs",
            "trainable_parameters",
            "non_trainable_parameters",
            "macs",
        )
    } == {
        "net": "Small",
        "inputs": {"x": "f32[N, 4]"},
        "outputs": {"y": "f32[N, 3]"},
        "trainable_parameters": 67,
        "non_trainable_parameters": 0,
        "macs": 56,
    }
    assert [
        (r["kind"], r["output"], r["trainable_parameters"], r["macs"]) for r in content["layers"]
    ] == [
        ("dense", "f32[N, 8]", 40, 32),
        ("relu", "f32[N, 8]", 0, 0),
        ("dense", "f32[N, 3]", 27, 24),
    ]


def test_summary_is_a_table(netlang: Netlang) -> None:
    code, out, err = netlang("summary", "small.net")
    assert (code, err) == (0, "")
    assert "67 trainable" in out
    assert "\x1b" not in out


def test_a_file_with_two_nets_requires_a_name(netlang: Netlang) -> None:
    code, _, err = netlang("summary", "two.net")
    assert code == 2
    assert "Small" in err
    assert "Large" in err
    code, _, err = netlang("summary", "two.net", "Smal")
    assert code == 2
    assert "did you mean `Small`?" in err
    assert netlang("summary", "two.net", "Large")[0] == 0


def test_summary_of_a_file_with_errors_shows_them(netlang: Netlang) -> None:
    code, out, err = netlang("summary", "wrong.net")
    assert (code, out) == (1, "")
    assert err.startswith("error[unknown-name]: ")
    code, out, err = netlang("summary", "wrong.net", "--json")
    assert (code, err) == (1, "")
    assert json.loads(out)["diagnostics"][0]["rule"] == "unknown-name"


def test_names_lists_parameters_by_path(netlang: Netlang) -> None:
    assert netlang("names", "small.net") == (
        0,
        "h.weight  [8, 4]\nh.bias  [8]\ny.weight  [3, 8]\ny.bias  [3]\n67 parameters\n",
        "",
    )


def test_names_diff_shows_missing_parameters(netlang: Netlang) -> None:
    np.savez("w.npz", **{"h.weight": np.zeros((8, 5), np.float32), "z": np.zeros(1, np.float32)})
    code, out, _ = netlang("names", "small.net", "--diff", "w.npz")
    assert code == 1
    assert sorted(out.splitlines()) == [
        "different: `h.weight` must be f32[8, 4], is f32[8, 5]",
        "extra: `z` f32[1]",
        "missing: `h.bias` f32[8]",
        "missing: `y.bias` f32[3]",
        "missing: `y.weight` f32[3, 8]",
    ]


# show, explain


def test_show_writes_the_defaults_out(netlang: Netlang) -> None:
    code, out, _ = netlang("show", "small.net")
    assert code == 0
    assert "dense(8, bias=true" in out


def test_show_graph_reads_back(netlang: Netlang) -> None:
    from netlang.ir.text import parse_graph

    code, out, _ = netlang("show", "small.net", "--graph")
    assert code == 0
    assert [v.name for v in parse_graph(out).inputs] == ["x"]


def test_show_after_a_pass_knows_the_passes(netlang: Netlang) -> None:
    assert netlang("show", "small.net", "--after", "eliminate-dead-code")[0] == 0
    code, _, err = netlang("show", "small.net", "--after", "eliminate-dead-cod")
    assert code == 2
    assert "did you mean `eliminate-dead-code`?" in err


@pytest.mark.parametrize("thing", ["shape-mismatch", "dense", "convolve", "residual"])
def test_explain_knows_rules_layers_and_operators(netlang: Netlang, thing: str) -> None:
    code, out, _ = netlang("explain", thing)
    assert code == 0
    assert out.startswith(f"{thing}: ")


def test_explain_suggests_a_similar_name(netlang: Netlang) -> None:
    code, _, err = netlang("explain", "shape-mismach")
    assert code == 2
    assert "did you mean `shape-mismatch`?" in err


def test_explain_shows_the_arithmetic_of_a_layer(netlang: Netlang) -> None:
    Path("c.net").write_text(
        "net C(x: f32[N, 1, 9, 9]) -> y: f32[N, 2, 5, 5] {\n"
        "  y = conv(x, 2, 3, stride=2, pad=1)\n}\n",
        "utf-8",
    )
    code, out, _ = netlang("explain", "c.net", "y")
    assert code == 0
    assert "height    (9 + 2·1 - 3) / 2 + 1 = 5" in out
    assert "params    2·(1·3·3) + 2 = 20" in out
    assert "MACs      2·5·5 outputs · (1·3·3) = 450" in out
    assert "receptive field: 3×3 of the input" in out


# compile, run, verify


def test_compile_writes_a_model_with_the_names_of_the_signature(netlang: Netlang) -> None:
    code, out, _ = netlang("compile", "small.net", "-o", "small.onnx")
    assert code == 0
    assert out.startswith("small.onnx: ")
    model = onnx.load("small.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert [i.name for i in model.graph.input] == ["x"]
    assert [o.name for o in model.graph.output] == ["y"]
    assert {t.name for t in model.graph.initializer} >= {"h.weight", "y.bias"}


def test_compile_does_not_overwrite_the_program(netlang: Netlang) -> None:
    code, _, err = netlang("compile", "small.net", "-o", "./small.net")
    assert code == 2
    assert err.startswith(
        "error[output-is-input]: the output ./small.net would overwrite the input small.net"
    )
    assert Path("small.net").read_text("utf-8") == SMALL


def test_compile_into_a_missing_folder_is_an_error_of_the_environment(netlang: Netlang) -> None:
    code, _, err = netlang("compile", "small.net", "-o", "nowhere/small.onnx")
    assert code == 3
    assert err.startswith("error[cannot-write]: ")


def test_both_backends_compute_the_same(netlang: Netlang) -> None:
    for backend in ("numpy", "onnxruntime"):
        code, _, err = netlang(
            "run", "small.net", "--input", "x=x.npy", "--backend", backend, "-o", f"{backend}.npz"
        )
        assert (code, err) == (0, "")
    one, other = np.load("numpy.npz")["y"], np.load("onnxruntime.npz")["y"]
    assert one.shape == (2, 3)
    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_the_seed_determines_the_parameters(netlang: Netlang) -> None:
    said = [netlang("run", "small.net", "-i", "x=x.npy", "--seed", s)[1] for s in ("1", "1", "2")]
    assert said[0].splitlines()[1:] == said[1].splitlines()[1:] != said[2].splitlines()[1:]
    assert said[0].startswith("Small is untrained: its parameters are random, from seed 1\n")


def test_run_json_holds_the_outputs(netlang: Netlang) -> None:
    code, out, _ = netlang("run", "small.net", "-i", "x=x.npy", "--json")
    content = json.loads(out)
    assert code == 0
    assert content["net"] == "Small"
    assert content["outputs"]["y"]["type"] == "f32[2, 3]"


@pytest.mark.parametrize(
    ("args", "code", "part"),
    [
        (["-i", "y=x.npy"], 1, "`Small` has no input `y`"),
        ([], 1, "no value was given for input `x`"),
        (["-i", "x=nowhere.npy"], 3, "nowhere.npy"),
        (["-i", "x=x.npy", "--provider", "cuda", "--backend", "numpy"], 2, "CPU only"),
        (["-i", "x=x.npy", "--weights", "x.npy"], 1, "x.npy"),
    ],
    ids=["name", "missing", "file", "provider", "weights"],
)
def test_inputs_that_cannot_be_run_are_reported(
    netlang: Netlang, args: list[str], code: int, part: str
) -> None:
    ended, out, err = netlang("run", "small.net", *args)
    assert (ended, out) == (code, "")
    assert err.startswith("error[")
    assert part in err


def test_verify_compares_the_backends(netlang: Netlang) -> None:
    code, out, _ = netlang("verify", "small.net")
    assert code == 0
    assert out.endswith("\nSmall: onnxruntime and NumPy agree\n")
    code, out, _ = netlang("verify", "small.net", "--json")
    content = json.loads(out)
    assert (code, content["ok"], [o["name"] for o in content["outputs"]]) == (0, True, ["y"])


def test_the_digits_of_the_examples_are_classified_correctly(netlang: Netlang) -> None:
    data = EXAMPLES / "data"
    for digit in range(10):
        code, out, _ = netlang(
            "run", str(EXAMPLES / "digits.net"), "-i", f"image={data}/digit-{digit}.png",
            "--weights", str(data / "digits.safetensors"), "--top", "1",
        )  # fmt: skip
        assert code == 0
        assert out.splitlines()[1].startswith(f"  class {digit} ")


def test_the_accuracy_on_unseen_digits_is_as_documented(netlang: Netlang) -> None:
    data = EXAMPLES / "data"
    code, _, _ = netlang(
        "run", str(EXAMPLES / "digits.net"), "-i", f"image={data}/digits.npz",
        "--weights", str(data / "digits.safetensors"), "-o", "scores.npz",
    )  # fmt: skip
    assert code == 0
    guess = np.load("scores.npz")["logits"].argmax(axis=1)
    label = np.load(data / "digits.npz")["label"]
    right = int((guess == label)[1500:].sum())
    assert f"of the last 297 it classifies {right}" in (data / "README.md").read_text("utf-8")
