"""Batches: their order, their last one, entering an epoch midway, and work in the background.

Tests ``netlang.data.batches`` and ``netlang.data.source``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import batches_of, pipeline_of

from netlang.data.batches import Batches
from netlang.data.opening import open_batches
from netlang.data.source import Arrays, Batch, Chosen, Source
from netlang.diagnostics.errors import FileError
from netlang.ir.types import I64, TensorType

COUNT = 23


def numbered(count: int = COUNT) -> Arrays:
    return Arrays("numbers", {"x": TensorType(I64, ())}, {"x": np.arange(count)})


def seen(batches: Batches, epoch: int = 0, start: int = 0, **how: int) -> list[list[int]]:
    with batches.epoch(epoch, start, **how) as stream:
        return [batch["x"].tolist() for batch in stream]


def test_examples_come_in_order_and_the_last_batch_is_included() -> None:
    batches = Batches(numbered(), 5)
    assert seen(batches) == [
        [0, 1, 2, 3, 4],
        [5, 6, 7, 8, 9],
        [10, 11, 12, 13, 14],
        [15, 16, 17, 18, 19],
        [20, 21, 22],
    ]
    assert (len(batches), batches.examples) == (5, 23)


def test_the_last_batch_can_be_left_out() -> None:
    batches = Batches(numbered(), 5, drop_last=True)
    assert [len(b) for b in seen(batches)] == [5, 5, 5, 5]
    assert (len(batches), batches.examples) == (4, 20)


@pytest.mark.parametrize("drop_last", [False, True])
def test_a_shuffled_epoch_has_every_example_once_in_an_order_of_its_own(drop_last: bool) -> None:
    batches = Batches(numbered(), 5, shuffle=True, drop_last=drop_last)
    epochs = [[row for batch in seen(batches, epoch) for row in batch] for epoch in range(3)]
    for rows in epochs:
        assert len(set(rows)) == len(rows) == (20 if drop_last else COUNT)
    assert len(set(map(tuple, epochs))) == 3


def test_in_order_example_i_continues_example_i() -> None:
    batches = Batches(numbered(), 4, in_order=True)
    assert seen(batches) == [[0, 5, 10, 15], [1, 6, 11, 16], [2, 7, 12, 17], [3, 8, 13, 18],
                             [4, 9, 14, 19]]  # fmt: skip
    assert (len(batches), batches.examples) == (5, 20)


@pytest.mark.parametrize("how", [{"shuffle": True}, {"in_order": True}, {}])
@pytest.mark.parametrize("start", [0, 1, 3, 5])
def test_an_epoch_entered_midway_continues_as_it_would_have(
    how: dict[str, Any], start: int
) -> None:
    batches = Batches(numbered(), 4, seed=3, **how)
    assert seen(batches, 2, start) == seen(batches, 2)[start:]


@pytest.mark.parametrize("how", [{"ahead": 0}, {"ahead": 1}, {"ahead": 9}, {"workers": 3}])
def test_how_batches_are_prepared_changes_nothing(how: dict[str, int]) -> None:
    batches = Batches(numbered(), 4, shuffle=True)
    assert seen(batches, 1, **how) == seen(batches, 1)


def test_fewer_examples_than_a_batch_are_one_smaller_batch() -> None:
    assert seen(Batches(numbered(3), 5, shuffle=True), 0)[0] != []
    assert len(Batches(numbered(3), 5)) == 1


@pytest.mark.parametrize("how", [{"shuffle": True}, {"in_order": True}, {"drop_last": True}, {}])
def test_the_parts_of_a_batch_are_the_batch(how: dict[str, Any]) -> None:
    whole = Batches(numbered(21), 4, seed=3, **how)
    of_two = [list(replace(whole, part=(i, 2)).epoch(1)) for i in range(2)]
    with whole.epoch(1) as stream:
        for number, (batch, *parts) in enumerate(zip(stream, *of_two, strict=True)):
            sizes = [len(part["x"]) if part else 0 for part in parts]
            assert replace(whole, part=(0, 2)).parts(number) == sizes
            assert [x for part in parts if part for x in part["x"]] == list(batch["x"])


@pytest.mark.parametrize("how", [{"in_order": True}, {"drop_last": True}])
def test_no_whole_batch_is_an_error_where_only_whole_ones_count(how: dict[str, Any]) -> None:
    with pytest.raises(FileError, match="has 3 examples, which fill no batch of 5"):
        Batches(numbered(3), 5, **how)


class Slow(Source):
    """Counts the requests; fails at one of them."""

    place = "slow"
    columns: Mapping[str, TensorType]
    names: Mapping[str, Sequence[str]]

    def __init__(self, fails_at: int = -1, pause: float = 0.0) -> None:
        self.columns, self.names = {"x": TensorType(I64, ())}, {}
        self.fails_at, self.pause, self.asked = fails_at, pause, 0

    def __len__(self) -> int:
        return 100

    def examples(self, chosen: Chosen) -> Batch:
        assert isinstance(chosen, slice)
        self.asked += 1
        time.sleep(self.pause)
        if chosen.start == self.fails_at:
            raise FileError("this row is broken")
        return {"x": np.arange(100)[chosen]}

    def fingerprint(self) -> str:
        return ""


def alive() -> int:
    return sum(t.name.startswith("netlang-data") for t in threading.enumerate())


@pytest.mark.parametrize("ahead", [0, 2])
def test_an_error_in_the_background_reaches_the_caller_and_ends_the_work(ahead: int) -> None:
    stream = Batches(Slow(fails_at=30), 10).epoch(0, ahead=ahead)
    assert [len(next(stream)["x"]) for _ in range(3)] == [10, 10, 10]
    with pytest.raises(FileError, match="this row is broken"):
        next(stream)
    assert alive() == 0


def test_no_more_is_prepared_than_was_requested() -> None:
    source = Slow()
    with Batches(source, 10).epoch(0, ahead=3) as stream:
        next(stream)
        time.sleep(0.05)
        assert source.asked <= 4
    assert alive() == 0


def test_batches_are_prepared_while_the_caller_works() -> None:
    source = Slow()
    with Batches(source, 10).epoch(0) as stream:
        next(stream)
        latest = time.monotonic() + 30
        while source.asked < 3 and time.monotonic() < latest:
            time.sleep(0.01)
        assert source.asked >= 3


def test_a_program_says_how_its_examples_are_batched(tmp_path: Path) -> None:
    text = "two_moons(10) |> batches(4, shuffle=true, drop_last=true)"
    batches = batches_of(tmp_path, text, seed=5)
    assert (batches.size, batches.shuffle, batches.drop_last, batches.seed) == (4, True, True, 5)
    assert len(batches) == 2
    assert {n: (b.dtype.name, b.shape) for n, b in next(batches.epoch(0)).items()} == {
        "x": ("float32", (4, 2)),
        "label": ("int64", (4,)),
    }


def test_a_part_has_its_first_and_its_last_row(tmp_path: Path) -> None:
    whole = batches_of(tmp_path, "two_moons(10) |> batches(10)")
    part = batches_of(tmp_path, "two_moons(10) |> part(3..7) |> batches(3)")
    rows = np.concatenate([b["x"] for b in part.epoch(0)])
    assert (rows == next(whole.epoch(0))["x"][3:8]).all()
    whole_labels, labels = whole.source.whole("label"), part.source.whole("label")
    assert whole_labels is not None
    assert labels is not None
    assert labels.tolist() == whole_labels[3:8].tolist()
    assert len(part.source) == 5


def test_a_shuffled_part_has_its_examples_once(tmp_path: Path) -> None:
    whole = batches_of(tmp_path, "two_moons(10) |> batches(10)")
    part = batches_of(tmp_path, "two_moons(10) |> part(3..7) |> batches(3, shuffle=true)")
    rows = np.concatenate([b["x"] for b in part.epoch(0)])
    assert sorted(rows.tolist()) == sorted(next(whole.epoch(0))["x"][3:8].tolist())


def test_a_part_must_be_there(tmp_path: Path) -> None:
    rows = pipeline_of(tmp_path, "two_moons(10) |> part(3..10) |> batches(3)")
    with pytest.raises(FileError, match=r"two_moons has 10 examples.*`part\(3\.\.10\)`"):
        open_batches(rows, tmp_path)
