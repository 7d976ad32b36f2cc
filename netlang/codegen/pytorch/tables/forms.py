"""How the operators and layers of the prelude are written in PyTorch.

Every fact about PyTorch is in the tables of this module. A template names the parameters of the
signature in the prelude: ``{x}`` is an argument, ``{x:a}`` one with parentheses where a method is
called on it. A form that depends on the arguments is a function of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from netlang.codegen.pytorch.printing.text import Text, binary, literal
from netlang.codegen.pytorch.tables.arguments import Arguments, NoFormError
from netlang.codegen.pytorch.tables.padding import module_padding
from netlang.ops.arguments import items, pair

Form = str | Callable[[Arguments], str]


def _dims(args: Arguments, name: str = "axis") -> str:
    """Return an axis, or several as a tuple."""
    shown = args[name]
    return f"({shown[1:-1]})" if shown.startswith("[") and "for" not in shown else str(shown)


def _reduction(method: str, whole: str = "") -> Form:
    def form(args: Arguments) -> str:
        if args.values["axis"] is None:
            keep = ", keepdim=True" if args.values["keep"] else ""
            axes = f"dim={tuple(range(args.rank('x')))}{keep}" if keep else ""
            return f"{args['x']:a}.{whole or method}({axes})"
        return f"{args['x']:a}.{method}(dim={_dims(args)}{args.options(keep=False)})"

    return form


def _gather(args: Arguments) -> str:
    if args.rank("ids") == 1:
        return f"torch.index_select({args['x']}, {args['axis']}, {args['ids']})"
    axis = args.values["axis"]
    assert isinstance(axis, int)
    before = ":, " * (axis % args.rank("x"))
    return f"{args['x']:a}[{before}{args['ids']}]"


def _global_pool(method: str) -> Form:
    return lambda args: f"{args['x']:a}.{method}(dim={tuple(range(2, args.rank('x')))})"


def _window(name: str, **defaults: object) -> Form:
    """Return the form of a pooling function; an asymmetric padding is a step of its own."""

    def form(args: Arguments) -> str:
        spatial = args.rank("x") - 2
        x, pad = args["x"], _padding(args)
        stride = "" if _same_window(args) else f", stride={args['stride']}"
        padding = f", padding={pad}" if pad != "0" else ""
        return (
            f"F.{name}{spatial}d({x}, {args['kernel']}{stride}{padding}{args.options(**defaults)})"
        )

    return form


def _same_window(args: Arguments) -> bool:
    return "stride" not in args.texts


def _padding(args: Arguments) -> str:
    """Return a padding that is the same before and after each axis."""
    value = args.values["pad"]
    if isinstance(value, int):
        return str(args["pad"])
    if all(isinstance(side, int) for side in items(value)):
        return str(args["pad"]).replace("[", "(").replace("]", ")")
    raise NoFormError("a padding that differs between the two sides of an axis")


def _spatial(name: str) -> Form:
    return lambda args: f"F.{name}{args.rank('x') - 2}d({args['x']}, {args['out']})"


def _interpolate(size: str) -> Form:
    def form(args: Arguments) -> str:
        rank = args.rank("x") - 2
        mode = str(args.values["mode"])
        linear = {1: "linear", 2: "bilinear", 3: "trilinear"}[rank]
        names = {"linear": linear, "cubic": "bicubic", "nearest_exact": "nearest-exact"}
        options = [f"{'scale_factor' if size == 'scale' else 'size'}={args[size]}"]
        options.append(f'mode="{names.get(mode, mode)}"')
        if args.values["align"]:
            options.append("align_corners=True")
        if args.values["antialias"]:
            options.append("antialias=True")
        return f"F.interpolate({args['x']}, {', '.join(options)})"

    return form


def _local_response_norm(args: Arguments) -> str:
    name = "F.local_response_norm"
    if args.values["within"]:
        name = args.helper("response_norm_within")
    return f"{name}({args['x']}, {args['size']}, {args['alpha']}, {args['beta']}, {args['k']})"


def _split(args: Arguments) -> str:
    method = "split" if isinstance(args.values["parts"], list | tuple) else "chunk"
    return f"{args['x']:a}.{method}({args['parts']}, dim={args['axis']})"


def _transpose(args: Arguments) -> str:
    order = args.values["order"]
    if not order:
        return f"{args['x']:a}.{'T' if args.rank('x') == 2 else 'permute(*range(x.dim())[::-1])'}"
    return f"{args['x']:a}.permute({args['order'].removeprefix('[').removesuffix(']')})"


def _sizes(method: str, name: str) -> Form:
    def form(args: Arguments) -> str:
        shown = args[name]
        inner = shown[1:-1] if shown.startswith("[") and shown.endswith("]") else f"*{shown:a}"
        return f"{args['x']:a}.{method}({inner})"

    return form


def _filled(args: Arguments) -> str:
    dtype = args.values["dtype"]
    kind = "" if str(dtype) == "f32" else f", dtype={literal(dtype)}"
    return f"torch.full({args['shape']}, {args['value']}{kind}, device={args.device()})"


def _tensor(args: Arguments) -> str:
    dtype = args.values["dtype"]
    kind = "" if dtype is None else f", dtype={literal(dtype)}"
    return f"torch.tensor({args['values']}{kind}, device={args.device()})"


def _flatten(args: Arguments) -> str:
    end = "" if args.values["end"] == -1 else f", {args['end']}"
    return f"{args['x']:a}.flatten({args['start']}{end})"


def _dropout(name: str) -> Form:
    return lambda args: f"F.{name}({args['x']}, {args['rate']}, {args.training()})"


def _channel_dropout(args: Arguments) -> str:
    return f"F.dropout{max(args.rank('x') - 2, 1)}d({args['x']}, {args['rate']}, {args.training()})"


def _batch_norm(args: Arguments) -> str:
    tensors = ", ".join(args[name] for name in ("x", "mean", "var", "scale", "shift"))
    return f"F.batch_norm({tensors}, {args.training()}, {args['momentum']}, {args['eps']})"


def _recurrent(name: str) -> Form:
    weights = ("x", "weight_ih", "weight_hh", "bias_ih", "bias_hh")
    states = ("h0", "c0") if name == "lstm" else ("h0",)

    def form(args: Arguments) -> str:
        given = [str(args[w]) for w in weights]
        for option in (*states, "length"):
            if args.values[option] is not None:
                given.append(f"{option}={args[option]}")
        kind = args.values.get("activation", "tanh")
        helper = args.helper(f"{name}_{kind}" if name == "rnn" else name)
        if args.values["reverse"]:
            given.append("reverse=True")
        return f"{helper}({', '.join(given)})"

    return form


def _pad(args: Arguments) -> str:
    amounts = args.values["amounts"]
    sides = [amounts] * (args.rank("x") - 2) if isinstance(amounts, int) else items(amounts)
    flat = [str(n) for side in reversed(sides) for n in pair(side, "amounts")]
    options = f', mode="{args.values["mode"]}"' if args.values["mode"] != "constant" else ""
    value = f", value={args['value']}" if args.values["value"] else ""
    return f"F.pad({args['x']}, ({', '.join(flat)}){options}{value})"


def _einsum(args: Arguments) -> str:
    rest = f", {args['b']}" if args.values["b"] is not None else ""
    return f"torch.einsum({args['rule']}, {args['a']}{rest})"


def _gelu(args: Arguments) -> str:
    return f"F.gelu({args['x']}{', approximate=' if args.values['approximate'] else ''}" + (
        '"tanh")' if args.values["approximate"] else ")"
    )


def _function(name: str, *params: str) -> str:
    """Return the template of a function of some parameters."""
    return f"{name}({', '.join(f'{{{param}}}' for param in params)})"


def _prefixed(prefix: str, *names: str) -> dict[str, Form]:
    return {name: f"{prefix}{name}({{x}})" for name in names}


FORMS: Mapping[str, Form] = {
    **_prefixed("F.", "relu", "softsign", "selu", "silu", "mish", "hardswish", "hardsigmoid"),
    **_prefixed("F.", "relu6", "tanhshrink"),
    **_prefixed("torch.", "sigmoid", "tanh", "exp", "log", "sqrt", "erf", "sin", "cos", "tan"),
    **_prefixed("torch.", "atan", "asin", "acos", "sinh", "cosh", "asinh", "acosh", "atanh"),
    **_prefixed("torch.", "floor", "ceil", "round", "reciprocal", "abs", "sign", "square"),
    "log_sigmoid": "F.logsigmoid({x})",
    "softplus": "F.softplus({x}, {beta})",
    "gelu": _gelu,
    "leaky_relu": _function("F.leaky_relu", "x", "slope"),
    "elu": "F.elu({x}, {alpha})",
    "celu": "F.celu({x}, {alpha})",
    "hardtanh": "F.hardtanh({x}, {low}, {high})",
    "softmax": "F.softmax({x}, dim={axis})",
    "log_softmax": "F.log_softmax({x}, dim={axis})",
    "is_nan": "{x:a}.isnan()",
    "is_inf": "{x:a}.isinf()",
    "fmod": "torch.fmod({a}, {b})",
    "clamp": "{x:a}.clamp({low}, {high})",
    "maximum": "torch.maximum({a}, {b})",
    "minimum": "torch.minimum({a}, {b})",
    "select": "torch.where({mask}, {yes}, {no})",
    "logical_xor": "torch.logical_xor({a}, {b})",
    "cast": "{x:a}.to({to})",
    "dropout": _dropout("dropout"),
    "_dropout": _dropout("dropout"),
    "dropout_channels": _channel_dropout,
    "alpha_dropout": _dropout("alpha_dropout"),
    "stop_gradient": "{x:a}.detach()",
    "local_response_norm": _local_response_norm,
    "l2_normalize": "F.normalize({x}, dim={axis}, eps={eps})",
    "flatten": _flatten,
    "reshape": _sizes("reshape", "shape"),
    "transpose": _transpose,
    "swap_axes": "{x:a}.transpose({a}, {b})",
    "swap_last": "{x:a}.mT",
    "squeeze": lambda args: f"{args['x']:a}.squeeze({_dims(args)})",
    "unsqueeze": "{x:a}.unsqueeze({axis})",
    "expand": _sizes("expand", "shape"),
    "tile": _sizes("repeat", "repeats"),
    "concat": "torch.cat({xs}, dim={axis})",
    "stack": "torch.stack({xs}, dim={axis})",
    "split": _split,
    "flip": lambda args: f"{args['x']:a}.flip({_dims(args)})",
    "reverse_time": lambda args: (
        f"{args['x']:a}.flip(1)"
        if args.values["length"] is None
        else f"{args.helper('reverse_time')}({args['x']}, {args['length']})"
    ),
    "pad": _pad,
    "iota": lambda args: f"torch.arange({args['n']}, device={args.device()})",
    "full": _filled,
    "tensor": _tensor,
    "global_avg_pool": _global_pool("mean"),
    "global_max_pool": _global_pool("amax"),
    "sum": _reduction("sum"),
    "mean": _reduction("mean"),
    "max": _reduction("amax"),
    "min": _reduction("amin"),
    "argmax": lambda args: f"{args['x']:a}.argmax(dim={args['axis']}{args.options(keep=False)})",
    "argmin": lambda args: f"{args['x']:a}.argmin(dim={args['axis']}{args.options(keep=False)})",
    "matmul": lambda args: binary("@", args["a"], args["b"]),
    "einsum": _einsum,
    "ranked": lambda args: (
        f"torch.topk({args['x']}, {args['k']}, dim={args['axis']}"
        + (", largest=False)" if args.values["smallest"] else ")")
    ),
    "gather": _gather,
    "take_along": "torch.gather({x}, {axis}, {ids})",
    "gather_rows": "F.embedding({ids}, {table})",
    "one_hot": "F.one_hot({ids}, {classes}).float()",
    "pixel_shuffle": "F.pixel_shuffle({x}, {factor})",
    "pixel_unshuffle": "F.pixel_unshuffle({x}, {factor})",
    "max_pool": _window("max_pool", dilation=1, ceil=False),
    "avg_pool": _window("avg_pool", ceil=False, count_pad=True),
    "adaptive_avg_pool": _spatial("adaptive_avg_pool"),
    "adaptive_max_pool": _spatial("adaptive_max_pool"),
    "upsample": _interpolate("scale"),
    "resize": _interpolate("size"),
    "linear": lambda args: (
        f"F.linear({args['x']}, {args['weight']}"
        + (")" if args.values["bias"] is None else f", {args['bias']})")
    ),
    "_prelu": _function("F.prelu", "x", "slope"),
    "normalize_batch": _batch_norm,
    "normalize_layer": "F.layer_norm({x}, {scale:a}.shape, {scale}, {shift}, {eps})",
    "normalize_group": "F.group_norm({x}, {groups}, {scale}, {shift}, {eps})",
    "normalize_rms": "F.rms_norm({x}, {scale:a}.shape, {scale}, {eps})",
    "rnn_layer": _recurrent("rnn"),
    "gru_layer": _recurrent("gru"),
    "lstm_layer": _recurrent("lstm"),
}  # fmt: skip
"""Functions of tensors: operators, and functions of the prelude that PyTorch has too."""


NUMBERS: Mapping[str, Form] = {
    "larger": "max({a}, {b})",
    "smaller": "min({a}, {b})",
    "int": "int({x})",
    "float": "float({x})",
    "sqrt": "math.sqrt({x})",
    "log": "math.log({x})",
    "exp": "math.exp({x})",
    "ceil": "math.ceil({x})",
    "floor": "math.floor({x})",
    "abs": "abs({x})",
    "len": "len({xs})",
    "total": "sum({xs})",
    "product": "math.prod({xs})",
    "greatest": "max({xs})",
    "least": "min({xs})",
    "reverse": "{xs:a}[::-1]",
    "enumerate": "list(enumerate({xs}))",
    "zip": "list(zip({a}, {b}))",
    "flat": "[x for items in {xs} for x in items]",
    "rank": "{x:a}.dim()",
    "size": "{x:a}.shape[{axis}]",
    "shape": "list({x:a}.shape)",
    "element": "{x:a}.dtype",
}
"""Functions of numbers and lists, and of the types of tensors."""


def _convolution(name: str) -> Callable[[Arguments, Text], str]:
    def form(args: Arguments, channels: Text) -> str:
        padding = module_padding(args)
        options = f", {padding}" if padding else ""
        options += args.options(dilation=1, groups=1)
        options += ", bias=False" if args.values["bias"] is False else _flag(args, "bias")
        stride = (
            ""
            if args.values["stride"] == 1 and "stride" not in args.texts
            else (f", stride={args['stride']}")
        )
        if "out_pad" in args.values:
            options += args.options(out_pad=0)
        kind = f"nn.{name}{args.rank('x') - 2}d"
        return f"{kind}({channels}, {args['out']}, {args['kernel']}{stride}{options})"

    return form


def _flag(args: Arguments, name: str) -> str:
    return f", {name}={args[name]}" if name in args.texts and args[name] != "True" else ""


MODULES: Mapping[str, Callable[[Arguments, Text], str]] = {
    "dense": lambda args, size: (
        f"nn.Linear({size}, {args['out']}"
        + (", bias=False" if args.values["bias"] is False else _flag(args, "bias"))
        + ")"
    ),
    "conv": _convolution("Conv"),
    "conv_transpose": _convolution("ConvTranspose"),
    "embedding": lambda args, _: f"nn.Embedding({args['vocab']}, {args['dim']})",
}
"""Layers whose parameters have the same names and shapes in PyTorch.

A form gets the arguments and the number of channels of the operand.
"""

OPERAND_AXIS = {"dense": -1, "conv": 1, "conv_transpose": 1, "embedding": 0}
"""The axis of the operand that determines the shape of the parameters of a module."""

INITIALIZERS: Mapping[str, str] = {
    "constant": "nn.init.constant_({w}, {0})",
    "normal": "nn.init.normal_({w}, {1}, {0})",
    "uniform": "nn.init.uniform_({w}, {0}, {1})",
    "xavier_uniform": "nn.init.xavier_uniform_({w}, {0})",
    "xavier_normal": "nn.init.xavier_normal_({w}, {0})",
    "kaiming_uniform": 'nn.init.kaiming_uniform_({w}, nonlinearity="relu")',
    "kaiming_normal": 'nn.init.kaiming_normal_({w}, nonlinearity="relu")',
    "fan_in_uniform": "nn.init.kaiming_uniform_({w}, math.sqrt(5))",
    "bound_uniform": "nn.init.uniform_({w}, -1 / math.sqrt({0}), 1 / math.sqrt({0}))",
    "truncated_normal": "nn.init.trunc_normal_({w}, {1}, {0}, {2}, {3})",
    "orthogonal": "nn.init.orthogonal_({w}, {0})",
    "bilinear_kernel": "bilinear_kernel_({w})",
}
"""Initial values of parameters, by the rules of ``netlang.ir.initializers``."""

OWN_INITIALIZERS = {"dense": "fan_in_uniform", "conv": "fan_in_uniform", "embedding": "normal",
                    "conv_transpose": "fan_in_uniform"}  # fmt: skip
"""The rule that PyTorch itself applies to the weight of a module."""

MODULE_ATTRIBUTES = frozenset({
    "T_destination", "add_module", "append", "apply", "bfloat16", "buffers",
    "call_super_init", "children",
    "clear", "compile", "cpu", "cuda", "double", "dump_patches", "eval", "extend", "extra_repr",
    "float", "forward", "get_buffer", "get_extra_state", "get_parameter", "get_submodule",
    "half", "insert", "ipu", "items", "keys", "load_state_dict", "modules", "mtia",
    "named_buffers", "named_children", "named_modules", "named_parameters", "parameters", "pop",
    "register_backward_hook", "register_buffer", "register_forward_hook",
    "register_forward_pre_hook", "register_full_backward_hook",
    "register_full_backward_pre_hook", "register_load_state_dict_post_hook",
    "register_load_state_dict_pre_hook", "register_module", "register_parameter",
    "register_state_dict_post_hook", "register_state_dict_pre_hook", "requires_grad_",
    "set_extra_state", "set_submodule", "share_memory", "state_dict", "to", "to_empty", "train",
    "training", "type", "update", "values", "xpu", "zero_grad",
})  # fmt: skip
"""Names of attributes of modules and containers, which no layer can have as an attribute."""
