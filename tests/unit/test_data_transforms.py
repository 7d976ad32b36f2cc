"""Transforms against loops and Pillow, and their draws.

Tests ``netlang.data.transforms`` and ``netlang.data.mapped``.
"""

from __future__ import annotations

from colorsys import hsv_to_rgb, rgb_to_hsv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import PROGRAM, batches_of
from numpy.typing import NDArray
from PIL import Image

from netlang.data.sampling import uniform
from netlang.data.transforms.registry import TRANSFORMS
from netlang.data.transforms.transform import Transform
from netlang.diagnostics.errors import InputError
from netlang.program import load

Floats = NDArray[np.float32]
COUNT = 40


def made(name: str, **given: object) -> Transform:
    return TRANSFORMS[name](**given)


def colored(**given: object) -> Transform:
    unset = dict.fromkeys(("brightness", "contrast", "saturation"))
    return made("color_jitter", **{"strength": 0.0, "hue": 0.0} | unset | given)


def images(rows: int = 7, columns: int = 9, channels: int = 3) -> Floats:
    return np.random.default_rng(0).random((COUNT, channels, rows, columns), np.float32)


def drawn(transform: Transform) -> NDArray[np.float64]:
    return uniform(0, 0, 0, np.arange(COUNT), transform.draws)


def test_flip_mirrors_images_with_its_probability() -> None:
    flip, x = made("flip", p=0.3, vertical=False), images()
    u = drawn(flip)
    y = flip.apply(x, u)
    for before, after, draw in zip(x, y, u[:, 0], strict=True):
        assert (after == (before[:, :, ::-1] if draw < 0.3 else before)).all()
    assert 0 < (u < 0.3).sum() < COUNT


def test_crop_takes_every_position_that_fits() -> None:
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


@pytest.mark.parametrize("crop", [made("crop", size=8, pad=0), made("center_crop", size=8)])
def test_a_crop_larger_than_the_image_is_rejected(crop: Transform) -> None:
    with pytest.raises(InputError, match="requires 8 rows and columns, and the images have 7 by 9"):
        crop.apply(images(), drawn(crop))


@pytest.mark.parametrize("size", [3, 7, 20])
def test_resize_is_that_of_pillow(size: int) -> None:
    resize, x = made("resize", size=size), images()
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
    crop = made("random_resized_crop", size=64, scale=(0.2, 0.5), ratio=(3 / 4, 4 / 3))
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
        ("resize", {"size": 5}),
        ("random_resized_crop", {"size": 5, "scale": (0.3, 1.0), "ratio": (0.75, 1.3)}),
    ):
        transform = made(name, **given)
        y = transform.apply(mask, drawn(transform))
        assert y.shape == (COUNT, 5, 5)
        assert set(np.unique(y)) <= {0, 7}
    assert (made("resize", size=9).apply(mask, drawn(transform)) == mask).all()


def test_color_jitter_stays_in_the_range_and_changes_each_image_its_own_way() -> None:
    jitter, x = colored(strength=0.4), images()
    y = jitter.apply(x, drawn(jitter))
    assert y.min() >= 0
    assert y.max() <= 1
    ratios = y.mean(axis=(1, 2, 3)) / x.mean(axis=(1, 2, 3))
    assert len(np.unique(ratios.round(4))) > COUNT // 2
    assert 0.55 < ratios.min() < 0.8 < 1.1 < ratios.max() < 1.45
    assert (colored(strength=0.0).apply(x, drawn(jitter)) - x).max() < 1e-6


def test_a_vertical_flip_iterations_images_upside_down() -> None:
    flip, x = made("flip", p=1.0, vertical=True), images()
    assert (flip.apply(x, drawn(flip)) == x[:, :, ::-1]).all()


def test_each_color_is_changed_by_its_own_strength() -> None:
    x = images()
    jitter = colored(brightness=0.5)
    u = drawn(jitter)
    wanted = np.clip(x * (0.5 + u[:, 0]).astype(np.float32).reshape(-1, 1, 1, 1), 0, 1)
    np.testing.assert_allclose(jitter.apply(x, u), wanted, atol=1e-6)
    jitter = colored(strength=0.9, contrast=0.0, saturation=0.0, brightness=0.0)
    np.testing.assert_allclose(jitter.apply(x, u), x, atol=1e-6)


def test_a_hue_is_rotated_as_the_standard_library_does_it() -> None:
    jitter, x = colored(hue=0.5), images(3, 4)
    x[0] = 0.25  # a gray has no hue, and stays
    u = drawn(jitter)
    y = jitter.apply(x, u)
    for before, after, draw in zip(x, y, u[:, 3], strict=True):
        for place in np.ndindex(3, 4):
            hue, saturation, value = rgb_to_hsv(*map(float, before[:, *place]))
            wanted = hsv_to_rgb((hue + draw - 0.5) % 1.0, saturation, value)
            np.testing.assert_allclose(after[:, *place], wanted, atol=2e-6)


def test_lighting_moves_all_pixels_of_an_image_by_one_color() -> None:
    light, x = made("lighting", std=0.1), images()
    many = np.repeat(x, 100, axis=0)
    u = uniform(0, 0, 0, np.arange(len(many)), light.draws)
    added = light.apply(many, u) - many
    assert np.ptp(added, axis=(2, 3)).max() < 1e-6
    # Along the first direction of AlexNet's paper, which is nearly gray, colors vary most.
    spread = np.linalg.svd(added[:, :, 0, 0], full_matrices=False)
    np.testing.assert_allclose(np.abs(spread[2][0]), [0.5675, 0.5808, 0.5836], atol=5e-3)
    wanted = 0.1 * np.array([0.2175, 0.0188, 0.0045]) * np.sqrt(len(many))
    np.testing.assert_allclose(spread[1], wanted, rtol=0.05)


def test_lighting_requires_three_channels() -> None:
    light = made("lighting", std=0.1)
    with pytest.raises(InputError, match="is for images of 3 channels, and these have 1"):
        light.apply(images(channels=1), drawn(light))


def test_a_rotation_is_that_of_pillow() -> None:
    rotate, x = made("rotate", degrees=30.0), images(9, 12, 1)
    u = drawn(rotate)
    y = rotate.apply(x, u)
    for before, after, draw in zip(x[:, 0], y[:, 0], u[:, 0], strict=True):
        degrees = 30 * (2 * draw - 1)
        turned = Image.fromarray(before).rotate(degrees, Image.Resampling.BILINEAR)
        # At the edge Pillow leaves a pixel black, or takes it whole, that is partly outside.
        np.testing.assert_allclose(after[3:6, 4:8], np.asarray(turned)[3:6, 4:8], atol=1e-4)


def test_a_quarter_turn_moves_every_pixel() -> None:
    rotate, x = made("rotate", degrees=90.0), images(8, 8)
    assert_allclose = np.testing.assert_allclose
    assert_allclose(rotate.apply(x, np.ones((COUNT, 1))), np.rot90(x, 1, (2, 3)), atol=1e-5)
    mask = np.random.default_rng(0).integers(0, 9, (COUNT, 8, 8))
    assert (rotate.apply(mask, np.zeros((COUNT, 1))) == np.rot90(mask, -1, (1, 2))).all()


def test_what_is_erased_is_one_black_box() -> None:
    erase = made("erase", p=0.6, scale=(0.1, 0.3), ratio=(0.5, 2.0))
    x = images(20, 20) + 0.1
    u = drawn(erase)
    y = erase.apply(x, u)
    for before, after, draw in zip(x, y, u[:, 0], strict=True):
        black = (after == 0).all(axis=0)
        if draw >= 0.6:
            assert (after == before).all()
            continue
        rows, columns = np.flatnonzero(black.any(axis=1)), np.flatnonzero(black.any(axis=0))
        box = np.zeros((20, 20), bool)
        box[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
        assert (black == box).all()
        assert 0.08 < box.mean() < 0.33
        assert 0.4 < len(columns) / len(rows) < 2.4
        assert (after[:, ~box] == before[:, ~box]).all()


def test_standardize_and_rescale_are_their_formulas() -> None:
    x = images()
    mean: Any = [0.1, 0.2, 0.3]
    std: Any = [0.5, 0.6, 0.7]
    y = made("standardize", mean=mean, std=std).apply(x, drawn(made("crop", size=1, pad=0)))
    wanted = (x - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1))
    np.testing.assert_allclose(y, wanted, rtol=1e-5, atol=1e-6)
    z = made("rescale", low=-1.0, high=1.0).apply(x, drawn(made("crop", size=1, pad=0)))
    np.testing.assert_allclose(z, 2 * x - 1, atol=1e-6)


def test_standardize_requires_a_number_for_each_channel() -> None:
    with pytest.raises(InputError, match="has 1 numbers as `mean`, and the images have 3 channels"):
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


def test_each_transform_of_a_list_samples_for_itself(tmp_path: Path) -> None:
    plain = next(batches_of(tmp_path, 'digits("train") |> batches(200)').epoch(0))["image"]
    twice = next(
        batches_of(
            tmp_path, 'digits("train") |> map(image=[flip(), flip()]) |> batches(200)'
        ).epoch(0)
    )["image"]
    turned = (plain != twice).any(axis=(1, 2, 3)).mean()
    assert 0.3 < turned < 0.7


def test_each_epoch_changes_an_image_differently(tmp_path: Path) -> None:
    batches = batches_of(tmp_path, 'digits("train") |> map(image=[flip()]) |> batches(200)')
    first, second = (next(batches.epoch(epoch))["image"] for epoch in (0, 1))
    assert 0.3 < (first != second).any(axis=(1, 2, 3)).mean() < 0.7


def test_an_image_is_changed_the_same_way_in_any_batch(tmp_path: Path) -> None:
    small = batches_of(tmp_path, AUGMENTED.replace("64, shuffle=true", "7"), seed=1)
    large = batches_of(tmp_path, AUGMENTED.replace("64, shuffle=true", "50"), seed=1)
    a, b = (np.concatenate([x["image"] for x in s.epoch(4)]) for s in (small, large))
    assert (a == b).all()


def test_together_samples_once_for_several_columns_and_map_for_each(tmp_path: Path) -> None:
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
    data = f"pairs() |> map(image={steps}, mask={steps}) |> batches(50)"
    apart = batches_of(tmp_path, data, declared)
    batch = next(apart.epoch(0))
    assert ((batch["image"][:, 0] * 1000).astype(np.int64) != batch["mask"]).any()
    path = tmp_path / "checked.net"
    path.write_text(PROGRAM.format(data=data, declared=declared), "utf-8")
    checked = load(path).plans["t"].computation.batch
    for name, type in apart.source.columns.items():
        assert type.shape == checked[name].type.shape[1:]
