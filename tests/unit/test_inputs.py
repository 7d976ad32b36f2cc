"""Inputs from files: images become the tensor a network expects, or are rejected with reasons.

Tests ``netlang.storage.inputs`` and ``netlang.storage.images``.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from networks import N, f32, picture
from PIL import Image

from netlang.diagnostics.errors import (
    ENVIRONMENT,
    USAGE,
    FileError,
    InputError,
    NetlangError,
    TooLargeError,
)
from netlang.ir.dims import symbol
from netlang.ir.graph import Value
from netlang.ir.types import DType
from netlang.storage.images import read_pixels
from netlang.storage.inputs import read_input
from netlang.storage.outputs import write_arrays
from netlang.storage.pixels import Pixels


def saved(path: Path, pixels: object, mode: str | None = None) -> str:
    made = Image.fromarray(np.asarray(pixels, np.uint8))
    (made.convert(mode) if mode else made).save(path)
    return str(path)


GREY = [[0, 51], [102, 255], [153, 204]]


def test_a_gray_image_becomes_one_channel_from_0_to_1(tmp_path: Path) -> None:
    place = saved(tmp_path / "x.png", GREY)
    found = read_input(place, picture(N, 1, 3, 2))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [[[[0, 0.2], [0.4, 1], [0.6, 0.8]]]])
    assert read_input(place, picture(1, 3, 2)).shape == (1, 3, 2)
    assert read_input(place, picture(3, 2)).shape == (3, 2)


def test_a_color_image_becomes_three_channels(tmp_path: Path) -> None:
    place = saved(tmp_path / "x.png", [[[255, 0, 51], [0, 255, 0]]])
    found = read_input(place, picture(N, 3, symbol("H"), symbol("W")))
    np.testing.assert_allclose(found, [[[[1, 0]], [[0, 1]], [[0.2, 0]]]])
    assert read_input(place, picture(N, symbol("C"), 1, 2)).shape == (1, 3, 1, 2)


def test_images_in_other_modes_become_gray_or_rgb(tmp_path: Path) -> None:
    place = saved(tmp_path / "x.png", GREY)
    np.testing.assert_allclose(read_input(place, picture(3, 3, 2))[2], np.array(GREY) / 255)
    coloured = saved(tmp_path / "c.png", [[[255, 255, 255], [0, 0, 0]]], "P")
    np.testing.assert_allclose(read_input(coloured, picture(1, 1, 2)), [[[1, 0]]])
    alpha = saved(tmp_path / "a.png", [[[255, 0, 0, 9], [0, 0, 255, 255]]])
    np.testing.assert_allclose(read_input(alpha, picture(3, 1, 2))[0], [[1, 0]])
    cmyk = saved(tmp_path / "k.jpg", np.full((8, 8, 3), 255), "CMYK")
    assert read_input(cmyk, picture(3, 8, 8)).min() > 0.98


def test_sixteen_bits_per_pixel_keep_their_precision(tmp_path: Path) -> None:
    deep = np.array([[0, 65535, 12345]], np.uint16)
    Image.fromarray(deep).save(tmp_path / "d.png")
    found = read_input(str(tmp_path / "d.png"), picture(1, 1, 3))
    np.testing.assert_allclose(found[0], deep / 65535, rtol=1e-6)


def test_integers_are_not_scaled(tmp_path: Path) -> None:
    place = saved(tmp_path / "x.png", GREY)
    found = read_input(place, picture(1, 3, 2, dtype=DType.U8))
    assert (found.dtype, found.tolist()) == (np.uint8, [GREY])


def test_an_image_of_another_size_is_rejected_unless_it_may_be_scaled(tmp_path: Path) -> None:
    place = saved(tmp_path / "x.png", GREY)
    with pytest.raises(InputError) as caught:
        read_input(place, picture(N, 1, 28, 28))
    assert caught.value.message == (
        f"{place} is 3 rows by 2 columns, and `image` (f32[N, 1, 28, 28]) expects 28 by 28"
    )
    assert caught.value.helps == ("scale it: `--resize`, or `resize=True`",)
    assert read_input(place, picture(N, 1, 28, 28), resize=True).shape == (1, 1, 28, 28)


def test_an_input_that_cannot_be_an_image_is_an_error(tmp_path: Path) -> None:
    place = saved(tmp_path / "x.png", GREY)
    with pytest.raises(InputError, match=r"`image` is f32\[N\], which no image can be"):
        read_input(place, picture(N))
    with pytest.raises(InputError, match="has 4 channels, and an image has 1 or 3"):
        read_input(place, picture(N, 4, 3, 2))


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("side", [10_000, 100_000])
def test_a_huge_image_is_rejected_by_its_header(tmp_path: Path, side: int) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(png(side, side))
    with pytest.raises(TooLargeError):
        read_input(str(path), picture(N, 1, side, side))


def test_a_damaged_image_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    saved(path, np.random.default_rng(0).integers(0, 255, (40, 40)))
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(FileError, match="is a damaged image"):
        read_input(str(path), picture(N, 1, 40, 40))
    path.write_text("just text")
    with pytest.raises(FileError, match="is not a PNG, JPEG, WebP, BMP or TIFF image"):
        read_input(str(path), picture(N, 1, 40, 40))
    Image.new("L", (4, 4)).save(path, "GIF")
    with pytest.raises(FileError, match="is not a PNG, JPEG, WebP, BMP or TIFF image"):
        read_input(str(path), picture(N, 1, 4, 4))


def test_an_animation_is_not_one_image(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    frames = [Image.new("L", (4, 4), c) for c in (0, 255)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    with pytest.raises(FileError, match="holds 2 images"):
        read_input(str(path), picture(N, 1, 4, 4))


def test_without_pillow_the_error_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.delitem(sys.modules, "netlang.storage.images", raising=False)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(NetlangError) as caught:
        read_input(str(tmp_path / "x.png"), picture(N, 1, 4, 4))
    assert caught.value.message.endswith("is an image, and reading images needs Pillow")
    assert caught.value.helps == ('pip install "netlang[images]"',)
    assert caught.value.exit_code == ENVIRONMENT


def test_an_array_is_chosen_from_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, images=np.ones(2), labels=np.zeros(3))
    assert read_input(f"{path}:labels", Value("x", f32(3))).shape == (3,)
    assert read_input(str(path), Value("images", f32(2))).shape == (2,)
    with pytest.raises(FileError) as caught:
        read_input(f"{path}:image", Value("x", f32(3)))
    assert caught.value.message == f"{path} holds no array `image`"
    assert caught.value.helps == (f"did you mean `{path}:images`?",)


def test_an_unknown_format_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(NetlangError, match=r"`x\.csv`: \.csv is not a format of inputs") as caught:
        read_input("x.csv", picture(N))
    assert caught.value.exit_code == USAGE
    with pytest.raises(NetlangError, match="can hold one array, and there are 2: a, b"):
        write_arrays(tmp_path / "y.npy", {"a": np.ones(1), "b": np.ones(1)})


def test_outputs_are_written_as_npy_or_npz(tmp_path: Path) -> None:
    write_arrays(tmp_path / "y.npy", {"a": np.ones(2)})
    write_arrays(tmp_path / "y.npz", {"a": np.ones(2), "b": np.zeros(1)})
    assert np.load(tmp_path / "y.npy").tolist() == [1, 1]
    assert sorted(np.load(tmp_path / "y.npz").files) == ["a", "b"]


def test_warnings_of_pillow_are_hidden(tmp_path: Path) -> None:
    palette = Image.new("P", (2, 2))
    palette.putpalette([0, 0, 0, 255, 255, 255])
    palette.save(tmp_path / "x.png", transparency=b"\x00\x80")
    assert read_input(str(tmp_path / "x.png"), picture(1, 2, 2)).shape == (1, 2, 2)
    notes = Image.Exif()
    notes[0x0112] = 1
    cut = notes.tobytes()[:-9]
    Image.new("L", (2, 2)).save(tmp_path / "y.jpg", exif=cut)
    assert read_input(str(tmp_path / "y.jpg"), picture(1, 2, 2)).shape == (1, 2, 2)


def test_a_strip_is_not_blown_up_to_a_square(tmp_path: Path) -> None:
    place = tmp_path / "strip.png"
    Image.new("L", (60_000, 1)).save(place)
    with pytest.raises(TooLargeError) as caught:
        read_pixels(place, Pixels(3, (224, 224), "crop"))
    assert caught.value.message == (
        f"{place} is 60,000 pixels by 1: with its shorter side of 224 it would have more than "
        "67,108,864"
    )
    assert caught.value.helps == ("cut it nearer to a square",)
