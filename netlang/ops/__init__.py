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
        "fmod",
    ),
    "averaging": (
        "avg_pool",
        "lp_pool",
    ),
    "batch_statistics": ("normalize_batch_training",),
    "channels": (
        "local_response_norm",
        "add_channel",
        "mul_channel",
        "leak",
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
        "is_nan",
        "is_inf",
        "logical_and",
        "logical_or",
        "logical_xor",
        "logical_not",
    ),
    "control": (
        "measure",
        "scan",
    ),
    "convolution": ("convolve",),
    "creation": (
        "iota",
        "full",
        "one_hot",
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
    ),
    "foreign": ("foreign",),
    "gathering": (
        "gather_rows",
        "gather",
        "take",
        "take_along",
    ),
    "gradients_convolution": (
        "convolve_input_gradient",
        "convolve_weight_gradient",
    ),
    "gradients_pooling": ("max_pool_places",),
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
    ),
    "padding": ("pad",),
    "pixels": (
        "pixel_shuffle",
        "pixel_unshuffle",
    ),
    "places": (
        "argmax",
        "argmin",
    ),
    "pooling": ("max_pool",),
    "random": (
        "dropout",
        "drop_path",
        "dropout_channels",
        "stop_gradient",
    ),
    "randomness": (
        "draw_uniform",
        "draw_normal",
    ),
    "ranking": ("ranked",),
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
        "cumsum",
    ),
    "repetition": (
        "expand",
        "tile",
        "flip",
        "every",
        "reverse_time",
    ),
    "resize": (
        "upsample",
        "resize",
    ),
    "scattering": (
        "scatter",
        "gather_nd",
        "scatter_nd",
    ),
    "shape": (
        "flatten",
        "reshape",
    ),
    "softmax": (
        "softmax",
        "log_softmax",
    ),
    "transposed_convolution": ("convolve_transpose",),
    "transposition": (
        "transpose",
        "squeeze",
        "unsqueeze",
    ),
    "trigonometry": (
        "sin",
        "cos",
        "tan",
        "atan",
        "asin",
        "acos",
        "sinh",
        "cosh",
        "asinh",
        "acosh",
        "atanh",
    ),
    "unfolding": (
        "unfold",
        "fold",
    ),
    "vector_normalization": (
        "normalize_layer",
        "normalize_rms",
        "l2_normalize",
    ),
}
"""The operators of each module; a test holds this to what the modules register."""

OPS.locate({name: f"netlang.ops.{module}" for module, names in MODULES.items() for name in names})
