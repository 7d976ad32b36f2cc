"""What is measured against: the same work, done with other libraries.

python tests/bench/theirs.py torchinfo | keras | export FILE | torch | reference MODEL
"""

from __future__ import annotations

import os
import sys


def torchinfo() -> None:
    import torchinfo
    from torch_networks import NETWORKS

    torchinfo.summary(NETWORKS["ResNet50"](), (1, 3, 224, 224), device="cpu")


def keras() -> None:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    from keras.applications import ResNet50

    ResNet50(weights=None).summary()


def export(path: str) -> None:
    from torch_networks import export

    export("ResNet50", path)


def torch() -> None:
    import torch  # noqa: F401


def reference(model: str) -> None:
    import onnx
    from measuring import arrays, clock
    from onnx.reference import ReferenceEvaluator

    loaded = onnx.load(model)
    evaluator = ReferenceEvaluator(loaded)
    types = {entry.name: entry.type.tensor_type for entry in loaded.graph.input}
    feeds = arrays({
        name: (t.elem_type == onnx.TensorProto.FLOAT,
               [d.dim_param or str(d.dim_value) for d in t.shape.dim])
        for name, t in types.items()
    })  # fmt: skip
    print("ready", flush=True)
    for line in sys.stdin:
        start = clock()
        for _ in range(int(line)):
            evaluator.run(None, feeds)
        print((clock() - start) / int(line), flush=True)


if __name__ == "__main__":
    tasks = (torchinfo, keras, export, torch, reference)
    {task.__name__: task for task in tasks}[sys.argv[1]](*sys.argv[2:])
