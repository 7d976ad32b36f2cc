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
    "ResNet18": "resnet.net",
    "ResNet50": "resnet.net",
    "SqueezeNet": "squeezenet.net",
    "MobileNet": "mobilenet.net",
    "DenseNet121": "densenet.net",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("nets", nargs="*", default=list(FILES), help="default: all eight")
    parser.add_argument("--peers", default=sys.executable, help="a Python with torch")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    if not has(options.peers, "torch", "onnxscript"):
        print(skipped("torch.onnx.export", "torch or onnxscript"))
        return
    rows = [compare(net, options) for net in options.nets]
    header = ["network", "netlang", "torch.onnx.export", "netlang / torch"]
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
        sides = [Worker([*serve, path, str(options.threads)]) for path in (ours, theirs)]
        a, b = workers_in_turn(sides[0], sides[1], options.rounds)
        for side in sides:
            side.close()
    return [net, f"{median(a) * 1e3:.2f} ms", f"{median(b) * 1e3:.2f} ms", f"{ratio(a, b):.3f}"]


if __name__ == "__main__":
    main()
