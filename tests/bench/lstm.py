"""An LSTM of two layers compared with PyTorch's, each in a process of its own, in turn.

python tests/bench/lstm.py --peers PYTHON    # a Python that has torch

100 steps, 16 sequences, 512 units, two threads; then with a length that changes from call to call.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from itertools import cycle
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from measuring import Worker, has, ratio, skipped, table, workers_in_turn

THREADS, ROWS, STEPS, UNITS = 2, 16, 100, 512
PROGRAM = f"""net Deep(x: f32[N, T, {UNITS}]) -> y: f32[N, T, {UNITS}] {{
  y, _, _ = lstm(x, {UNITS}, layers=2) as rnn
}}
"""
LENGTHS = {"same": [STEPS], "changing": [STEPS - 3, STEPS + 1, STEPS - 1, STEPS + 3]}
"""Steps of the calls of a measurement, one after the other; on average the same."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--peers", default=sys.executable, help="a Python with torch")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--serve", nargs=2, metavar=("SIDE", "LENGTHS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(*options.serve)
        return
    rows: list[list[str]] = []
    for theirs in ("ours same", "torch same", "torch changing"):
        mine = "ours changing" if theirs != "torch same" else "ours same"
        if theirs.startswith("torch") and not has(options.peers, "torch"):
            print(skipped(theirs, "torch"), file=sys.stderr)
            continue
        python = options.peers if theirs.startswith("torch") else sys.executable
        one = Worker([sys.executable, __file__, "--serve", *mine.split()])
        other = Worker([python, __file__, "--serve", *theirs.split()])
        a, b = workers_in_turn([one, other], options.rounds)
        one.close()
        other.close()
        times = [f"{name}: {median(s) * 1e3:.0f} ms" for name, s in ((mine, a), (theirs, b))]
        rows.append([*times, f"{ratio(b, a):.2f}"])
        print(*rows[-1], file=sys.stderr)
    print(table(["one", "other", "times as fast"], rows))


def serve(side: str, lengths: str) -> None:
    """Run the network as often as each line says; answer with the seconds a call took."""
    call = ours() if side == "ours" else theirs()
    for steps in LENGTHS[lengths]:
        call(steps)
    print("ready", flush=True)
    following = cycle(LENGTHS[lengths])
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            call(next(following))
        print((time.perf_counter() - start) / int(line), flush=True)


def ours():
    import numpy as np

    from netlang.backends.compile import compile_graph
    from netlang.backends.ort import Session
    from netlang.ir.initializers import initialize
    from netlang.program import load

    with TemporaryDirectory() as folder:
        file = Path(folder, "deep.net")
        file.write_text(PROGRAM, "utf-8")
        graph = load(file).net("Deep").graph
    model = compile_graph(graph, initialize(graph, 0)).proto
    kinds = Counter(node.op_type for node in model.graph.node)
    print(f"{sum(kinds.values())} nodes: {dict(kinds)}", file=sys.stderr)
    session = Session(model, threads=THREADS)
    x = np.random.default_rng(0).normal(size=(ROWS, 2 * STEPS, UNITS)).astype(np.float32)
    return lambda steps: session.run({"x": np.ascontiguousarray(x[:, :steps])})


def theirs():
    import torch

    torch.set_num_threads(THREADS)
    module = torch.nn.LSTM(UNITS, UNITS, 2, batch_first=True).eval()
    x = torch.randn(ROWS, 2 * STEPS, UNITS)

    def call(steps: int) -> None:
        with torch.inference_mode():
            module(x[:, :steps].contiguous())

    return call


if __name__ == "__main__":
    main()
