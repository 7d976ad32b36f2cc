"""The speed of netlang as ratios to its peers, as the table of the README has it.

python tests/bench/speed.py --peers PYTHON    # a Python that has torch, torchinfo, keras, onnx

Each side is a process of its own; both run in turn, and a ratio is the median over pairs. Whole
processes and what one thread does are measured in processor time, which other work on the machine
disturbs least; what runs on two threads by the clock.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from measuring import (
    EXAMPLES,
    NETLANG,
    Command,
    Run,
    Worker,
    has,
    in_turn,
    middle,
    ratio,
    run,
    skipped,
    table,
    workers_in_turn,
)
from training_cases import CASES

HERE = Path(__file__).parent
RESNET = EXAMPLES / "resnet.net"
NETWORKS = (("resnet.net", "ResNet50"), ("vgg.net", "VGG16"), ("densenet.net", "DenseNet121"),
            ("mobilenet.net", "MobileNet"), ("lenet.net", "LeNet"),
            ("char_lstm.net", "CharLSTM"), ("gpt2.net", "GPT2"))  # fmt: skip
Row = list[str]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("parts", nargs="*", help=f"of: {', '.join(PARTS)}; default: all")
    parser.add_argument("--peers", default=sys.executable, help="a Python with torch and others")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", default="2", help="for the interpreter and onnxruntime")
    options = parser.parse_args()
    os.environ.pop("OPENBLAS_CORETYPE", None)  # each library knows best what a processor can do
    os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = options.threads
    rows: list[Row] = []
    for part in options.parts or PARTS:
        rows += PARTS[part](options.peers, options.rounds)
    print(table(["what", "netlang", "peer", "times as fast"], rows))


def summary(peers: str, rounds: int) -> Iterator[Row]:
    """Summarize ResNet-50, from the start of the process to its end."""
    ours = [NETLANG, "summary", RESNET, "ResNet50"]
    yield from process("summary of ResNet-50", ours, peers, rounds, {
        "torchinfo": (["torch", "torchinfo"], "torchinfo"),
        "Keras": (["keras"], "keras"),
    })  # fmt: skip


def check(_: str, rounds: int) -> Iterator[Row]:
    """Check a program of thirty lines."""
    runs = in_turn([NETLANG, "check", EXAMPLES / "lenet.net"], None, rounds)[0]
    yield ["check of a 30-line program", figures(runs), "", ""]


def compile_(peers: str, rounds: int) -> Iterator[Row]:
    """Write ResNet-50 with its weights as ONNX."""
    with TemporaryDirectory() as folder:
        weights = Path(folder, "resnet50.safetensors")
        write = f"import netlang; netlang.load({str(RESNET)!r})['ResNet50'].save({str(weights)!r})"
        run([sys.executable, "-c", write])
        ours = [NETLANG, "compile", RESNET, "ResNet50", "-o", Path(folder, "ours.onnx")]
        ours += ["--weights", weights]
        theirs = {"torch.onnx.export": (["torch", "onnxscript"], f"export {folder}/theirs.onnx")}
        yield from process("compile of ResNet-50", ours, peers, rounds, theirs)


def train(peers: str, rounds: int) -> Iterator[Row]:
    """Train LeNet for one step, from the start of the process until its weights are saved."""
    import numpy as np  # a process we start counts our memory as its own, until it has its own

    with TemporaryDirectory() as folder:
        case = replace(CASES["lenet"], steps=1)
        program = case.write(Path(folder))
        images = np.zeros((case.rows, 1, case.side, case.side), np.float32)
        np.savez(program.parent / "bench.npz", image=images, label=np.zeros(case.rows, np.int64))
        ours = [NETLANG, "train", program, "bench", "--run", Path(folder, "run")]
        again = ["sh", "-c", 'rm -rf "$5" && exec "$0" "$@"', *ours]
        yield from process(
            "train LeNet for one step", again, peers, rounds, {"import torch": (["torch"], "torch")}
        )


def elaborate(_: str, rounds: int) -> Iterator[Row]:
    """Elaborate ResNet-152, and check chains of layers, inside a process that has started."""
    for name, task in [("ResNet-152 elaborated", "resnet152"),
                       ("1,000 layers checked", "chain 1000"),
                       ("10,000 layers checked", "chain 10000")]:  # fmt: skip
        with worker("ours.py", *task.split()) as side:
            seconds = median(side.measure() for _ in range(rounds))
        yield [name, f"{seconds * 1e3:.0f} ms", "", ""]


def interpreter(_: str, rounds: int) -> Iterator[Row]:
    """Run ResNet-50 on one image, in NumPy and in onnxruntime."""
    threads = os.environ["OMP_NUM_THREADS"]
    with TemporaryDirectory() as folder:
        model = Path(folder, "resnet50.onnx")
        run([NETLANG, "compile", RESNET, "ResNet50", "-o", model])
        with (
            worker("ours.py", "interpret", "resnet.net", "ResNet50") as ours,
            worker("serve_model.py", model, threads) as theirs,
        ):
            yield pair("ResNet-50 in NumPy", "onnxruntime", ours, theirs, rounds)


def reference(peers: str, rounds: int) -> Iterator[Row]:
    """Run networks in NumPy: in our interpreter and in ONNX's."""
    if not has(peers, "onnx"):
        print(skipped("onnx.reference", "onnx"), file=sys.stderr)
        return
    with TemporaryDirectory() as folder:
        for file, net in NETWORKS:
            model = Path(folder, f"{net}.onnx")
            run([NETLANG, "compile", EXAMPLES / file, net, "-o", model])
            with (
                worker("ours.py", "interpret", file, net) as ours,
                worker("theirs.py", "reference", model, python=peers) as theirs,
            ):
                slow = max(1, rounds // 2)
                yield pair(f"{net} in NumPy", "onnx.reference", ours, theirs, slow)


PARTS: dict[str, Callable[[str, int], Iterator[Row]]] = {
    "summary": summary,
    "check": check,
    "compile": compile_,
    "train": train,
    "elaborate": elaborate,
    "interpreter": interpreter,
    "reference": reference,
}


def process(
    what: str, ours: Command, python: str, rounds: int, peers: dict[str, tuple[list[str], str]]
) -> Iterator[Row]:
    """Run a command of ours in turn with what does the same elsewhere."""
    here = {name: task for name, (modules, task) in peers.items() if has(python, *modules)}
    for name, (modules, _) in peers.items():
        if name not in here:
            print(skipped(name, " or ".join(modules)), file=sys.stderr)
    if not here:
        yield [what, figures(in_turn(ours, None, rounds)[0]), "", ""]
    for name, task in here.items():
        theirs = [python, "-W", "ignore", HERE / "theirs.py", *task.split()]
        a, b = in_turn(ours, theirs, rounds)
        faster = ratio([r.cpu for r in b], [r.cpu for r in a])
        yield [what, figures(a), f"{name}: {figures(b)}", f"{faster:.1f}"]


def pair(what: str, name: str, ours: Worker, theirs: Worker, rounds: int) -> Row:
    a, b = workers_in_turn([ours, theirs], rounds)
    times = shown(min(a)), f"{name}: {shown(min(b))}"
    return [what, *times, f"{ratio(b, a):.2g}"]


def shown(seconds: float) -> str:
    return f"{seconds * 1e3:,.0f} ms" if seconds > 0.01 else f"{seconds * 1e3:.2g} ms"


def figures(runs: list[Run]) -> str:
    cpu, peak = middle(runs, lambda r: r.cpu), middle(runs, lambda r: r.peak)
    return f"{cpu:.2f} s, {peak / 2**20:.0f} MiB"


class worker:  # noqa: N801
    """A process that measures for as long as the block lasts."""

    def __init__(self, script: str, *arguments: str | Path, python: str = sys.executable) -> None:
        self._worker = Worker([python, HERE / script, *arguments])

    def __enter__(self) -> Worker:
        return self._worker

    def __exit__(self, *_: object) -> None:
        self._worker.close()


if __name__ == "__main__":
    main()
