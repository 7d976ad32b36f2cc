"""What netlang does inside a process, once for each line that comes in.

python tests/bench/ours.py resnet152 | chain LAYERS | interpret FILE NET
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from netlang.ir.types import F32
from netlang.program import load, open_program

EXAMPLES = Path(__file__).parents[2] / "examples"
RESNET = EXAMPLES / "resnet.net"


def resnet152() -> float:
    program = open_program(RESNET)
    start = time.process_time()
    assert len(program.net("ResNet152").graph.nodes) > 500
    return time.process_time() - start


def chain(layers: str) -> Callable[[], float]:
    lines = [f"  h{i} = h{i - 1} |> dense(8) |> relu" for i in range(1, int(layers) // 2 + 1)]
    folder = TemporaryDirectory()
    file = Path(folder.name, "chain.net")
    body = "\n".join(["  h0 = x", *lines, f"  y = h{len(lines)}"])
    file.write_text(f"net Chain(x: f32[N, 8]) -> y {{\n{body}\n}}\n")

    def measure() -> float:
        start = time.process_time()
        assert not load(file).diagnostics.items
        taken = time.process_time() - start
        assert folder
        return taken

    return measure


def interpret(file: str, net: str) -> Callable[[], float]:
    from measuring import arrays, clock

    from netlang.backends import reference
    from netlang.ir.initializers import initialize
    from netlang.passes.batch_norm import fold_batch_norm

    # The network that the other side is given: batch norms are folded when it is compiled.
    graph = load(EXAMPLES / file).net(net).graph
    graph, weights = fold_batch_norm(graph, initialize(graph, 0))
    feeds = arrays({v.name: (v.type.dtype == F32, map(str, v.type.shape)) for v in graph.inputs})

    def measure() -> float:
        start = clock()
        reference.run(graph, feeds, weights)
        return clock() - start

    return measure


def main(task: str, *arguments: str) -> None:
    match task:
        case "resnet152":
            measure = resnet152
        case "chain":
            measure = chain(*arguments)
        case _:
            measure = interpret(*arguments)
    measure()
    print("ready", flush=True)
    for line in sys.stdin:
        seconds = [measure() for _ in range(int(line))]
        print(sum(seconds) / len(seconds), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
