"""Programs for the shapes of tensors and the places in them."""

from __future__ import annotations

from math import ceil, prod

import numpy as np
from onnx_nodes import Call, NoProgram, number, row, word, writes

from netlang.ir.arrays import dtype_of


@writes("Concat")
def concat(call: Call) -> str:
    names = [call.x(i) for i in range(len(call.case.arrays))]
    return f"concat({row(names)}, axis={call.get('axis')})"


@writes("ConstantOfShape")
def constant_of_shape(call: Call) -> str:
    value = call.get("value", np.zeros(1, "float32"))
    return f"full({call.fixed(0)}, {number(value.item())}, dtype={dtype_of(value)})"


@writes("DepthToSpace SpaceToDepth")
def depth_and_space(call: Call) -> str:
    by_columns = call.get("mode", "DCR") == "CRD"
    names = {
        ("DepthToSpace", True): "pixel_shuffle", ("DepthToSpace", False): "depth_to_space",
        ("SpaceToDepth", True): "pixel_unshuffle", ("SpaceToDepth", False): "space_to_depth",
    }  # fmt: skip
    function = names[call.case.op_type, by_columns]
    return f"{function}({call.x()}, {call.get('blocksize')})"


@writes("Expand")
def expand(call: Call) -> str:
    target = np.broadcast_shapes(call.shape(), tuple(call.fixed(1)))
    return f"expand({call.x()}, {row(target)})"


@writes("EyeLike")
def eye(call: Call) -> str:
    rows, columns = call.shape()
    hit = f"unsqueeze(iota({rows}), 1) + {call.get('k', 0)} == unsqueeze(iota({columns}), 0)"
    expected = call.case.expected[0]
    assert expected is not None
    return f"cast({hit}, {dtype_of(expected)})"


@writes("Flatten")
def flatten(call: Call) -> str:
    axis = call.get("axis", 1)
    axis += call.rank() if axis < 0 else 0
    if axis == 1:
        return f"flatten({call.x()})"
    return f"reshape({call.x()}, {row([prod(call.shape()[:axis]), prod(call.shape()[axis:])])})"


@writes("Gather")
def gather(call: Call) -> str:
    return f"gather({call.x()}, {places(call)}, axis={call.get('axis', 0)})"


@writes("GatherElements")
def gather_elements(call: Call) -> str:
    return f"take_along({call.x()}, {places(call)}, axis={call.get('axis', 0)})"


@writes("GatherND")
def gather_nd(call: Call) -> str:
    return f"gather_nd({call.x()}, {places(call)}, batch={call.get('batch_dims', 0)})"


@writes("ScatterElements")
def scatter_elements(call: Call) -> str:
    names = f"{call.x()}, {places(call)}, {call.x(2)}"
    return f"scatter({names}, axis={call.get('axis', 0)}, {combined(call)})"


@writes("ScatterND")
def scatter_nd(call: Call) -> str:
    return f"scatter_nd({call.x()}, {places(call)}, {call.x(2)}, {combined(call)})"


@writes("Identity")
def identity(call: Call) -> str:
    return call.x()


@writes("OneHot")
def one_hot(call: Call) -> str:
    depth = int(np.ravel(call.array(1))[0])
    off, on = call.fixed(2)
    ids = call.x()
    if call.array().dtype != "int64":
        ids = call.let("ids", f"cast({ids}, i64)")
    if (call.array() < 0).any():
        ids = call.let("wrapped", f"select({ids} < 0, {ids} + {depth}, {ids})")
    axis = call.get("axis", -1) % (call.rank() + 1)
    order = list(range(call.rank()))
    order.insert(axis, call.rank())
    hot = f"one_hot({ids}, {depth}) * {number(on - off)} + {number(off)}"
    return f"cast(transpose({hot}, {order}), {dtype_of(call.array(2))})"


@writes("Pad")
def pad(call: Call) -> str:
    amounts = call.fixed(1)
    axes = [a % call.rank() for a in call.fixed(3, list(range(call.rank())))]
    both = {a: (amounts[i], amounts[i + len(axes)]) for i, a in enumerate(axes)}
    pairs = [both.get(axis, (0, 0)) for axis in range(call.rank())]
    modes = {"constant": "constant", "edge": "replicate", "reflect": "reflect", "wrap": "circular"}
    settings = f'mode="{modes[call.get("mode", "constant")]}", value={number(call.fixed(2, 0.0))}'
    return f"pad({call.x()}, {row(pairs)}, {settings})"


@writes("Range")
def count(call: Call) -> str:
    start, limit, step = (call.fixed(i) for i in range(3))
    kind = dtype_of(call.array())
    write = number if call.array().dtype.kind == "f" else str
    steps = f"cast(iota({ceil((limit - start) / step)}), {kind})"
    return f"{steps} * {write(step)} + {write(start)}"


@writes("Reshape")
def reshape(call: Call) -> str:
    keeps = not call.get("allowzero", 0)
    wanted = [call.shape()[i] if n == 0 and keeps else n for i, n in enumerate(call.fixed(1))]
    return f"reshape({call.x()}, {wanted})"


@writes("ReverseSequence")
def reverse_sequence(call: Call) -> str:
    if call.get("time_axis", 0) == 1:
        return f"reverse_time({call.x()}, length={call.x(1)})"
    return f"transpose(reverse_time(transpose({call.x()}, [1, 0]), length={call.x(1)}), [1, 0])"


@writes("Shape Size")
def sizes(call: Call) -> str:
    axes = range(call.rank())
    if call.case.op_type == "Size":
        return f"full([], {' * '.join(f'size({call.x()}, {a})' for a in axes)} * 1.0, dtype=i64)"
    kept = axes[call.get("start", 0) : call.get("end")]
    parts = [f"full([], size({call.x()}, {a}) * 1.0, dtype=i64)" for a in kept]
    return f"stack({row(parts)}, axis=0)"


@writes("Slice")
def cut(call: Call) -> str:
    starts, ends = call.fixed(1), call.fixed(2)
    axes = call.fixed(3, list(range(len(starts))))
    steps = call.fixed(4, [1] * len(starts))
    y = call.x()
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        size = call.shape()[axis]
        picked = range(size)[start:end:step]
        if step == 1 and picked:
            front = ":, " * (axis % call.rank())
            y = f"{y}[{front}{picked.start}:{picked.stop}]"
        else:
            y = f"take({y}, {list(picked)}, axis={axis})"
    return y


@writes("Split")
def split(call: Call) -> list[str]:
    axis = call.get("axis", 0)
    pieces = [a.shape[axis] for a in call.case.expected if a is not None]
    parts = call.let("parts", f"split({call.x()}, {pieces}, axis={axis})")
    return [f"{parts}[{i}]" for i in range(len(pieces))]


@writes("Squeeze")
def squeeze(call: Call) -> str:
    return f"squeeze({call.x()}, {call.fixed(1)})"


@writes("Unsqueeze")
def unsqueeze(call: Call) -> str:
    y, rank = call.x(), call.rank() + len(call.fixed(1))
    for axis in sorted(a % rank for a in call.fixed(1)):
        y = f"unsqueeze({y}, {axis})"
    return y


@writes("Tile")
def tile(call: Call) -> str:
    return f"tile({call.x()}, {call.fixed(1)})"


@writes("TopK")
def top_k(call: Call) -> list[str]:
    if not call.get("sorted", 1):
        raise NoProgram("the order is not open")
    settings = f"axis={call.get('axis', -1)}, smallest={word(not call.get('largest', 1))}"
    call.lines.append(f"best, at = ranked({call.x()}, {call.fixed(1)[0]}, {settings})")
    return ["best", "at"]


@writes("Transpose")
def transpose(call: Call) -> str:
    order = call.get("perm", reversed(range(call.rank())))
    return f"transpose({call.x()}, {list(order)})"


@writes("Trilu")
def triangle(call: Call) -> str:
    function = "triu" if call.get("upper", 1) else "tril"
    return f"{function}({call.x()}, {call.fixed(1, 0)})"


@writes("Where")
def where(call: Call) -> str:
    return f"select({call.x()}, {call.x(1)}, {call.x(2)})"


def places(call: Call) -> str:
    ids = call.x(1)
    return ids if call.array(1).dtype == "int64" else call.let("ids", f"cast({ids}, i64)")


def combined(call: Call) -> str:
    return f'reduction="{call.get("reduction", "none")}"'
