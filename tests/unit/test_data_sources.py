"""Every kind of dataset, opened from a program.

Tests ``netlang.data.sources``, ``netlang.data.opening`` and ``netlang.data.columns``.
"""

from __future__ import annotations

import gzip
import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from datasets import batches_of, pipeline_of, source_of, write_idx
from PIL import Image

from netlang.data.columns import check_classes
from netlang.data.opening import open_examples
from netlang.data.source import Source
from netlang.data.sources import collections
from netlang.data.sources.neighbors import huffman
from netlang.diagnostics.errors import FileError, NetlangError
from netlang.program import load
from netlang.system.files import data_folders
from netlang.system.numpy import Array

RNG = np.random.default_rng(0)
EVERYTHING = slice(None)
DATA, HERE = os.environ.get("NETLANG_DATA", ""), Path.cwd()


@pytest.fixture(autouse=True)
def _no_data_but_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("NETLANG_DATA", raising=False)
    monkeypatch.chdir(tmp_path)


def test_digits_come_with_the_package(tmp_path: Path) -> None:
    train, test = (source_of(tmp_path, f'digits("{split}")') for split in ("train", "test"))
    assert (len(train), len(test)) == (1500, 297)
    rows = train.examples(EVERYTHING)
    assert rows["image"].dtype == np.float32
    assert rows["image"].shape == (1500, 1, 8, 8)
    assert set(np.unique(rows["image"])) == {i / 16 for i in range(17)}
    assert check_classes(train, "label", 10) == ()
    examples = np.load(Path(__file__).parents[2] / "examples/data/digits.npz")
    whole = np.concatenate([rows["image"], test.examples(EVERYTHING)["image"]])
    assert (whole == examples["image"]).all()


# ---- idx ---------------------------------------------------------------------------------


def mnist_files(folder: Path, *, packed: bool, dot: str = "-") -> tuple[np.ndarray, np.ndarray]:
    folder.mkdir(parents=True)
    image = RNG.integers(0, 256, (20, 28, 28), np.uint8)
    label = RNG.integers(0, 10, 20).astype(np.uint8)
    for stem, kind, array in (("images", "idx3", image), ("labels", "idx1", label)):
        path = folder / f"train-{stem}{dot}{kind}-ubyte"
        write_idx(path, array)
        if packed:
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
    return image, label


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("dataset", "folder"), [
    ("mnist", "data/mnist"),
    ("mnist", "home/.local/share/netlang/MNIST/raw"),
    ("fashion_mnist", "data/fashion-mnist"),
    ("fashion_mnist", "data/FashionMNIST/raw"),
])  # fmt: skip
def test_mnist_is_found_where_it_may_lie(
    tmp_path: Path, dataset: str, folder: str, packed: bool
) -> None:
    image, label = mnist_files(tmp_path / folder, packed=packed, dot="-" if packed else ".")
    source = source_of(tmp_path, f'{dataset}("train")')
    rows = source.examples(np.array([3, 0]))
    assert rows["image"].dtype == np.float32
    assert (rows["image"] == image[[3, 0], None] / np.float32(255)).all()
    assert rows["label"].tolist() == label[[3, 0]].tolist()
    assert len(source.names["label"]) == 10


def test_a_variable_names_folders_of_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mnist_files(tmp_path / "elsewhere/mnist", packed=True)
    monkeypatch.setenv("NETLANG_DATA", f"{tmp_path}/nowhere{os.pathsep}{tmp_path}/elsewhere")
    assert len(source_of(tmp_path, 'mnist("train")')) == 20


def test_a_missing_collection_says_what_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # This machine may have the images where the system keeps them.
    fashion = vars(collections)["_FASHION"]
    monkeypatch.setattr(collections, "_FASHION", replace(fashion, system=("/usr/share/nothing",)))
    with pytest.raises(NetlangError) as caught:
        source_of(tmp_path, 'fashion_mnist("train")')
    assert caught.value.rule.code == "data-missing"
    assert caught.value.message == "Fashion-MNIST is not on this machine"
    assert "`apt install dataset-fashion-mnist`" in caught.value.helps[0]
    assert caught.value.notes[-1] == "and in /usr/share/nothing"
    assert caught.value.exit_code == 3


def test_idx_files_can_be_named_by_a_program(tmp_path: Path) -> None:
    image, label = mnist_files(tmp_path / "mine", packed=True)
    source = source_of(
        tmp_path,
        "mine()",
        "dataset mine -> (image: f32[1, 28, 28], label: i64[]) {\n"
        '  idx = ["mine/train-images-idx3-ubyte.gz", "mine/train-labels-idx1-ubyte.gz"]\n}',
    )
    assert (source.examples(EVERYTHING)["image"][:, 0] == image / np.float32(255)).all()
    assert (source.examples(EVERYTHING)["label"] == label).all()


@pytest.mark.slow
def test_fashion_mnist_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETLANG_DATA", DATA)
    monkeypatch.chdir(HERE)
    try:
        source_of(tmp_path, 'fashion_mnist("test")')
    except NetlangError as fault:
        pytest.skip(f"{fault.message}: {fault.helps[0]}")
    for split, count in (("train", 60_000), ("test", 10_000)):
        batches = batches_of(tmp_path, f'fashion_mnist("{split}") |> batches(256, shuffle=true)')
        labels = np.concatenate([b["label"] for b in batches.epoch(0)])
        assert np.bincount(labels).tolist() == [count // 10] * 10


# ---- CIFAR-10 ----------------------------------------------------------------------------


def test_cifar_is_read_from_its_binary_files(tmp_path: Path) -> None:
    folder = tmp_path / "data/cifar-10-batches-bin"
    folder.mkdir(parents=True)
    image = RNG.integers(0, 256, (10, 3, 32, 32), np.uint8)
    label = RNG.integers(0, 10, 10).astype(np.uint8)
    whole = np.concatenate([label[:, np.newaxis], image.reshape(10, -1)], axis=1)
    for i in range(5):
        (folder / f"data_batch_{i + 1}.bin").write_bytes(whole[2 * i : 2 * i + 2].tobytes())
    rows = source_of(tmp_path, 'cifar10("train")').examples(EVERYTHING)
    assert (rows["image"] == image / np.float32(255)).all()
    assert (rows["label"] == label).all()
    with pytest.raises(NetlangError, match="CIFAR-10 is not on this machine"):
        source_of(tmp_path, 'cifar10("test")')


# ---- tables ------------------------------------------------------------------------------

HOUSES = 'dataset houses -> (features: f32[2], price: f32[1]) {{ csv = "houses.csv"{} }}'


@pytest.mark.parametrize(
    "text",
    [
        "1,2,3\n4,5,6.5\n",
        "\ufeffarea,age,cost\r\n1,2,3\r\n\r\n4,5,6.5",
        "price,features.0,features.1\n3,1,2\n6.5,4,5\n",
        'id,features1,price,features2\n7,"1",3e0,+2\n8, 4 ,.65e1,5.\n',
    ],
)
def test_a_table_is_taken_by_name_or_in_order(tmp_path: Path, text: str) -> None:
    (tmp_path / "houses.csv").write_text(text, "utf-8")
    rows = source_of(tmp_path, "houses()", HOUSES.format("")).examples(EVERYTHING)
    assert rows["features"].tolist() == [[1, 2], [4, 5]]
    assert rows["price"].tolist() == [[3], [6.5]]
    assert rows["price"].dtype == np.float32


def test_a_table_can_have_another_separator_and_no_names(tmp_path: Path) -> None:
    (tmp_path / "houses.csv").write_text("1\t2\t3\n4\t5\t6\n")
    fields = '\n separator = "\\t"\n header = false\n normalize = ["features"]'
    rows = source_of(tmp_path, "houses()", HOUSES.format(fields)).examples(EVERYTHING)
    assert rows["features"].tolist() == [[-1, -1], [1, 1]]
    assert rows["price"].tolist() == [[3], [6]]


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("features.0,features.1,price", ""),
        ("price,features0,features1", ""),
        ("", ""),
        ("a,b,price,features1,features2", ""),
        (
            "target,Sepal Length (cm),Petal Width (cm)",
            "`features` is target, Sepal Length (cm); `price` is Petal Width (cm)",
        ),
        ("Price,Features.0,Features.1", ""),
        ("Id,Features 1,Features 2,PRICE", ""),
    ],
)
def test_names_that_are_not_those_of_the_columns_are_reported(
    header: str, told: str, tmp_path: Path
) -> None:
    width = len(header.split(",")) if header else 3
    row = ",".join(map(str, range(1, width + 1)))
    (tmp_path / "houses.csv").write_text(f"{header}\n{row}\n")
    source = source_of(tmp_path, "houses()", HOUSES.format(""))
    path = tmp_path / "houses.csv"
    line = f"{path} names none of the columns, which are taken in order: {told}"
    assert source.remarks() == ((line,) if told else ())


def test_spellings_of_a_header_select_columns_among_others(tmp_path: Path) -> None:
    (tmp_path / "h.csv").write_text("Id,1stFlrSF,GrLivArea,Sale Price\n1,1188,776,173120\n")
    declared = """dataset h -> (gr_liv_area: f32[1], salePrice: f32[]) {
      csv = "h.csv"
      header = true
    }"""
    rows = source_of(tmp_path, "h()", declared).examples(EVERYTHING)
    assert (rows["gr_liv_area"].item(), rows["salePrice"].item()) == (776, 173120)


def test_integers_and_booleans_are_read_as_such(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("label,ok\n7,true\n-3,0\n9007199254740993,False\n")
    rows = source_of(
        tmp_path, "table()", 'dataset table -> (label: i64[], ok: bool[]) { csv = "t.csv" }'
    ).examples(EVERYTHING)
    assert rows["label"].tolist() == [7, -3, 9007199254740993]
    assert rows["ok"].tolist() == [True, False, False]


def test_the_location_of_a_dataset_may_depend_on_its_parameters(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("5\n")
    declared = "dataset table(file: str) -> (x: f32[]) { csv = file }"
    assert source_of(tmp_path, 'table("b.csv")', declared).examples(EVERYTHING)["x"].tolist() == [5]


# ---- arrays ------------------------------------------------------------------------------

POINTS = 'dataset points -> (x: f32[2], label: i64[]) { npz = "points.npz" }'


def test_arrays_are_taken_by_name_and_widened(tmp_path: Path) -> None:
    x, label = RNG.random((6, 2)), np.arange(6, dtype=np.int32)
    np.savez(tmp_path / "points.npz", x=x, label=label, other=np.zeros(3))
    rows = source_of(tmp_path, "points()", POINTS).examples(np.array([5, 1]))
    assert (rows["x"] == x[[5, 1]].astype(np.float32)).all()
    assert rows["label"].tolist() == [5, 1]
    assert rows["label"].dtype == np.int64


def test_each_column_can_be_a_file(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((4, 2), np.float32))
    np.save(tmp_path / "y.npy", np.arange(4))
    declared = 'dataset points -> (x: f32[2], label: i64[]) { npy = ["x.npy", "y.npy"] }'
    assert source_of(tmp_path, "points()", declared).examples(EVERYTHING)["label"].tolist() == [
        0, 1, 2, 3,
    ]  # fmt: skip


def test_bytes_of_images_stay_bytes_in_memory_and_count_to_255(tmp_path: Path) -> None:
    image = RNG.integers(0, 256, (5, 4, 4), np.uint8)
    np.savez(tmp_path / "p.npz", image=image)
    declared = 'dataset p -> (image: f32[1, 4, 4]) { npz = "p.npz" }'
    source = source_of(tmp_path, "p()", declared)
    assert (source.examples(EVERYTHING)["image"][:, 0] == image / np.float32(255)).all()


# ---- images ------------------------------------------------------------------------------


def save(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def test_a_folder_of_images_has_its_folders_as_classes(tmp_path: Path) -> None:
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 0] = 255
    save(tmp_path / "pets/dog/b.png", red)
    save(tmp_path / "pets/cat/a.png", np.full((4, 8), 51, np.uint8))
    save(tmp_path / "pets/cat/c.png", np.full((4, 4), 102, np.uint8))
    source = source_of(tmp_path, 'image_folder("pets", size=4)')
    assert source.names["label"] == ("cat", "dog")
    rows = source.examples(EVERYTHING)
    assert rows["image"].shape == (3, 3, 4, 4)
    assert rows["label"].tolist() == [0, 0, 1]
    assert rows["image"].mean(axis=(2, 3), dtype=np.float64).round(4).tolist() == [
        [0.2, 0.2, 0.2],
        [0.4, 0.4, 0.4],
        [1.0, 0.0, 0.0],
    ]


LEFTOVERS = (
    "._0.png", "cat/._0.png", "cat/.DS_Store", "cat/Thumbs.db", "desktop.ini", ".git/a.png",
    "__MACOSX/cat/._0.png", "cat/@eaDir/0.png/thumb.jpg", "@eaDir/x.jpg", "dog/.hidden.jpg",
)  # fmt: skip


def test_what_systems_leave_behind_is_left_out(tmp_path: Path) -> None:
    for name in ("cat/0.png", "dog/1.PNG"):
        save(tmp_path / "pets" / name, np.zeros((4, 4), np.uint8))
    for name in LEFTOVERS:
        path = tmp_path / "pets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\0\5\x16\7")
    source = source_of(tmp_path, 'image_folder("pets", size=4)')
    assert source.names["label"] == ("cat", "dog")
    assert len(source) == 2
    assert source.remarks() == ()


def test_the_files_that_are_left_out_are_counted(tmp_path: Path) -> None:
    folder = tmp_path / "pets"
    for name in ("cat/0.png", "cat/more/1.png", "2.png"):
        save(folder / name, np.zeros((4, 4), np.uint8))
    (folder / "cat/loop").symlink_to(folder)
    for name in ("cat/3.gif", "cat/4.JFIF", "notes.txt"):
        (folder / name).write_bytes(b"x")
    source = source_of(
        tmp_path, 'image_folder("pets", size=4) |> map(image=[flip()]) |> part(0..0)'
    )
    which = "images end in .png, .jpg, .jpeg, .webp, .bmp, .tif, .tiff"
    which += " and are in the folder of their class"
    assert source.remarks() == (f"5 files in {folder} are left out, such as 2.png: {which}",)
    (folder / "cat/4.JFIF").replace(tmp_path / "4.jfif")
    source = source_of(tmp_path, 'image_folder("pets/cat/more", size=4)')
    assert source.remarks() == ()
    (folder / "cat/more/5.gif").write_bytes(b"x")
    source = source_of(tmp_path, 'image_folder("pets/cat/more", size=4)')
    which = "images end in .png, .jpg, .jpeg, .webp, .bmp, .tif, .tiff"
    assert source.remarks() == (f"1 file in {folder}/cat/more is left out, 5.gif: {which}",)


def test_an_image_is_resized_to_its_shorter_side_and_cropped_in_the_center(tmp_path: Path) -> None:
    wide = np.zeros((8, 24), np.uint8)
    wide[:, 8:16] = 255
    save(tmp_path / "p/wide.png", wide)
    image = source_of(tmp_path, 'image_folder("p", size=4)').examples(EVERYTHING)["image"]
    # Beyond the edges of the white square the filter mixes a little of its neighbors in.
    assert (image[0, :, :, 1:3] == 1).all()
    assert (image > 0.8).all()


# ---- texts -------------------------------------------------------------------------------


def test_windows_follow_each_other_and_targets_are_one_later(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("abcdefghijklmnopqrstuvwxyz")
    source = source_of(tmp_path, 'char_windows("t.txt", length=4)')
    rows = source.examples(np.array([0, 4]))
    assert len(source) == 5
    assert rows["tokens"].tolist() == [[0, 1, 2, 3], [16, 17, 18, 19]]
    assert rows["target"].tolist() == [[1, 2, 3, 4], [17, 18, 19, 20]]
    assert "".join(source.names["tokens"]) == "abcdefghijklmnopqrstuvwxyz"


def test_in_order_a_state_can_be_carried_on(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("".join(chr(0x100 + i) for i in range(100)))
    batches = list(
        batches_of(tmp_path, 'char_windows("t.txt", length=5) |> batches(3, in_order=true)').epoch(
            1
        )
    )
    for before, after in pairwise(batches):
        assert (after["tokens"][:, 0] == before["target"][:, -1]).all()


def test_shuffled_windows_start_elsewhere_in_each_epoch(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("".join(chr(0x100 + i) for i in range(100)))
    batches = batches_of(tmp_path, 'char_windows("t.txt", length=5) |> batches(19, shuffle=true)')
    offsets = [
        {first % 5 for first in next(batches.epoch(epoch))["tokens"][:, 0].tolist()}
        for epoch in range(20)
    ]
    assert all(len(offset) == 1 for offset in offsets)
    assert len(set.union(*offsets)) == 5


def test_letters_and_a_vocabulary_of_another_text(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("Hello,  World! 1898")
    (tmp_path / "v.txt").write_text("the quick brown fox jumps over the lazy dog")
    source = source_of(
        tmp_path, 'char_windows("t.txt", length=6, letters=true, vocabulary="v.txt")'
    )
    names = source.names["tokens"]
    assert len(names) == 27
    assert "".join(names[int(i)] for i in source.examples(EVERYTHING)["tokens"][0]) == "hello "


def written(words: Sequence[str], rows: Array) -> list[list[str]]:
    """Turn rows of indices into their words, without padding."""
    return [" ".join(words[int(i)] for i in row).split() for row in rows]


def test_sentences_are_filled_up_and_marked(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text("Go.\tVa !\nGo on now.\tContinue maintenant, va !\tnote\n")
    source = source_of(tmp_path, 'sentence_pairs("p.txt", vocab=20)')
    rows = source.examples(EVERYTHING)
    from_words, to_words = source.names["src"], source.names["tgt_in"]
    assert written(from_words, rows["src"]) == [["go", ".", ">"], ["go", "on", "now", ".", ">"]]
    assert rows["src_len"].tolist() == [3, 5]
    given, wanted = (written(to_words, rows[name]) for name in ("tgt_in", "tgt_out"))
    assert given == [["<", "va", "!"], ["<", "continue", "maintenant", ",", "va", "!"]]
    assert wanted == [["va", "!", ">"], ["continue", "maintenant", ",", "va", "!", ">"]]
    assert rows["tgt_mask"].sum(axis=1).tolist() == [3, 6]


def test_neighbors_are_those_of_the_line_and_noise_is_not_a_neighbor(tmp_path: Path) -> None:
    words = [f"w{i}" for i in range(30)]
    lines = [" ".join(words[i : i + 6]) for i in range(0, 30, 6)] * 3
    (tmp_path / "p.txt").write_text("\n".join([*lines, "alone"]))
    source = source_of(
        tmp_path, 'skipgram_pairs("p.txt", vocab=40, window=2, negatives=3, subsample=1.0)'
    )
    rows = source.examples(EVERYTHING)
    names = source.names["center"]
    assert len(source) == 90
    assert rows["context"].shape == rows["label"].shape == rows["mask"].shape == (90, 4 * (1 + 3))
    seen = set()
    for center, context, label, mask in zip(*rows.values(), strict=True):
        at = int(names[int(center)][1:])
        true = {int(names[int(c)][1:]) for c in context[label == 1]}
        noise = {names[int(c)] for c in context[(label == 0) & (mask == 1)]}
        assert true
        assert all(n // 6 == at // 6 and 0 < abs(n - at) <= 2 for n in true)
        assert not {f"w{n}" for n in true} & noise
        assert (mask[label == 1] == 1).all()
        seen.add(max(abs(n - at) for n in true))
    assert seen == {1, 2}


def test_frequent_words_are_left_out_more_often(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text("\n".join(["the a b c the d e f the g"] * 300))
    source = source_of(
        tmp_path, 'skipgram_pairs("p.txt", vocab=40, window=2, negatives=1, subsample=0.05)'
    )
    center = source.examples(EVERYTHING)["center"]
    the = source.names["center"].index("the")
    assert 0.35 < (center == the).sum() / 900 < 0.46  # the square root of 0.05 / 0.3


def test_a_bag_of_words_is_what_a_skipgram_has_around_its_center(tmp_path: Path) -> None:
    words = [f"w{i}" for i in range(12)]
    (tmp_path / "p.txt").write_text("\n".join([" ".join(words)] * 4))
    options = '("p.txt", vocab=40, window=2, negatives=3, subsample=1.0)'
    skips = source_of(tmp_path, f"skipgram_pairs{options}").examples(EVERYTHING)
    rows = source_of(tmp_path, f"cbow_pairs{options}").examples(EVERYTHING)
    np.testing.assert_array_equal(rows["around"], skips["context"][:, :4])
    np.testing.assert_array_equal(rows["near"], skips["label"][:, :4])
    np.testing.assert_array_equal(rows["word"][:, 0], skips["center"])
    assert rows["word"].shape == (48, 1 + 3)
    assert rows["label"].tolist() == [[1, 0, 0, 0]] * 48
    noise = rows["word"][:, 1:][rows["mask"][:, 1:] > 0]
    centers = np.repeat(skips["center"][:, np.newaxis], 3, axis=1)[rows["mask"][:, 1:] > 0]
    assert (noise != centers).all()
    assert rows["mask"][:, 0].all()


def test_a_huffman_path_leads_to_the_word_it_is_of(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text("a b\n" * 5 + "a c\n" * 3 + "d e\n")
    source = source_of(tmp_path, 'huffman_pairs("p.txt", vocab=40, window=1, subsample=1e9)')
    rows = source.examples(EVERYTHING)
    tree = [tuple(map(int, node.split())) for node in source.names["code"]]
    words = source.names["center"]
    assert len(tree) == len(words) - 1
    found = set()
    for center, context, nodes, code, mask in zip(*rows.values(), strict=True):
        at = len(words) + len(tree) - 1
        for node, bit in zip(nodes[mask > 0], code[mask > 0], strict=True):
            assert node == at - len(words)
            at = tree[node][int(bit)]
        assert at == context[0]
        found.add((words[int(center)], words[at]))
    assert found == {(a, b) for pair in ("ab", "ac", "de") for a, b in (pair, pair[::-1])}
    depth = {b: int(rows["mask"][rows["center"] == words.index(a)].sum(axis=1).min())
             for a, b in ("ba", "de")}  # fmt: skip
    assert depth["a"] < depth["e"]


def test_a_huffman_tree_merges_the_rarest_words_first() -> None:
    assert huffman([5, 1, 1, 3]) == ("1 2", "4 3", "0 5")
    assert huffman([1]) == ()


def test_words_are_put_in_lower_case_and_reduced_to_letters(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text("It's late, LATE.\nToo late\n")
    read = {
        "": {"It's", "late,", "LATE.", "Too", "late"},
        ", lower=true": {"it's", "late,", "late.", "too", "late"},
        ", letters=true": {"it", "s", "late", "too"},
    }
    for options, words in read.items():
        call = f'skipgram_pairs("p.txt", vocab=9, window=1, negatives=1, subsample=1e9{options})'
        assert {*source_of(tmp_path, call).names["center"]} == {"?", *words}


def test_reviews_have_their_words_and_verdicts(tmp_path: Path) -> None:
    texts = {"train/pos/1": "good good film", "train/neg/1": "bad film", "test/pos/1": "good one",
             "test/neg/1": "bad bad bad film"}  # fmt: skip
    for place, text in texts.items():
        path = tmp_path / f"data/aclImdb/{place}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.with_name(f"._{path.name}").write_bytes(b"\0\5\x16\7\xff")
    source = source_of(tmp_path, 'imdb("test", vocab=5, longest=3)')
    assert source.names["tokens"] == ("", "?", "film", "good", "bad")
    rows = source.examples(EVERYTHING)
    assert rows["tokens"].tolist() == [[4, 4, 4], [3, 1, 0]]
    assert rows["length"].tolist() == [3, 2]
    assert rows["label"].tolist() == [0, 1]


# ---- synthetic ---------------------------------------------------------------------------


def test_linear_data_have_the_weights_they_were_made_with(tmp_path: Path) -> None:
    rows = source_of(tmp_path, "noisy_linear(1000, w=[2.0, -3.4], b=4.2)").examples(EVERYTHING)
    x = np.column_stack([rows["x"], np.ones(1000)])
    found = np.linalg.lstsq(x, rows["y"][:, 0])[0]
    np.testing.assert_allclose(found, [2, -3.4, 4.2], atol=0.01)


def test_a_polynomial_has_its_terms_and_its_weights(tmp_path: Path) -> None:
    text = "noisy_polynomial(200, terms=20, w=[5.0, 1.2, -3.4, 5.6], noise=0.001)"
    rows = source_of(tmp_path, text).examples(EVERYTHING)
    assert rows["x"].shape == (200, 20)
    found = np.linalg.lstsq(rows["x"][:, :4].astype(np.float64), rows["y"][:, 0])[0]
    np.testing.assert_allclose(found, [5, 1.2, -3.4, 5.6], atol=0.01)
    x = rows["x"].astype(np.float64)
    np.testing.assert_allclose(x[:, 3], x[:, 1] ** 3 / 6, atol=1e-5)


def test_clouds_moons_and_waves_are_where_they_should_be(tmp_path: Path) -> None:
    text = "gaussian_clouds(3000, centers=[[0.0, 5.0], [-3.0, 0.0], [9.0, 9.0]], std=0.5)"
    rows = source_of(tmp_path, text).examples(EVERYTHING)
    means = [rows["x"][rows["label"] == i].mean(axis=0) for i in range(3)]
    np.testing.assert_allclose(means, [[0, 5], [-3, 0], [9, 9]], atol=0.08)
    moons = source_of(tmp_path, "two_moons(400, noise=0.0)").examples(EVERYTHING)
    upper = moons["x"][moons["label"] == 0]
    np.testing.assert_allclose(np.linalg.norm(upper, axis=1), 1, atol=1e-6)
    assert upper[:, 1].min() >= 0
    text = "transformed_gaussian(4000, matrix=[[1.0, 2.0], [-0.1, 0.5]], shift=[1.0, 2.0])"
    x = source_of(tmp_path, text).examples(EVERYTHING)["x"].astype(np.float64)
    a = np.array([[1, 2], [-0.1, 0.5]])
    np.testing.assert_allclose(np.cov(x.T), a.T @ a, atol=0.25)
    wave = source_of(tmp_path, "noisy_sine(50, window=4, noise=0.0)").examples(EVERYTHING)
    np.testing.assert_allclose(wave["x"][0], np.sin(0.01 * np.arange(1, 5)), rtol=1e-6)
    np.testing.assert_allclose(wave["y"][:-1, 0], wave["x"][1:, -1])


def test_the_seed_of_synthetic_data_is_their_own(tmp_path: Path) -> None:
    rows = pipeline_of(tmp_path, "two_moons(9) |> batches(3)")
    a, b = (open_examples(rows, root=tmp_path, seed=seed) for seed in (0, 1))
    assert a.fingerprint() == b.fingerprint()
    assert source_of(tmp_path, "two_moons(9, seed=1)").fingerprint() != a.fingerprint()


# ---- python ------------------------------------------------------------------------------

MADE = 'dataset made(n: int) -> (x: f32[2], label: i64[]) { python = "making_rows:load" }'


def test_python_runs_only_where_it_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "making_rows.py").write_text(
        "import numpy as np\nfrom pathlib import Path\nPath('ran').touch()\n"
        "def load(n):\n    return {'x': np.ones((n, 2)), 'label': np.arange(n)}\n"
    )
    with pytest.raises(NetlangError) as caught:
        source_of(tmp_path, "made(3)", MADE)
    assert caught.value.rule.code == "python-not-allowed"
    assert not (tmp_path / "ran").exists()
    assert source_of(tmp_path, "made(3)", MADE, allow_python=True).examples(EVERYTHING)[
        "label"
    ].tolist() == [0, 1, 2]


def test_a_function_that_fails_is_reported_as_it_is(tmp_path: Path) -> None:
    declared = MADE.replace("making_rows:load", "json:loads").replace("n: int", "s: str")
    with pytest.raises(NetlangError, match="`json:loads` failed: JSONDecodeError: Expecting"):
        source_of(tmp_path, 'made("")', declared, allow_python=True)
    with pytest.raises(
        FileError, match="`json:loads` returned list, and examples are a dict of arrays"
    ):
        source_of(tmp_path, 'made("[1]")', declared, allow_python=True)


# ---- what is known of the examples -------------------------------------------------------


def test_a_fingerprint_is_that_of_the_data(tmp_path: Path) -> None:
    prints = []
    for text in ("1,2,3\n", "1,2,4\n", "1,2,3\n"):
        (tmp_path / "houses.csv").write_text(text)
        prints.append(source_of(tmp_path, "houses()", HOUSES.format("")).fingerprint())
    assert prints[0] == prints[2] != prints[1]


def test_classes_without_examples_are_reported(tmp_path: Path) -> None:
    np.savez(tmp_path / "points.npz", x=np.zeros((3, 2)), label=np.array([0, 3, 0]))
    source = source_of(tmp_path, "points()", POINTS)
    assert check_classes(source, "label", 5) == (1, 2, 4)


def test_the_folders_of_data_are_listed_without_a_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOME")
    assert data_folders(tmp_path) == [tmp_path / "data", Path("data")]


@pytest.mark.parametrize("type", ["str", "int", "float", "bool", "[int]", "(int, int)"])
def test_a_column_is_a_tensor_where_it_is_declared(type: str, tmp_path: Path) -> None:
    path = tmp_path / "a.net"
    path.write_text(f'dataset d -> (text: {type}, y: i64[]) {{ csv = "d.csv" }}\n')
    (found,) = load(path).diagnostics.items
    assert (found.rule.code, found.span.text) == ("wrong-type", f"text: {type}")
    assert found.message == "the column `text` of `d` must be a tensor"
    for help in found.helps[:1]:
        written = help.rpartition("write `")[2].strip("`").replace("…", "3")
        path.write_text(f'dataset d -> ({written}, y: i64[]) {{ csv = "d.csv" }}\n')
        assert not load(path).diagnostics.items


@pytest.mark.parametrize(
    "text",
    [
        ",features0,features1,price\n0,1,2,3\n1,4,5,6.5\n",
        "features0,features1,price,\n1,2,3,\n4,5,6.5,\n",
        ",a,b,c\n0,1,2,3\n1,4,5,6.5\n",
    ],
)
def test_a_column_without_a_name_is_an_index_or_the_end(text: str, tmp_path: Path) -> None:
    (tmp_path / "houses.csv").write_text(text)
    rows = source_of(tmp_path, "houses()", HOUSES.format("")).examples(EVERYTHING)
    assert rows["features"].tolist() == [[1, 2], [4, 5]]
    assert rows["price"].tolist() == [[3], [6.5]]


def test_a_line_with_gaps_is_not_a_header(tmp_path: Path) -> None:
    (tmp_path / "houses.csv").write_text(",x,\n1,2,3\n")
    with pytest.raises(FileError, match="nothing is not a number"):
        source_of(tmp_path, "houses()", HOUSES.format(""))


RAGGED = 'dataset d -> (x: i64[T], m: f32[T, 2], y: i64[]) { python = "ragged_rows:load" }'


def test_items_of_different_lengths_are_padded_in_each_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def source(x: str, m: str = "[[[i, 0.5]] * n for i, n in enumerate((1, 3, 0, 2))]") -> Source:
        monkeypatch.delitem(sys.modules, "ragged_rows", raising=False)
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        importlib.invalidate_caches()
        (tmp_path / "ragged_rows.py").unlink(missing_ok=True)
        (tmp_path / "ragged_rows.py").write_text(
            f"def load():\n    return {{'x': {x}, 'm': {m}, 'y': [0, 1, 2, 3]}}\n"
        )
        return source_of(tmp_path, "d()", RAGGED, allow_python=True)

    found = source("[[5], [1, 2, 3], [], [7, 8]]")
    assert len(found) == 4
    rows = found.examples(np.array([3, 0]))
    assert rows["x"].tolist() == [[7, 8], [5, 0]]
    assert rows["x"].dtype == np.int64
    assert rows["m"].tolist() == [[[3, 0.5], [3, 0.5]], [[0, 0.5], [0, 0]]]
    assert rows["m"].dtype == np.float32
    assert rows["y"].tolist() == [3, 0]
    assert found.examples(slice(1, 3))["x"].tolist() == [[1, 2, 3], [0, 0, 0]]
    normalized = RAGGED.replace('"ragged_rows:load"', '"ragged_rows:load"\n normalize = true')
    with pytest.raises(FileError, match="`normalize` is for examples of one length"):
        source_of(tmp_path, "d()", normalized, allow_python=True)
    other = source("[[5], [1, 2, 4], [], [7, 8]]")
    assert other.fingerprint() != found.fingerprint()
    with pytest.raises(FileError, match="differ in length in example 1, counted from 0"):
        source("[[5], [1, 2], [], [7, 8]]")
    with pytest.raises(FileError, match="`x` has 5, `m` has 4"):
        source("[[5], [1, 2], [], [7, 8], [1]]")
    with pytest.raises(FileError, match="`x` of `ragged_rows:load` is f64"):
        source("[[5], [1, 2, 0.5], [], [7, 8]]")
