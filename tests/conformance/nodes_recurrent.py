"""Programs for recurrent layers."""

from __future__ import annotations

from onnx_nodes import Call, NoProgram, row, word, writes

# Where each gate of ours stands among those of ONNX.
GATES = {"RNN": (0,), "GRU": (1, 0, 2), "LSTM": (0, 2, 3, 1)}
LAYERS = {"RNN": "rnn_layer", "GRU": "gru_layer", "LSTM": "lstm_layer"}
DIRECTIONS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}
SIGNS = {"Add": "{} + {}", "Mul": "{} * {}", "Identity": "{}"}
STATES = {"RNN": ("h",), "GRU": ("h",), "LSTM": ("h", "c")}


@writes("RNN GRU LSTM")
def recurrent(call: Call) -> list[str]:
    if call.has(7):
        return by_hand(call, peephole(call))
    if call.case.op_type == "GRU" and not call.get("linear_before_reset", 0) and not alike(call):
        return by_hand(call, early_reset(call))
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


def alike(call: Call) -> bool:
    """Check whether it's the same if the reset is before the product with the state or after it.

    It is where all weights of the state are one number, which makes all units of a direction one.
    """
    sides = call.array(2)
    return all((weights == weights.flat[0]).all() for weights in sides)


def by_hand(call: Call, body: list[str]) -> list[str]:
    """Write a cell that no layer of ours has, as a loop: states in, their next values out."""
    lengths = call.array(4).tolist() if call.has(4) else []
    if any(length != call.shape()[0] for length in lengths) or call.get("layout", 0):
        raise NoProgram("a loop by hand is along whole sequences")
    if call.get("direction", "forward") != "forward":
        raise NoProgram("a loop by hand goes forward")
    states = STATES[call.case.op_type]
    units = call.shape(2)[2]
    zeros = f"full([{call.shape()[1]}, {units}], 0.0)"
    starts = [f"{call.x(5 + i)}[0]" if call.has(5 + i) else zeros for i in range(len(states))]
    carried = ", ".join(f"{s} = {start}" for s, start in zip(states, starts, strict=True))
    results = ", ".join(["steps", *(f"last_{s}" for s in states)])
    steps = f"transpose({call.x()}, [1, 0, 2])"
    call.lines += [f"{results} = scan xt in {steps} with {carried} {{", *body]
    call.lines += [f"next {s} = new_{s}" for s in states] + ["yield new_h", "}"]
    whole = "unsqueeze(transpose(steps, [1, 0, 2]), 1)"
    return [whole, *(f"unsqueeze(last_{s}, 0)" for s in states)]


def gate(call: Call, number: int, state: str = "h") -> str:
    """Write what the input and the state add to a gate, in ONNX's order of gates."""
    many = call.shape(1)[1] // call.shape(2)[2]
    places = ((1, number), (2, number), (3, number), (3, many + number))
    weights = [part(call, place, at) for place, at in places if call.has(place)]
    own, looped = (weights[0], weights[1]), (weights[2:3], weights[3:4])
    x, h = (", ".join(["xt", own[0], *looped[0]]), ", ".join([state, own[1], *looped[1]]))
    return f"linear({x}) + linear({h})"


def part(call: Call, place: int, number: int) -> str:
    """Write the rows of one gate."""
    units = call.shape(2)[2]
    return f"{call.x(place)}[0][{number * units}:{(number + 1) * units}]"


def early_reset(call: Call) -> list[str]:
    """Write gated units whose reset comes before the product with the state."""
    return [
        f"z = sigmoid({gate(call, 0)})",
        f"r = sigmoid({gate(call, 1)})",
        f"n = tanh({gate(call, 2, 'r * h')})",
        "new_h = (1.0 - z) * n + z * h",
    ]


def peephole(call: Call) -> list[str]:
    """Write long short-term memory whose gates see the cell."""
    see_i, see_o, see_f = (part(call, 7, number) for number in range(3))
    return [
        f"i = sigmoid({gate(call, 0)} + {see_i} * c)",
        f"f = sigmoid({gate(call, 2)} + {see_f} * c)",
        f"new_c = f * c + i * tanh({gate(call, 3)})",
        f"o = sigmoid({gate(call, 1)} + {see_o} * new_c)",
        "new_h = o * tanh(new_c)",
    ]


@writes("Scan")
def scan(call: Call) -> list[str]:
    """Write a loop over the one sequence that comes last, from the states before it."""
    body = call.get("body")
    # An earlier kind of Scan has a number of lengths first, and a batch.
    batch = not call.has(0)
    places = range(int(batch), len(call.case.arrays))
    *starts, steps = [call.x(i) if batch else f"unsqueeze({call.x(i)}, 0)" for i in places]
    *states, step = [named(v.name) for v in body.input]
    *ends, shown = [named(v.name) for v in body.output]
    carried = ", ".join(f"{s} = {start}" for s, start in zip(states, starts, strict=True))
    results = [f"last_{s}" for s in states]
    call.lines.append(
        f"{', '.join(['steps', *results])} = scan {step} in {steps} with {carried} {{"
    )
    for node in body.node:
        formula = SIGNS[node.op_type].format(*map(named, node.input))
        call.let(named(node.output[0]), formula)
    call.lines += [f"next {s} = {end}" for s, end in zip(states, ends, strict=True)]
    call.lines += [f"yield {shown}", "}"]
    return [name if batch else f"squeeze({name}, 0)" for name in (*results, "steps")]


def named(name: str) -> str:
    """Make a name of one that may be a word of the language."""
    return f"{name}_"
