"""Operators, by the module that holds them.

A module is loaded when one of its operators is first asked for: checking a program must not pay
for operators the program does not use. Whatever goes over all of ``OPS`` loads them all.
"""

from netlang.ir.op import OPS

MODULES: dict[str, tuple[str, ...]] = {
    "elementwise.activation": (
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
    "windows.adaptive": (
        "adaptive_avg_pool",
        "adaptive_max_pool",
    ),
    "elementwise.arithmetic": (
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
    "windows.averaging": (
        "avg_pool",
        "lp_pool",
    ),
    "reducing.batch_statistics": ("normalize_batch_training",),
    "elementwise.channels": (
        "local_response_norm",
        "add_channel",
        "mul_channel",
        "prelu",
    ),
    "elementwise.choice": (
        "constant",
        "select",
        "clamp",
        "cast",
    ),
    "elementwise.comparison": (
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
    "looping.control": (
        "measure",
        "scan",
    ),
    "windows.convolution": ("convolve",),
    "shaping.creation": (
        "iota",
        "full",
        "one_hot",
    ),
    "elementwise.unary": (
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
    "extern": ("foreign",),
    "shaping.gathering": (
        "gather_rows",
        "gather",
        "take",
        "take_along",
    ),
    "windows.gradients_convolution": (
        "convolve_input_gradient",
        "convolve_weight_gradient",
    ),
    "windows.gradients_pooling": ("max_pool_places",),
    "shaping.indexing": ("index",),
    "shaping.joining": (
        "concat",
        "stack",
        "split",
    ),
    "reducing.linear": (
        "matmul",
        "linear",
        "einsum",
    ),
    "reducing.normalization": (
        "normalize_batch",
        "normalize_group",
        "normalize_instance",
    ),
    "shaping.padding": ("pad",),
    "shaping.pixels": (
        "pixel_shuffle",
        "pixel_unshuffle",
    ),
    "shaping.indices": (
        "argmax",
        "argmin",
    ),
    "windows.pooling": ("max_pool",),
    "random.random": (
        "dropout",
        "drop_path",
        "dropout_channels",
        "stop_gradient",
    ),
    "random.randomness": (
        "draw_uniform",
        "draw_normal",
    ),
    "shaping.ranking": ("ranked",),
    "looping.recurrent": (
        "rnn_layer",
        "gru_layer",
        "lstm_layer",
    ),
    "reducing.reduction": (
        "sum",
        "mean",
        "prod",
        "max",
        "min",
        "logsumexp",
        "cumsum",
    ),
    "shaping.repetition": (
        "expand",
        "tile",
        "flip",
        "every",
        "reverse_time",
    ),
    "shaping.resize": (
        "upsample",
        "resize",
    ),
    "shaping.scattering": (
        "scatter",
        "gather_nd",
        "scatter_nd",
    ),
    "shaping.shape": (
        "flatten",
        "reshape",
    ),
    "reducing.softmax": (
        "softmax",
        "log_softmax",
    ),
    "windows.transposed_convolution": ("convolve_transpose",),
    "shaping.transposition": (
        "transpose",
        "squeeze",
        "unsqueeze",
    ),
    "elementwise.trigonometry": (
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
    "windows.unfolding": (
        "unfold",
        "fold",
    ),
    "reducing.vector_normalization": (
        "normalize_layer",
        "normalize_rms",
        "l2_normalize",
    ),
}
"""The operators of each module; a test holds this to what the modules register."""

OPS.locate({name: f"netlang.ops.{module}" for module, names in MODULES.items() for name in names})
