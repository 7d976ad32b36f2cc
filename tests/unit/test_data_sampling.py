"""Draws are Philox's, and depend on seed, epoch, site and row alone."""

from __future__ import annotations

import numpy as np
import pytest

from netlang.data.sampling import philox, shuffled, uniform

# The known answers that Random123 publishes with the generator.
ANSWERS = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    (
        (0xFFFFFFFF,) * 4,
        (0xFFFFFFFF,) * 2,
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "answer"), ANSWERS)
def test_philox_gives_the_known_answers(
    counter: tuple[int, ...], key: tuple[int, int], answer: tuple[int, ...]
) -> None:
    words = philox(np.array([counter], np.uint32), key[0] | key[1] << 32)
    assert tuple(words[0].tolist()) == answer


def test_an_example_samples_the_same_in_every_batch() -> None:
    together = uniform(7, 3, 2, np.array([4, 9, 1]), 6)
    alone = uniform(7, 3, 2, np.array([9]), 6)
    assert (together[1] == alone[0]).all()


@pytest.mark.parametrize("change", ["seed", "epoch", "site", "row"])
def test_everything_a_sample_depends_on_changes_it(change: str) -> None:
    given = {"seed": 1, "epoch": 2, "site": 3, "row": 4}
    other = given | {change: 1_000}
    a, b = (
        uniform(g["seed"], g["epoch"], g["site"], np.array([g["row"]]), 5) for g in (given, other)
    )
    assert (a != b).all()


def test_samples_fill_the_unit_interval_evenly() -> None:
    u = uniform(0, 0, 0, np.arange(20_000), 5)
    assert u.min() >= 0
    assert u.max() < 1
    counts = np.histogram(u, bins=10, range=(0, 1))[0]
    assert abs(counts - 10_000).max() < 400


def test_a_shuffle_is_a_permutation_of_its_own_for_each_epoch_and_seed() -> None:
    orders = [tuple(shuffled(seed, epoch, 50)) for seed in (0, 1) for epoch in (0, 1)]
    assert all(sorted(order) == list(range(50)) for order in orders)
    assert len(set(orders)) == 4


def test_a_shuffle_is_pinned_so_that_runs_can_be_repeated_later() -> None:
    assert shuffled(0, 0, 8).tolist() == PINNED


PINNED = [2, 7, 5, 1, 0, 4, 6, 3]


def test_no_order_follows_what_synthetic_examples_are_sampled_from() -> None:
    for seed in (0, 7):
        drawn = np.random.Philox(key=seed).random_raw(50)
        orders = [tuple(shuffled(seed, epoch, 50)) for epoch in range(3)]
        assert tuple(np.argsort(drawn, kind="stable")) not in orders
