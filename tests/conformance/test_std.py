"""Networks built of the standard library's blocks have the published weights and multiply-adds."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from netlang.analysis.counts import macs, trained
from netlang.inference.verification import verify
from netlang.program import Program, load

DATA = Path(__file__).parents[1] / "data"
REFERENCE = json.loads((DATA / "networks.json").read_text("utf-8"))
PUBLISHED = {
    "ResNet18": "torchvision/resnet18",
    "ResNet50": "torchvision/resnet50",
    "DenseNet121": "torchvision/densenet121",
    "MobileNet": "keras/MobileNet",
    "EfficientNetB0": "torchvision/efficientnet_b0",
}


@cache
def program(file: str) -> Program:
    return load(DATA / "std" / file)


@pytest.mark.parametrize("path", sorted((DATA / "std").glob("*.net")), ids=lambda p: p.stem)
def test_the_weights_a_program_states_are_its_weights(path: Path) -> None:
    assert program(path.name).diagnostics.items == []


@pytest.mark.parametrize(("net", "reference"), PUBLISHED.items())
def test_a_network_of_library_blocks_equals_the_published_one(net: str, reference: str) -> None:
    (home,) = [
        p for f in ("residual.net", "mobile.net", "joined.net") if net in (p := program(f)).nets
    ]
    graph, expected = home.net(net).graph, REFERENCE[reference]
    assert (trained(graph), macs(graph)) == (expected["params"], expected["macs"])


def test_every_block_computes_the_same_on_both_back_ends() -> None:
    compared = verify(program("small.net").net("Small").graph)
    assert [c.name for c in compared] == ["a", "b"]
    assert [c for c in compared if not c.ok] == []


def test_every_block_of_the_library_is_in_a_network() -> None:
    import netlang.program

    library = Path(netlang.program.__file__).parent / "prelude" / "std" / "vision.net"
    lines = library.read_text("utf-8").splitlines()
    blocks = {line.split()[1].partition("(")[0] for line in lines if line.startswith("block ")}
    imported = (DATA / "std" / "small.net").read_text("utf-8")
    # `dense_layer` is the part that `dense_block` repeats.
    assert {b for b in blocks if b not in imported} == {"dense_layer"}
