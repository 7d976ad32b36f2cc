"""Is a compiled network as fast in onnxruntime as PyTorch's own export of the same layers?

python tests/bench/compiled.py --peers PYTHON    # a Python that has torch and onnxscript
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from measuring import (
    EXAMPLES,
    NETLANG,
    Worker,
    has,
    ratio,
    skipped,
    table,
    workers_in_turn,
)

HERE = Path(__file__).parent
FILES = {
    "LeNet": "lenet.net",
    "AlexNet": "alexnet_torchvision.net",
    "VGG11": "vgg.net",
    "VGG16": "vgg.net",
    "ResNet18": "resnet.net",
    "ResNet50": "resnet.net",
    "SqueezeNet": "squeezenet.net",
    "MobileNet": "mobilenet.net",
    "DenseNet121": "densenet.net",
    "GoogLeNet": "googlenet_torchvision.net",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("nets", nargs="*", default=list(FILES), help="default: all")
    parser.add_argument("--peers", default=sys.executable, help="a Python with torch")
    parser.add_argument("--rounds", type=int, default=20, help="turns of a pair of processes")
    parser.add_argument("--pairs", type=int, default=5, help="how often both start anew")
    parser.add_argument("--threads", type=int, default=1, help="1 counts processor time")
    options = parser.parse_args()
    if not has(options.peers, "torch", "onnxscript"):
        print(skipped("torch.onnx.export", "torch or onnxscript"))
        return
    rows = [compare(net, options) for net in options.nets]
    header = ["network", "netlang", "torch.onnx.export", "netlang / torch", "pairs"]
    print(table(header, rows))


def compare(net: str, options: argparse.Namespace) -> list[str]:
    """Compile a network and export its twin, and run both in turn."""
    with TemporaryDirectory() as folder:
        ours, theirs = Path(folder, "ours.onnx"), Path(folder, "theirs.onnx")
        subprocess.run(
            [NETLANG, "compile", EXAMPLES / FILES[net], net, "-o", ours],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        code = f"from torch_networks import export; export({net!r}, {str(theirs)!r})"
        subprocess.run(
            [options.peers, "-W", "ignore", "-c", code],
            cwd=HERE, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        serve = [sys.executable, HERE / "serve_model.py"]
        by = "cpu" if options.threads == 1 else ""
        a: list[float] = []
        b: list[float] = []
        ratios: list[float] = []
        # Where its memory lies makes a process some percent faster or slower to its end.
        for _ in range(options.pairs):
            sides = [
                Worker([*serve, path, str(options.threads), "", by]) for path in (ours, theirs)
            ]
            own, other = workers_in_turn(sides, options.rounds)
            for side in sides:
                side.close()
            ratios.append(ratio(own, other))
            a, b = a + own, b + other
    spread = f"{min(ratios):.3f} to {max(ratios):.3f}"
    times = [f"{median(side) * 1e3:.2f} ms" for side in (a, b)]
    return [net, *times, f"{median(ratios):.3f}", spread]


if __name__ == "__main__":
    main()
