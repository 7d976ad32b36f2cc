"""Every train section of `examples/` starts from the data there, or has a counterpart that does.

Tests ``netlang.training.run.loop``.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import netlang
from netlang.diagnostics import rules

EXAMPLES = Path(__file__).parents[2] / "examples"
SECTIONS = [
    f"{file.stem}:{name}"
    for file in sorted(EXAMPLES.glob("*.net"))
    for name in re.findall(r"^train (\w+)", file.read_text("utf-8"), re.MULTILINE)
]
AIRFOIL = [name for name in SECTIONS if name.startswith("airfoil:")]
CLOTHES = [name for name in SECTIONS if name.startswith("fashion_mnist:")]
MISSING = {
    **dict.fromkeys(AIRFOIL, ("`airfoil_self_noise.dat`", "linear_regression:linear")),
    **dict.fromkeys(CLOTHES, ("`apt install dataset-fashion-mnist`", "digits:digits")),
    "lenet:lenet": ("`apt install dataset-fashion-mnist`", "train_digits:reader"),
    "mlp:mlp": ("`apt install dataset-fashion-mnist`", "train_digits:reader"),
    "softmax_regression:softmax_fmnist": (
        "`apt install dataset-fashion-mnist`", "train_digits:reader"
    ),
    "alexnet:alexnet": ("`imagenet/train`", "shapes:classify"),
    "googlenet:googlenet": ("`imagenet/train`", "shapes:classify"),
    "resnet:resnet50": ("`imagenet/train`", "shapes:classify"),
    "finetune:pets": ("`pets/train`", "shapes:finetune"),
    "dcgan:dcgan": ("`celeba`", "shapes:dcgan"),
    "tour:wgan_like": ("CIFAR-10", "shapes:dcgan"),
    "siamese:siamese": ("`omniglot:pairs`", "shapes:siamese"),
    "unet:unet": ("`carvana:load`", "shapes:segment"),
    "bigru:sentiment": ("`aclImdb`", "shapes:language"),
}  # fmt: skip
"""What the message of a section without its data names, and the section that does the same on data
that comes with the examples."""


def after(steps: int) -> Callable[[], bool]:
    """Return a function that interrupts a run after some steps."""
    left = iter(range(steps))
    return lambda: next(left, None) is None


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the examples, in which nothing has been trained."""
    folder = tmp_path_factory.mktemp("clone") / "examples"
    shutil.copytree(EXAMPLES, folder, ignore=shutil.ignore_patterns("runs", "__pycache__"))
    return folder


@pytest.mark.parametrize("section", sorted({*SECTIONS} - {*MISSING}))
def test_a_section_starts_from_the_data_of_the_examples(
    section: str, copy: Path, tmp_path: Path
) -> None:
    file, name = section.split(":")
    program = netlang.load(copy / f"{file}.net")
    run = program.train(name, folder=tmp_path / "run", interrupted=after(2))
    assert run.step in (1, 2)


@pytest.mark.parametrize("section", sorted(MISSING))
def test_a_section_without_its_data_names_it_and_has_a_counterpart(
    section: str, copy: Path, tmp_path: Path
) -> None:
    named, counterpart = MISSING[section]
    assert counterpart in {*SECTIONS} - {*MISSING}
    file, name = section.split(":")
    try:
        netlang.load(copy / f"{file}.net").forecast(name)
    except netlang.Error as error:
        assert error.rule in (rules.DATA_MISSING, rules.PYTHON_NOT_ALLOWED)
        assert named in "\n".join([str(error), *error.notes, *error.helps])
