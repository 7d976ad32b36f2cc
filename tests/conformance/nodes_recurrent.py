"""Programs for recurrent layers."""

from __future__ import annotations

from onnx_nodes import Call, NoProgram, row, word, writes

# Where each gate of ours stands among those of ONNX.
GATES = {"RNN": (0,), "GRU": (1, 0, 2), "LSTM": (0, 2, 3, 1)}
LAYERS = {"RNN": "rnn_layer", "GRU": "gru_layer", "LSTM": "lstm_layer"}
DIRECTIONS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}
STATES = {"RNN": ("h",), "GRU": ("h",), "LSTM": ("h", "c")}


@writes("RNN GRU LSTM")
def recurrent(call: Call) -> list[str]:
    if call.has(7):
        raise NoProgram("a gate doesn't see the cell")
    batch_first = bool(call.get("layout", 0))
    call.let("sequence", call.x() if batch_first else f"transpose({call.x()}, [1, 0, 2])")
    found: dict[str, list[str]] = {name: [] for name in ("y", *STATES[call.case.op_type])}
    for number, reverse in enumerate(DIRECTIONS[call.get("direction", "forward")]):
        for name, made in direction(call, number, reverse=reverse).items():
            found[name].append(made)
    last = [f"stack({row(found[s])}, axis={int(batch_first)})" for s in STATES[call.case.op_type]]
    whole = f"stack({row(found['y'])}, axis=2)"
    return [whole if batch_first else f"transpose({whole}, [1, 2, 0, 3])", *last]


def direction(call: Call, number: int, *, reverse: bool) -> dict[str, str]:
    """Write the layer of one direction."""
    kind = call.case.op_type
    weights = [ordered(call, f"{call.x(place)}[{number}]") for place in (1, 2)]
    rows = call.shape(1)[1]
    if call.has(3):
        both = call.let(f"biases{number}", f"split({call.x(3)}[{number}], 2, axis=0)")
        biases = [ordered(call, f"{both}[{half}]") for half in (0, 1)]
    else:
        biases = [f"full([{rows}], 0.0)"] * 2
    settings = [f"reverse={word(reverse)}"]
    for at, state in enumerate(STATES[kind]):
        if call.has(5 + at):
            settings.append(f"{state}0={call.x(5 + at)}[{number}]")
    if call.has(4):
        settings.append(f"length=cast({call.x(4)}, i64)")
    names = [f"{name}_{number}" for name in ("y", *STATES[kind])]
    arguments = ", ".join(["sequence", *weights, *biases, *settings])
    call.lines.append(f"{', '.join(names)} = {LAYERS[kind]}({arguments})")
    return dict(zip(("y", *STATES[kind]), names, strict=True))


def ordered(call: Call, weight: str) -> str:
    """Write a weight with its gates in our order."""
    order = GATES[call.case.op_type]
    if len(order) == 1:
        return weight
    name = call.let(f"gates{len(call.lines)}", f"split({weight}, {len(order)}, axis=0)")
    return f"concat({row([f'{name}[{gate}]' for gate in order])}, axis=0)"
