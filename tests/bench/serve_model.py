"""Run an ONNX model each time a line comes in, and answer with the seconds it took.

With `cpu` these are seconds of the processor, which other processes change less.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import onnxruntime
from measuring import clock


def main(path: str, threads: str, optimized: str = "", by: str = "") -> None:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(threads)
    options.log_severity_level = 3
    if optimized:
        options.optimized_model_filepath = optimized
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (entry,) = session.get_inputs()
    shape = [size if isinstance(size, int) else 1 for size in entry.shape]
    image = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    now = time.process_time if by == "cpu" else clock
    print("ready", flush=True)
    for line in sys.stdin:
        start = now()
        for _ in range(int(line)):
            session.run(None, {entry.name: image})
        print((now() - start) / int(line), flush=True)


main(*sys.argv[1:])
