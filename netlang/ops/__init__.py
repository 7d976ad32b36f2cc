"""Operators, by the module that holds them.

A module is loaded when one of its operators is first asked for: checking a program must not pay
for operators the program does not use. Whatever goes over all of ``OPS`` loads them all.
"""

from netlang.ir.op import OPS

MODULES: dict[str, tuple[str, ...]] = {
    "activation": (
        "relu",
        "sigmoid",
        "tanh",
        "softplus",
        "softsign",
        "selu",
        "hardsigmoid",
        "leaky_relu",
        "elu",
        "gelu",
        "softmax",
        "log_softmax",
        "prelu",
    ),
    "adaptive": (
        "adaptive_avg_pool",
        "adaptive_max_pool",
    ),
    "arithmetic": (
        "add",
        "sub",
        "mul",
        "maximum",
        "minimum",
        "div",
        "pow",
        "floor_div",
        "mod",
    ),
    "channels": (
        "local_response_norm",
        "add_channel",
        "mul_channel",
    ),
    "choice": (
        "constant",
        "select",
        "clamp",
        "cast",
    ),
    "comparison": (
        "equal",
        "not_equal",
        "less",
        "less_equal",
        "greater",
        "greater_equal",
        "logical_and",
        "logical_or",
        "logical_xor",
        "logical_not",
    ),
    "control": (
        "measure",
        "scan",
    ),
    "convolution": (
        "convolve",
        "convolve_transpose",
    ),
    "creation": (
        "iota",
        "full",
        "one_hot",
        "top_k",
    ),
    "elementwise": (
        "neg",
        "abs",
        "sign",
        "sqrt",
        "exp",
        "log",
        "erf",
        "floor",
        "ceil",
        "round",
        "reciprocal",
        "sin",
        "cos",
        "tan",
        "atan",
    ),
    "foreign": ("foreign",),
    "gathering": (
        "gather_rows",
        "gather",
        "take",
        "take_along",
        "scatter",
    ),
    "indexing": ("index",),
    "joining": (
        "concat",
        "stack",
        "split",
    ),
    "linear": (
        "matmul",
        "linear",
        "einsum",
    ),
    "normalization": (
        "normalize_batch",
        "normalize_group",
        "normalize_instance",
        "normalize_layer",
        "normalize_rms",
        "l2_normalize",
    ),
    "pooling": (
        "max_pool",
        "avg_pool",
        "lp_pool",
    ),
    "random": (
        "dropout",
        "drop_path",
        "stop_gradient",
    ),
    "recurrent": (
        "rnn_layer",
        "gru_layer",
        "lstm_layer",
    ),
    "reduction": (
        "sum",
        "mean",
        "prod",
        "max",
        "min",
        "logsumexp",
        "argmax",
        "argmin",
        "cumsum",
    ),
    "repetition": (
        "expand",
        "tile",
        "flip",
        "reverse_time",
        "pad",
    ),
    "resize": (
        "upsample",
        "resize",
        "pixel_shuffle",
        "pixel_unshuffle",
    ),
    "shape": (
        "flatten",
        "reshape",
        "transpose",
        "squeeze",
        "unsqueeze",
    ),
    "unfolding": ("unfold",),
}
"""The operators of each module; a test holds this to what the modules register."""

OPS.locate({name: f"netlang.ops.{module}" for module, names in MODULES.items() for name in names})
