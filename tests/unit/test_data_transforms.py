"""Transforms against loops and Pillow, and their draws."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from datasets import batches_of
from numpy.typing import NDArray
from PIL import Image

from netlang.data.draws import uniform
from netlang.data.transforms import Transform, make_transform
from netlang.elaborate.values import Object, Setting
from netlang.faults import BadInput

Floats = NDArray[np.float32]
COUNT = 40


def made(name: str, **given: Object) -> Transform:
    return make_transform(Setting("transform", name, given))


def images(rows: int = 7, columns: int = 9, channels: int = 3) -> Floats:
    return np.random.default_rng(0).random((COUNT, channels, rows, columns), np.float32)


def drawn(transform: Transform) -> NDArray[np.float64]:
    return uniform(0, 0, 0, np.arange(COUNT), transform.draws)


def test_flip_turns_those_round_whose_draw_says_so() -> None:
    flip, x = made("flip_image", p=0.3), images()
    u = drawn(flip)
    y = flip.apply(x, u)
    for before, after, draw in zip(x, y, u[:, 0], strict=True):
        assert (after == (before[:, :, ::-1] if draw < 0.3 else before)).all()
    assert 0 < (u < 0.3).sum() < COUNT


def test_crop_takes_every_place_that_fits() -> None:
    crop, x = made("crop", size=6, pad=2), images()
    y = crop.apply(x, drawn(crop))
    places = set()
    for before, after in zip(np.pad(x, [(0, 0), (0, 0), (2, 2), (2, 2)]), y, strict=True):
        found = [
            (top, left)
            for top in range(6)
            for left in range(8)
            if (before[:, top : top + 6, left : left + 6] == after).all()
        ]
        assert len(found) == 1
        places.update(found)
    assert {top for top, _ in places} == set(range(6))
    assert {left for _, left in places} == set(range(8))


def test_center_crop_takes_the_middle() -> None:
    x = images()
    crop = made("center_crop", size=5)
    assert (crop.apply(x, drawn(crop)) == x[:, :, 1:6, 2:7]).all()


@pytest.mark.parametrize("name", ["crop", "center_crop"])
def test_a_crop_larger_than_the_image_is_refused(name: str) -> None:
    crop = made(name, size=8, pad=0)
    with pytest.raises(BadInput, match="wants 8 rows and columns, and the images have 7 by 9"):
        crop.apply(images(), drawn(crop))


@pytest.mark.parametrize("size", [3, 7, 20])
def test_resize_is_that_of_pillow(size: int) -> None:
    resize, x = made("resize_image", size=size), images()
    y = resize.apply(x, drawn(resize))
    wanted = [[pillow(plane, size) for plane in image] for image in x]
    np.testing.assert_allclose(y, wanted, atol=2e-6)


def pillow(plane: Floats, size: int) -> Floats:
    resized = Image.fromarray(plane).resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(resized)


def test_a_random_crop_is_a_resized_box_as_large_as_said() -> None:
    """A ramp tells the box: its first and last values are those of the box's edges."""
    rows, columns = np.meshgrid(np.arange(64.0), np.arange(64.0), indexing="ij")
    ramps = np.broadcast_to(np.stack([rows, columns]).astype(np.float32), (COUNT, 2, 64, 64))
    crop = made("random_resized_crop", size=64, scale=(0.2, 0.5))
    y = crop.apply(ramps, drawn(crop))
    assert y.shape == (COUNT, 2, 64, 64)
    heights = (y[:, 0, 48, 0] - y[:, 0, 16, 0]) * 2
    widths = (y[:, 1, 0, 48] - y[:, 1, 0, 16]) * 2
    shares = heights * widths / 64**2
    assert shares.min() > 0.18
    assert shares.max() < 0.52
    assert 0.7 < (widths / heights).min() < 0.85
    assert 1.2 < (widths / heights).max() < 1.4


def test_the_labels_of_a_mask_are_never_mixed() -> None:
    mask = np.random.default_rng(0).choice(np.array([0, 7]), (COUNT, 9, 9))
    for name, given in (
        ("resize_image", {"size": 5}),
        ("random_resized_crop", {"size": 5, "scale": (0.3, 1.0)}),
    ):
        transform = made(name, **given)
        y = transform.apply(mask, drawn(transform))
        assert y.shape == (COUNT, 5, 5)
        assert set(np.unique(y)) <= {0, 7}
    assert (made("resize_image", size=9).apply(mask, drawn(transform)) == mask).all()


def test_color_jitter_keeps_to_the_range_and_changes_each_image_its_own_way() -> None:
    jitter, x = made("color_jitter", strength=0.4), images()
    y = jitter.apply(x, drawn(jitter))
    assert y.min() >= 0
    assert y.max() <= 1
    ratios = y.mean(axis=(1, 2, 3)) / x.mean(axis=(1, 2, 3))
    assert len(np.unique(ratios.round(4))) > COUNT // 2
    assert 0.55 < ratios.min() < 0.8 < 1.1 < ratios.max() < 1.45
    assert (made("color_jitter", strength=0.0).apply(x, drawn(jitter)) - x).max() < 1e-6


def test_standardize_and_rescale_are_their_formulas() -> None:
    x = images()
    mean, std = [0.1, 0.2, 0.3], [0.5, 0.6, 0.7]
    y = made("standardize", mean=mean, std=std).apply(x, drawn(made("crop", size=1, pad=0)))
    wanted = (x - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1))
    np.testing.assert_allclose(y, wanted, rtol=1e-5, atol=1e-6)
    z = made("rescale", low=-1.0, high=1.0).apply(x, drawn(made("crop", size=1, pad=0)))
    np.testing.assert_allclose(z, 2 * x - 1, atol=1e-6)


def test_standardize_wants_a_number_for_each_channel() -> None:
    with pytest.raises(BadInput, match="has 1 numbers as `mean`, and the images have 3 channels"):
        made("standardize", mean=[0.0], std=[1.0]).apply(images(), np.zeros((COUNT, 0)))


AUGMENTED = 'digits("train") |> map(image=[crop(8, pad=2), flip()]) |> batches(64, shuffle=true)'


def test_augmentation_depends_on_seed_and_epoch_and_not_on_the_way_there(tmp_path: Path) -> None:
    batches = batches_of(tmp_path, AUGMENTED, seed=1)
    first = [b["image"] for b in batches.epoch(1)]
    again = [b["image"] for b in batches.epoch(1, 3, workers=2)]
    assert all((a == b).all() for a, b in zip(first[3:], again, strict=True))
    alone = batches.source
    assert (next(batches.epoch(2))["image"] != first[0]).any()
    other = batches_of(tmp_path, AUGMENTED, seed=2)
    assert (next(other.epoch(1))["image"] != first[0]).any()
    assert len(alone) == 1500


def test_each_transform_of_a_list_draws_for_itself(tmp_path: Path) -> None:
    plain = next(batches_of(tmp_path, 'digits("train") |> batches(200)').epoch(0))["image"]
    twice = next(
        batches_of(
            tmp_path, 'digits("train") |> map(image=[flip(), flip()]) |> batches(200)'
        ).epoch(0)
    )["image"]
    turned = (plain != twice).any(axis=(1, 2, 3)).mean()
    assert 0.3 < turned < 0.7


def test_each_epoch_changes_an_image_anew(tmp_path: Path) -> None:
    batches = batches_of(tmp_path, 'digits("train") |> map(image=[flip()]) |> batches(200)')
    first, second = (next(batches.epoch(epoch))["image"] for epoch in (0, 1))
    assert 0.3 < (first != second).any(axis=(1, 2, 3)).mean() < 0.7


def test_an_image_is_changed_the_same_way_in_any_batch(tmp_path: Path) -> None:
    small = batches_of(tmp_path, AUGMENTED.replace("64, shuffle=true", "7"), seed=1)
    large = batches_of(tmp_path, AUGMENTED.replace("64, shuffle=true", "50"), seed=1)
    a, b = (np.concatenate([x["image"] for x in s.epoch(4)]) for s in (small, large))
    assert (a == b).all()


def test_together_draws_once_for_several_columns_and_map_for_each(tmp_path: Path) -> None:
    image = np.random.default_rng(0).random((50, 1, 8, 8), np.float32)
    mask = (image[:, 0] * 1000).astype(np.int64)
    np.savez(tmp_path / "pairs.npz", image=image, mask=mask)
    declared = """dataset pairs -> (image: f32[1, 8, 8], mask: i64[8, 8]) { npz = "pairs.npz" }"""
    steps = "[flip(), crop(6, pad=1)]"
    joint = batches_of(
        tmp_path, f'pairs() |> together(["image", "mask"], {steps}) |> batches(50)', declared
    )
    batch = next(joint.epoch(0))
    assert ((batch["image"][:, 0] * 1000).astype(np.int64) == batch["mask"]).all()
    apart = batches_of(
        tmp_path, f"pairs() |> map(image={steps}, mask={steps}) |> batches(50)", declared
    )
    batch = next(apart.epoch(0))
    assert ((batch["image"][:, 0] * 1000).astype(np.int64) != batch["mask"]).any()
    assert dict(apart.source.columns) == {
        n: t.with_shape(*t.shape[1:]) for n, t in rows_columns(tmp_path, steps, declared).items()
    }


def rows_columns(folder: Path, steps: str, declared: str):
    from datasets import rows_of

    data = f"pairs() |> map(image={steps}, mask={steps}) |> batches(50)"
    return rows_of(folder, data, declared).columns
