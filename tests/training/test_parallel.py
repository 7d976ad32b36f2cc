"""A run whose batches several processes divide is that of one process that accumulates gradients.

Tests ``netlang.training.parallel`` and ``netlang.training.run.updates``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plans import plan_of
from ranks_in_threads import Quiet, ThreadRank, train_in_threads
from sections import LENET, MLP, NORMED, gan, section, write
from test_steps import RECURRENT

import netlang
from netlang.diagnostics.errors import FileError, InputError, NetlangError
from netlang.storage.weights import load_weights
from netlang.training.parallel.division import divided
from netlang.training.run.folder import RunFolder
from netlang.training.run.preparation import Choices
from netlang.training.run.runs import Request, train

PLAIN = MLP.replace(" |> dropout(0.3)", "")
WEIGHTED = section(PLAIN, "adam(0.01)").replace(
    "loss = cross_entropy(logits, batch.y)",
    "loss = cross_entropy(logits, batch.y, class_weights=[0.1, 0.7, 1.3])",
)
RANKED = section(PLAIN, "adam(0.01)").replace("[acc]", "[acc, auc(logits, batch.y)]")
CASES = {
    "mlp": section(PLAIN, "adam(0.01)"),
    "dropout": section(MLP, "sgd(lr, momentum=0.9)"),
    "lenet, clipped": section(LENET, "adam(0.01)", "clip = clip_norm(0.1)"),
    "batch norm": section(NORMED, "adamw(0.01)"),
    "class weights": WEIGHTED,
    "metric of all examples": RANKED,
    "accumulating": section(PLAIN, "adam(0.01)", "accumulate = 2"),
    "f64": section(PLAIN, "sgd(lr)", 'precision = "f64"'),
    "carried": RECURRENT.replace("CARRY", "true"),
    "gan": gan(repeat=2),
}  # fmt: skip


def written(folder: Path, text: str) -> Path:
    draw = np.random.default_rng(1)
    folder.mkdir(exist_ok=True)
    letters = draw.integers(0, 7, (16, 6))
    np.savez(folder / "texts.npz", x=letters[:, :-1], y=letters[:, 1:])
    return write(folder, text)


def accumulating(text: str, count: int) -> str:
    """Return the same section for one process, with batches of a K-th of the size."""
    if "in_order" in text:  # the rows of a batch continue in the next one: they stay together
        return text
    before = 2 if "accumulate = 2" in text else 1
    text = text.replace("  accumulate = 2\n", "")
    text = text.replace("batches(16, shuffle", f"batches({16 // count}, shuffle")
    return text.replace("  run = ", f"  accumulate = {before * count}\n  run = ")


def losses(folder: Path) -> list[dict[str, float]]:
    lines = (folder / "steps.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line)["train"] for line in lines]


def parameters(folder: Path) -> dict[str, Any]:
    files = sorted(folder.glob("[!.]*.safetensors"))
    named = (file for file in files if "checkpoint" not in file.name)
    return {f"{f.stem}.{n}": a for f in named for n, a in load_weights(f).items()}


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("name", CASES)
def test_ranks_train_what_one_accumulating_process_trains(
    name: str, count: int, tmp_path: Path
) -> None:
    text = CASES[name]
    several, one = tmp_path / "several", tmp_path / "one"
    train_in_threads(written(tmp_path / "a", text), several, count)
    train_in_threads(written(tmp_path / "b", accumulating(text, count)), one, 1)
    assert len(losses(several)) == len(losses(one)) > 4
    for ours, theirs in zip(losses(several), losses(one), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-5, abs=1e-5)
    for path, array in parameters(one).items():
        # The running statistics are means over the ranks, not one after the other.
        if not path.endswith((".mean", ".var")):
            np.testing.assert_allclose(
                parameters(several)[path], array, rtol=1e-3, atol=1e-4, err_msg=path
            )


def test_running_statistics_are_the_means_of_those_of_the_ranks(tmp_path: Path) -> None:
    text = section(NORMED.replace("conv(4, 3, bias=false) |> batch_norm", "batch_norm"))
    path = written(tmp_path / "a", text.replace("4 epochs", "1 steps"))
    train_in_threads(path, tmp_path / "run", 2)
    from netlang.training.run.preparation import open_data

    data, _ = open_data(plan_of(path, None, {}), Choices(path.parent, 3))
    with data.epoch(0) as stream:
        x = next(stream)["x"].astype(np.float64)
    found = parameters(tmp_path / "run")
    np.testing.assert_allclose(found["model.a.mean"], [0.1 * x.mean()], rtol=1e-5)
    variance = (x[:8].var(ddof=1) + x[8:].var(ddof=1)) / 2
    np.testing.assert_allclose(found["model.a.var"], [0.9 + 0.1 * variance], rtol=1e-5)


def test_an_update_is_one_sum(tmp_path: Path) -> None:
    ranks: list[ThreadRank] = []
    train_in_threads(written(tmp_path / "a", CASES["batch norm"]), tmp_path / "run", 2, ranks=ranks)
    assert [rank.sums for rank in ranks] == [12, 12]


@pytest.mark.parametrize("name", ["dropout", "carried"])
def test_a_resumed_run_of_ranks_is_bit_for_bit_one_that_was_not_interrupted(
    name: str, tmp_path: Path
) -> None:
    path = written(tmp_path / "a", CASES[name])
    train_in_threads(path, tmp_path / "whole", 2)
    steps = 0

    def second_rank_after_three_steps(rank: int) -> bool:
        nonlocal steps
        steps += rank
        return steps > 3

    outcomes = train_in_threads(path, tmp_path / "run", 2, second_rank_after_three_steps)
    assert [outcome.over for outcome in outcomes] == [False, False]
    assert 0 < outcomes[0].step == outcomes[1].step < 8
    train_in_threads(path, tmp_path / "run", 2, resume=True)
    whole, resumed = (
        load_weights(tmp_path / n / "checkpoint.safetensors") for n in ("whole", "run")
    )
    assert whole.keys() == resumed.keys()
    for key, array in whole.items():
        np.testing.assert_array_equal(resumed[key], array, err_msg=key)


@pytest.mark.parametrize(("before", "after"), [(2, 4), (1, 2), (2, 1)])
def test_a_run_that_is_resumed_by_other_ranks_says_so_and_continues(
    before: int, after: int, tmp_path: Path
) -> None:
    path = written(tmp_path / "a", CASES["mlp"])
    train_in_threads(path, tmp_path / "whole", 1)
    steps = 0

    def stop(rank: int) -> bool:
        nonlocal steps
        steps += 1
        return steps > 8

    train_in_threads(path, tmp_path / "run", before, stop)
    said: list[str] = []
    train_in_threads(path, tmp_path / "run", after, resume=True, warn=said.append)
    ranks = {1: "1 rank", 2: "2 ranks", 4: "4 ranks"}
    assert set(said) == {
        f"note: this run had {ranks[before]} and is resumed with {ranks[after]}: what depends on "
        "the parts of a batch differs, such as the statistics of batch norm, dropout, and rounding"
    }
    for ours, theirs in zip(losses(tmp_path / "run"), losses(tmp_path / "whole"), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-5, abs=1e-5)


def test_a_loss_that_is_not_finite_on_one_rank_ends_all_with_its_cause(tmp_path: Path) -> None:
    path = written(tmp_path / "a", CASES["mlp"].replace("shuffle=true", "shuffle=false"))
    rows = dict(np.load(path.parent / "rows.npz"))
    rows["x"][12] = 3e38  # in the second half of the first batch
    np.savez(path.parent / "rows.npz", **rows)
    with pytest.raises(NetlangError) as raised:
        train_in_threads(path, tmp_path / "run", 2)
    assert raised.value.message == "the gradient norm is inf at step 1"


def test_what_is_watched_is_that_of_the_whole_batch(tmp_path: Path) -> None:
    watch = ["gradients", "activations", "logits.bias"]
    for name, count, text in (
        ("a", 2, CASES["mlp"]),
        ("b", 1, accumulating(CASES["mlp"], 2)),
    ):
        path = written(tmp_path / f"of_{name}", text)
        train_in_threads(path, tmp_path / name, count, watch=watch, watch_every=1)
    ours, theirs = (
        [json.loads(line) for line in (tmp_path / name / "watch.jsonl").read_text().splitlines()]
        for name in ("a", "b")
    )
    assert len(ours) == len(theirs) == 13
    for mine, other in zip(ours, theirs, strict=True):
        for kind in ("gradients", "activations"):
            assert mine[kind] == pytest.approx(other[kind], rel=1e-4, abs=1e-6)


def test_batches_that_ranks_cannot_divide_are_an_error(tmp_path: Path) -> None:
    plan = plan_of(written(tmp_path / "a", CASES["mlp"]), None, {})
    assert divided(plan, 1) is plan
    with pytest.raises(NetlangError) as raised:
        divided(plan, 3)
    assert raised.value.message == "batches of 16 examples cannot be divided among 3 ranks"
    assert raised.value.helps == (
        "make the batches larger: `batches(18, …)`",
        "or start fewer processes: `mpiexec -n 2 …`",
    )


class Two:
    """Rank 0 of two, whose other rank answers with what it is given."""

    rank, count, threads = 0, 2, None

    def __init__(self, other: object) -> None:
        self.other = other

    def gather(self, make: Callable[[], Any]) -> list[Any]:
        return [make(), self.other]

    def share(self, make: Callable[[], Any]) -> Any:
        return make()

    def add(self, values: np.ndarray) -> None: ...


def test_ranks_with_different_programs_are_an_error_before_the_first_step(tmp_path: Path) -> None:
    path = written(tmp_path / "a", CASES["mlp"])
    request = Request(lambda values: plan_of(path, None, values), lambda: "text")
    choices = Choices(path.parent, 3, threads=1, ranks=Two({"seed": "4"}))
    with RunFolder(tmp_path / "run") as folder, pytest.raises(NetlangError) as raised:
        train(request, choices, folder, Quiet())
    assert raised.value.message == "rank 1 does not train what rank 0 trains"
    assert "seed: rank 0 has 3, and rank 1 has 4" in raised.value.notes
    assert raised.value.helps == ("copy the program and its data to every machine",)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("of", ["data", "valid"])
def test_a_batch_that_carried_states_do_not_fit_is_an_error_before_the_first_step(
    of: str, count: int, tmp_path: Path
) -> None:
    text = CASES["carried"].replace("(4, in_order=true)", "(6, drop_last=true)")
    all_of_them = f"  {of} = texts() |> batches(6"
    ending = text.replace(f"{all_of_them}, drop_last=true)", f"{all_of_them})")
    path, run = written(tmp_path / "a", ending), tmp_path / "run"
    with pytest.raises(FileError) as raised:
        train_in_threads(path, run, count)
    assert raised.value.message == (
        f"the last batch of `{of}` has 4 of 6 examples, and a state is carried to each of them"
    )
    assert raised.value.helps == (
        "let examples continue those of the batch before: `batches(6, in_order=true)`",
        "or leave the last batch out: `batches(6, drop_last=true)`",
    )
    assert not (run / "checkpoint.safetensors").exists()
    assert train_in_threads(written(tmp_path / "b", text), run, count)[0].over
    if of == "valid":
        with pytest.raises(FileError) as raised:
            netlang.load(path).evaluate(run / "model.safetensors")
        assert raised.value.message.startswith("the last batch of `valid` has 4 of 6 examples")


def test_there_is_one_way_to_train_in_parallel(tmp_path: Path) -> None:
    path = written(tmp_path / "a", CASES["mlp"])
    with pytest.raises(NetlangError) as raised:
        netlang.load(path).train(parallel="threads")  # pyright: ignore
    assert raised.value.message == "`parallel` is `threads`, and can only be `mpi`"


def test_an_error_crosses_processes_with_all_it_says() -> None:
    import pickle

    error = InputError("wrong", notes=["a note"], helps=["a help"])
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is InputError
    assert (copy.message, copy.notes, copy.helps) == (error.message, error.notes, error.helps)
    assert copy.rule.code == error.rule.code
    assert copy.exit_code == error.exit_code


def test_a_run_without_accumulated_gradients_is_resumed_with_them(tmp_path: Path) -> None:
    path = written(tmp_path / "a", CASES["mlp"])
    steps = 0

    def after_three_steps(rank: int) -> bool:
        nonlocal steps
        steps += 1
        return steps > 3

    train_in_threads(path, tmp_path / "run", 1, after_three_steps)
    path.write_text(CASES["mlp"].replace("run = 4", "accumulate = 2\n  run = 4"), "utf-8")
    (outcome,) = train_in_threads(path, tmp_path / "run", 1, resume=True, allowed=["accumulate"])
    assert outcome.over
