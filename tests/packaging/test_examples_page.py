"""``examples/README.md`` lists every example by topic, as it is now; ``--update`` writes it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from checked import checked

from netlang.analysis import counts
from netlang.analysis.counts import grouped
from netlang.program import Program

EXAMPLES = Path(__file__).parents[2] / "examples"
PAGE = EXAMPLES / "README.md"
TOPICS = {
    "First steps": "tour digits train_digits neurons perceptron mlp linear_regression "
    "softmax_regression regressions nearest_neighbors edge",
    "Images: classification": "lenet lenet_v1 batch_norm_lenet fashion_mnist alexnet alexnet_book "
    "alexnet_torchvision vgg vgg_book nin googlenet googlenet_book googlenet_torchvision "
    "inception_v3 resnet resnet_book densenet densenet_book squeezenet mobilenet efficientnet "
    "regnet finetune augmentation named_images siamese shapes",
    "Images: segmentation": "unet segmentation",
    "Images: generation": "gan gradient_penalty dcgan",
    "Sequences and text": "recurrent_by_hand language_models time_machine char_lstm bigru word2vec "
    "seq2seq translation transformer gpt2",
    "Optimizers": "airfoil",
}
SAID = {"tour": "Most of the language in one file"}
"""What an example is whose first comment is about a part of it."""

HEAD = """\
# Examples

Every example by topic: what it is and where it comes from, its trainable parameters, and a command.
A section trains on the data after its name: those with a file name are in `data/`, or are yours;
the others come with netlang, are generated, or are named by the first message where they are
missing. [phenomena/](phenomena/README.md) has a file for each phenomenon of a course.

File names say which variant an example is: `_book` is that of *Dive into Deep Learning*,
`_torchvision` that of torchvision.
"""


def test_the_page_lists_the_examples_as_they_are(request: pytest.FixtureRequest) -> None:
    listed = [name for names in TOPICS.values() for name in names.split()]
    assert sorted(listed) == sorted(path.stem for path in EXAMPLES.glob("*.net"))
    parts = [HEAD]
    for topic, names in TOPICS.items():
        parts.append(f"\n## {topic}\n\n| file | what it is | parameters | command |\n")
        parts.append("| --- | --- | --- | --- |\n")
        parts += [row(EXAMPLES / f"{name}.net") for name in names.split()]
    text = "".join(parts)
    if request.config.getoption("--update"):
        PAGE.write_text(text, "utf-8")
    assert PAGE.read_text("utf-8") == text


def row(path: Path) -> str:
    program = checked(path)
    text = path.read_text("utf-8")
    cells = [f"[{path.name}]({path.name})", SAID.get(path.stem) or summary_of(text)]
    cells.append(parameters(program))
    return f"| {' | '.join([*cells, command(path, program)])} |\n"


def summary_of(text: str) -> str:
    """Return the first sentence of the first comment that documents something."""
    comment = re.search(r"^((?:## ?.*\n)+)", text, re.MULTILINE)
    assert comment is not None
    whole = " ".join(line.removeprefix("##").strip() for line in comment[1].splitlines())
    return re.split(r"(?<=[a-z0-9)`])\. (?=[A-Z`])", whole)[0].rstrip(".:")


def parameters(program: Program) -> str:
    counted = [f"{name} {grouped(counts.trained(net.graph))}" for name, net in program.nets.items()]
    return ", ".join(counted) if len(counted) < 5 else f"{', '.join(counted[:4])}, …"


def command(path: Path, program: Program) -> str:
    sections = program.sections
    if not sections:
        net = next(iter(program.nets), "")
        return f"`netlang summary examples/{path.name} {net}`" if net else "`netlang check`"
    name, section = next(iter(sections.items()))
    data = re.search(r"^\s*data = ([^|\n]+)", section.span.text, re.MULTILINE)
    others = f", and {len(sections) - 1} more" if len(sections) > 1 else ""
    on = f" on `{data[1].strip()}`" if data is not None else ""
    return f"`netlang train examples/{path.name} {name}`{on}{others}"
