"""Programs for attention and for the turning of positions, from operators of the language."""

from __future__ import annotations

from onnx_nodes import Call, NoProgram, number, row, writes

FAR = "(-1e9)"
"""What a place that may not be looked at gets instead of its score."""


@writes("Attention")
def attention(call: Call) -> list[str]:
    q, k, v = (heads(call, place) for place in range(3))
    if call.has(4):
        k = call.let("keys", f"concat([{call.x(4)}, {k}], axis=2)")
        v = call.let("values", f"concat([{call.x(5)}, {v}], axis=2)")
    scale = number(call.get("scale") or width(call, 0) ** -0.5)
    call.let("raw", f"({q} @ transpose({shared(call, 'k', k, 1)}, [0, 1, 3, 2])) * {scale}")
    cap = call.get("softcap", 0.0)
    call.let("capped", f"tanh(raw / {number(cap)}) * {number(cap)}" if cap else "raw")
    call.let("seen", masked(call, "capped"))
    call.let("weights", "softmax(seen)")
    y = f"weights @ {shared(call, 'v', v, 2)}"
    stage = ("raw", "capped", "seen", "weights")[call.get("qk_matmul_output_mode", 0)]
    return [f"merge_heads({y})" if call.rank() == 3 else y, k, v, stage]


def heads(call: Call, place: int) -> str:
    if call.rank(place) == 4:
        return call.x(place)
    return call.let(f"heads{place}", f"split_heads({call.x(place)}, {head_count(call, place)})")


def head_count(call: Call, place: int) -> int:
    if call.rank(place) == 4:
        return call.shape(place)[1]
    return call.get("q_num_heads" if place == 0 else "kv_num_heads")


def width(call: Call, place: int) -> int:
    if call.rank(place) == 4:
        return call.shape(place)[3]
    return call.shape(place)[2] // head_count(call, place)


def steps(call: Call, place: int) -> int:
    return call.shape(place)[-2]


def keys(call: Call) -> int:
    return steps(call, 1) + (steps(call, 4) if call.has(4) else 0)


def shared(call: Call, name: str, value: str, place: int) -> str:
    """Write keys or values repeated for the queries that share them."""
    many, few = head_count(call, 0), head_count(call, place)
    if many == few:
        return value
    batch, time, size = call.shape()[0], keys(call), width(call, place)
    wide = f"expand(unsqueeze({value}, 2), {row([batch, few, many // few, time, size])})"
    return call.let(f"shared_{name}", f"reshape({wide}, {row([batch, many, time, size])})")


def masked(call: Call, score: str) -> str:
    """Write the scores where one may look; a mask of numbers is added to them."""
    if call.has(3) and call.shape(3)[-1] < keys(call):
        raise NoProgram("a mask is as long as the keys")
    open_places = windows(call)
    if call.has(3) and call.array(3).dtype == bool:
        open_places.append(call.x(3))
    elif call.has(3):
        score = f"{score} + {call.x(3)}"
    if call.has(6):
        rows = f"reshape({call.x(6)}, [{call.shape()[0]}, 1, 1, 1])"
        open_places.append(f"reshape(iota({keys(call)}), [1, 1, 1, {keys(call)}]) < {rows}")
    for place in open_places:
        score = f"select({place}, {score}, {FAR})"
    return score


def windows(call: Call) -> list[str]:
    """Write which keys stand where a query may look."""
    before = str(steps(call, 4)) if call.has(4) else "0"
    if call.has(6):
        before = f"reshape({call.x(6)}, [{call.shape()[0]}, 1, 1, 1]) - {steps(call, 0)}"
    query = f"reshape(iota({steps(call, 0)}), [1, 1, {steps(call, 0)}, 1])"
    key = f"reshape(iota({keys(call)}), [1, 1, 1, {keys(call)}])"
    found: list[str] = []
    ahead = 0 if call.get("is_causal", 0) else call.get("right_window_size", -1)
    if ahead >= 0:
        found.append(f"{key} <= {query} + {before} + {ahead}")
    behind = call.get("left_window_size", -1)
    if behind >= 0:
        found.append(f"{key} + {behind} >= {query} + {before}")
    return found


@writes("RotaryEmbedding")
def rotated(call: Call) -> str:
    x = call.x()
    if call.rank() == 3:
        x = call.let("apart", f"split_heads({x}, {call.get('num_heads')})")
    size = call.shape()[3] if call.rank() == 4 else call.shape()[2] // call.get("num_heads")
    turned = call.get("rotary_embedding_dim", 0) or size
    for name, place in (("cosine", 1), ("sine", 2)):
        table = f"gather({call.x(place)}, {call.x(3)}, axis=0)" if call.has(3) else call.x(place)
        call.let(name, f"unsqueeze({table}, 1)")
    interleaved = call.get("interleaved", 0)
    first, second = (
        (range(0, turned, 2), range(1, turned, 2))
        if interleaved
        else (range(turned // 2), range(turned // 2, turned))
    )
    a = call.let("first", f"take({x}, {row(first)}, axis=-1)")
    b = call.let("second", f"take({x}, {row(second)}, axis=-1)")
    real = call.let("real", f"cosine * {a} - sine * {b}")
    other = call.let("other", f"sine * {a} + cosine * {b}")
    y = f"flatten(stack([{real}, {other}], axis=-1), start=3)"
    y = y if interleaved else f"concat([{real}, {other}], axis=-1)"
    if turned < size:
        rest = f"take({x}, {row(range(turned, size))}, axis=-1)"
        y = f"concat([{y}, {rest}], axis=-1)"
    return f"merge_heads({y})" if call.rank() == 3 else y
