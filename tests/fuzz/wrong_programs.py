"""One error in a correct program: over fifty kinds, each of which people make."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from random import Random
from typing import NamedTuple, TypeVar

from originals import Original
from typos import typo

from netlang.diagnostics.source import Span
from netlang.syntax import ast
from netlang.syntax.walk import walk

Kind = Callable[[Original, Random], str | None]
"""Returns the text of a program with one error, or ``None`` where it cannot be made."""

LAYERS = (
    "conv", "conv_transpose", "dense", "max_pool", "avg_pool", "batch_norm", "layer_norm",
    "dropout", "embedding", "lstm", "gru", "rnn", "multi_head_attention", "encoder_layer",
    "separable_conv", "depthwise_conv",
)  # fmt: skip
PYTORCH = {
    "conv": "Conv2d", "conv_transpose": "ConvTranspose2d", "dense": "Linear",
    "max_pool": "MaxPool2d", "avg_pool": "AvgPool2d", "batch_norm": "BatchNorm2d",
    "layer_norm": "LayerNorm", "dropout": "Dropout", "embedding": "Embedding", "lstm": "LSTM",
    "gru": "GRU", "rnn": "RNN", "relu": "ReLU", "leaky_relu": "LeakyReLU", "sigmoid": "Sigmoid",
    "tanh": "Tanh", "softmax": "Softmax", "gelu": "GELU", "silu": "SiLU", "flatten": "Flatten",
    "cross_entropy": "CrossEntropyLoss", "mse": "MSELoss", "bce_with_logits": "BCEWithLogitsLoss",
    "sgd": "SGD", "adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop", "concat": "cat",
    "unsqueeze": "expand_dims", "transpose": "permute", "reshape": "view", "random_normal": "randn",
    "multi_head_attention": "MultiheadAttention", "batches": "DataLoader", "cosine":
    "CosineAnnealingLR", "early_stop": "EarlyStopping", "global_avg_pool": "GlobalAvgPool",
}  # fmt: skip
ACTIVATIONS = {
    "relu": ("Relu", "ReLU", "rectifier", "rleu"), "leaky_relu": ("leakyrelu", "lrelu"),
    "sigmoid": ("sigmod", "logistic", "Sigmoid"), "tanh": ("Tanh", "tan_h"),
    "softmax": ("soft_max", "Softmax", "sofmax"), "gelu": ("GeLU", "gelu_"),
    "silu": ("SiLU", "swish1"), "elu": ("ELU",), "selu": ("SELU",), "hardswish": ("hard_swish",),
    "log_softmax": ("logsoftmax",), "softplus": ("soft_plus",),
}  # fmt: skip
THEIR_KEYWORDS = {
    "pad": ("padding",), "kernel": ("kernel_size",), "axis": ("dim",), "keep": ("keepdim",),
    "eps": ("epsilon",), "dilation": ("dilation_rate",), "bias": ("use_bias",),
    "stride": ("strides",), "init": ("kernel_initializer",), "decay": ("weight_decay",),
    "layers": ("num_layers",), "out_pad": ("output_padding",), "heads": ("num_heads",),
    "out": ("out_channels", "units", "filters"), "smoothing": ("label_smoothing",),
    "rate": ("p",), "units": ("hidden_size",), "groups": ("num_groups",),
    "slope": ("negative_slope",),
    "ceil": ("ceil_mode",), "lr": ("learning_rate",), "count_pad": ("count_include_pad",),
    "factor": ("upscale_factor",), "class_weights": ("weight",), "size": ("batch_size",),
}  # fmt: skip
THEIR_SETTINGS = {
    "optimizer": ("optim", "opt"), "loss": ("criterion", "objective"), "run": ("epochs",),
    "valid": ("validation", "val"), "data": ("dataset", "train_data"), "metrics": ("metric",),
    "clip": ("gradient_clip",), "init": ("initializer",), "stop": ("early_stopping",),
}  # fmt: skip
THEIR_INITIALIZERS = {
    "normal": ("RandomNormal", "gaussian"), "kaiming_normal": ("he_normal",),
    "kaiming_uniform": ("he_uniform",), "xavier_uniform": ("glorot_uniform", "xavier"),
    "xavier_normal": ("glorot_normal",), "uniform": ("RandomUniform",),
    "truncated_normal": ("trunc_normal",),
}  # fmt: skip


# ---- names -------------------------------------------------------------------------------


def misspelled_function(original: Original, draw: Random) -> str | None:
    names = [c.callee.span for c in original.calls]
    names += [p.stages[i].span for p, i in original.stages if isinstance(p.stages[i], ast.Name)]
    return _misspelled(original, names, draw)


def misspelled_local(original: Original, draw: Random) -> str | None:
    bound = {t.text for b in original.all(ast.Bind) for t in b.targets}
    bound |= {p.name.text for d in original.all(ast.Definition) for p in d.params}
    return _misspelled(original, [n.span for n in original.all(ast.Name) if n.text in bound], draw)


def misspelled_parameter(original: Original, draw: Random) -> str | None:
    return _misspelled(original, [a.name.span for a in _named(original)], draw)


def misspelled_setting(original: Original, draw: Random) -> str | None:
    return _misspelled(original, [b.targets[0].span for b in _settings(original)], draw)


def misspelled_import(original: Original, draw: Random) -> str | None:
    return _misspelled(original, [i.name.span for i in original.all(ast.ImportName)], draw)


def misspelled_column(original: Original, draw: Random) -> str | None:
    return _misspelled(original, [f.name.span for f in _columns(original)], draw)


def misspelled_dataset(original: Original, draw: Random) -> str | None:
    calls = original.calls_of("digits", "fashion_mnist", "mnist", "cifar10", "two_moons", "spirals")
    return _misspelled(original, [c.callee.span for c in calls], draw)


def capital_letters(original: Original, draw: Random) -> str | None:
    call = _chosen(original.calls, draw)
    return call and original.replaced(call.callee.span, call.callee.span.text.capitalize())


def name_of_pytorch(original: Original, draw: Random) -> str | None:
    return _renamed(original, {n: (theirs,) for n, theirs in PYTORCH.items()}, draw)


def wrong_activation(original: Original, draw: Random) -> str | None:
    return _renamed(original, ACTIVATIONS, draw)


def wrong_initializer(original: Original, draw: Random) -> str | None:
    return _renamed(original, THEIR_INITIALIZERS, draw)


def initializer_in_quotes(original: Original, draw: Random) -> str | None:
    calls = original.calls_of(*THEIR_INITIALIZERS)
    calls = [c for c in calls if not c.args]
    call = _chosen(calls, draw)
    if call is None:
        call = _chosen(original.calls_of("conv", "dense"), draw)
        return call and _with(original, call, f'init="{draw.choice(("he_normal", "xavier"))}"')
    theirs = draw.choice(THEIR_INITIALIZERS[call.callee.span.text])
    return original.replaced(call.span, f'"{theirs}"')


def module_in_front(original: Original, draw: Random) -> str | None:
    call = _chosen(original.calls_of(*LAYERS), draw)
    return call and original.replaced(call.callee.span, f"nn.{call.callee.span.text}")


def method_for_function(original: Original, draw: Random) -> str | None:
    names = ("reshape", "mean", "sum", "transpose", "unsqueeze", "squeeze", "flatten")
    calls = [
        c for c in original.calls_of(*names) if c.args and isinstance(c.args[0].value, ast.Name)
    ]
    call = _chosen(calls, draw)
    if call is None:
        return None
    rest = ", ".join(a.span.text for a in call.args[1:])
    return original.replaced(call.span, f"{call.args[0].span.text}.{call.callee.span.text}({rest})")


def wrong_type_name(original: Original, draw: Random) -> str | None:
    theirs = {"f32": "float32", "i64": "int64", "int": "integer", "float": "double", "bool":
              "boolean", "u8": "uint8", "f64": "float64", "str": "string"}  # fmt: skip
    spans = [t.element.span for t in original.all(ast.ShapeType)]
    spans += [t.span for t in original.all(ast.NameType)]
    span = _chosen([s for s in spans if s.text in theirs], draw)
    return span and original.replaced(span, theirs[span.text])


def wrong_setting(original: Original, draw: Random) -> str | None:
    binds = [b for b in _settings(original) if b.targets[0].text in THEIR_SETTINGS]
    bind = _chosen(binds, draw)
    if bind is None:
        return None
    theirs = draw.choice(THEIR_SETTINGS[bind.targets[0].text])
    return original.replaced(bind.targets[0].span, theirs)


# ---- arguments ---------------------------------------------------------------------------


def wrong_kernel(original: Original, draw: Random) -> str | None:
    def changed(call: ast.Call) -> ast.Argument | None:
        named = next((a for a in call.args if a.name and a.name.text == "kernel"), None)
        numbers = [a for a in call.args if a.name is None and isinstance(a.value, ast.Int)]
        pooled = call.callee.span.text.endswith("pool")
        return named or (numbers[0 if pooled else 1] if len(numbers) > (not pooled) else None)

    windows = original.calls_of("conv", "max_pool", "avg_pool", "conv_transpose")
    argument = _chosen([a for c in windows if (a := changed(c)) is not None], draw)
    return argument and original.replaced(argument.value.span, draw.choice(("99", "0", "64", "7")))


def wrong_stride(original: Original, draw: Random) -> str | None:
    argument = _chosen([a for a in _named(original) if a.name.text == "stride"], draw)
    if argument is None:
        return None
    # A float is one error only where it is the right number.
    number = argument.value.span.text
    floats = [f"{number}.0"] if number.isdecimal() else []
    return original.replaced(argument.value.span, draw.choice(("0", "3", "-1", *floats)))


def wrong_padding(original: Original, draw: Random) -> str | None:
    argument = _chosen([a for a in _named(original) if a.name.text == "pad"], draw)
    # A text for a word is one error only where it is the right word.
    words = ('"same"', "SAME") if argument and argument.value.span.text == "same" else ()
    wrong = draw.choice((*words, "7", "-1", "0", "true"))
    return argument and original.replaced(argument.value.span, wrong)


def swapped_arguments(original: Original, draw: Random) -> str | None:
    calls = [c for c in original.calls if len([a for a in c.args if a.name is None]) > 1]
    call = _chosen(calls, draw)
    if call is None:
        return None
    first, second = [a.span for a in call.args if a.name is None][:2]
    between = original.text[first.end : second.start]
    whole = Span(first.source, first.start, second.end)
    return original.replaced(whole, f"{second.text}{between}{first.text}")


def inputs_written(original: Original, draw: Random) -> str | None:
    """The number of inputs comes first, as in PyTorch."""
    names = ("conv", "dense", "batch_norm", "layer_norm", "lstm", "gru", "rnn", "conv_transpose")
    call = _chosen(original.calls_of(*names), draw)
    type = original.input_of(call) if call is not None else None
    if call is None or type is None or type.rank < 2:
        return None
    spatial = call.callee.span.text in ("conv", "batch_norm", "conv_transpose")
    size = type.shape[1 if spatial else -1]
    at = 0 if any(call in pipe.stages for pipe in original.all(ast.Pipe)) else 1
    given = [a.span.text for a in call.args]
    text = ", ".join([*given[:at], str(size), *given[at:]])
    return original.replaced(call.span, f"{call.callee.span.text}({text})")


def stride_by_position(original: Original, draw: Random) -> str | None:
    """The stride or the padding is passed by position, as in PyTorch and Keras."""
    windows = original.calls_of("conv", "max_pool", "avg_pool", "conv_transpose")
    call = _chosen(
        [c for c in windows if any(a.name and a.name.text == "stride" for a in c.args)], draw
    )
    if call is None:
        return None
    stride = next(a for a in call.args if a.name and a.name.text == "stride")
    return original.replaced(stride.span, stride.value.span.text)


def one_argument_more(original: Original, draw: Random) -> str | None:
    # A number after the kernel of a pool is its stride elsewhere, which changes other shapes.
    pools = original.calls_of("max_pool", "avg_pool")
    call = _chosen([c for c in original.calls if c.args and c not in pools], draw)
    return call and _with(original, call, draw.choice(("1", "true", "0.1")), last=False)


def keyword_of_others(original: Original, draw: Random) -> str | None:
    arguments = [a for a in _named(original) if a.name.text in THEIR_KEYWORDS]
    argument = _chosen(arguments, draw)
    if argument is None:
        return None
    return original.replaced(argument.name.span, draw.choice(THEIR_KEYWORDS[argument.name.text]))


def keyword_more(original: Original, draw: Random) -> str | None:
    call = _chosen(original.calls_of(*LAYERS), draw)
    words = ("in_channels=3", "inplace=true", 'name="first"', "input_shape=28",
             "dtype=f32", "trainable=true", "device=0", 'padding_mode="zeros"')  # fmt: skip
    return call and _with(original, call, draw.choice(words))


def activation_argument(original: Original, draw: Random) -> str | None:
    """The activation is an argument of the layer, as in Keras."""
    layers = [(p.stages[i], p.stages[i + 1]) for p, i in original.stages if i + 1 < len(p.stages)]
    layers = [(layer, act) for layer, act in layers if isinstance(layer, ast.Call)
              and layer.callee.span.text in LAYERS and act.span.text in ACTIVATIONS]  # fmt: skip
    chosen = _chosen(layers, draw)
    if chosen is None:
        return None
    layer, act = chosen
    whole = Span(layer.span.source, layer.span.end - 1, act.span.end)
    return original.replaced(whole, f', activation="{act.span.text}")')


def optimizer_argument(original: Original, draw: Random) -> str | None:
    call = _chosen(original.calls_of("sgd", "adam", "adamw", "rmsprop", "adagrad"), draw)
    if call is None:
        return None
    first = call.args[0] if call.args and call.args[0].name is None else None
    words = (
        "weight_decay=0.01",
        "weightdecay=0.1",
        "l2=0.1",
        "amsgrad=true",
        "momentm=0.9",
        "beta_1=0.8",
    )
    if first is None or draw.random() < 0.5:
        return _with(original, call, draw.choice(words))
    keyword = draw.choice(("learning_rate", "rate", "learningrate"))
    return original.replaced(first.span, f"{keyword}={first.span.text}")


def one_argument_less(original: Original, draw: Random) -> str | None:
    arguments = [(c, a) for c in original.calls for a in c.args if a.name is None]
    chosen = _chosen(arguments, draw)
    return chosen and _without(original, *chosen)


def missing_axis(original: Original, draw: Random) -> str | None:
    arguments = [(c, a) for c in original.calls for a in c.args if a.name and a.name.text == "axis"]
    chosen = _chosen(arguments, draw)
    return chosen and _without(original, *chosen)


def list_without_brackets(original: Original, draw: Random) -> str | None:
    lists = [a.value for c in original.calls for a in c.args if isinstance(a.value, ast.List)]
    chosen = _chosen([given for given in lists if given.items], draw)
    return chosen and original.replaced(chosen.span, chosen.span.text[1:-1])


def text_for_number(original: Original, draw: Random) -> str | None:
    number = _chosen([a.value for a in original.all(ast.Argument) if _is_number(a.value)], draw)
    return number and original.replaced(number.span, f'"{number.span.text}"')


def percent(original: Original, draw: Random) -> str | None:
    numbers = [n for n in original.all(ast.Float) if 0.001 <= n.value < 1]
    number = _chosen(numbers, draw)
    return number and original.replaced(number.span, f"{number.value * 100:g}%")


def decimal_comma(original: Original, draw: Random) -> str | None:
    numbers = [n for n in original.all(ast.Float) if re.fullmatch(r"\d+\.\d+", n.span.text)]
    number = _chosen(numbers, draw)
    return number and original.replaced(number.span, number.span.text.replace(".", ","))


def groups_not_dividing(original: Original, draw: Random) -> str | None:
    argument = _chosen([a for a in _named(original) if a.name.text == "groups"], draw)
    if argument is not None and isinstance(argument.value, ast.Int):
        return original.replaced(argument.value.span, draw.choice(("5", "7", "11")))
    call = _chosen(original.calls_of("conv"), draw)
    return call and _with(original, call, f"groups={draw.choice((5, 7, 11))}")


def heads_not_dividing(original: Original, draw: Random) -> str | None:
    places = original.calls_of("multi_head_attention", "encoder_layer", "decoder_layer")
    numbers = [a.value for c in places for a in c.args if isinstance(a.value, ast.Int)]
    number = _chosen(numbers, draw)
    return number and original.replaced(number.span, draw.choice(("5", "7", "11")))


# ---- structure ---------------------------------------------------------------------------


def missing_import(original: Original, draw: Random) -> str | None:
    found = _chosen(original.all(ast.Import), draw)
    return found and original.replaced(found.span, "")


def missing_new(original: Original, draw: Random) -> str | None:
    found = _chosen(original.all(ast.New), draw)
    return found and original.replaced(found.span, found.span.text.removeprefix("new").lstrip())


def missing_flatten(original: Original, draw: Random) -> str | None:
    return _without_stage(original, draw, lambda text: text.startswith("flatten"))


def missing_stage(original: Original, draw: Random) -> str | None:
    return _without_stage(original, draw, lambda _: True)


def flatten_before(original: Original, draw: Random) -> str | None:
    stages = [p.stages[i] for p, i in original.stages]
    windows = [
        s for s in stages if re.match(r"(conv|max_pool|avg_pool|conv_transpose)\(", s.span.text)
    ]
    stage = _chosen(windows, draw)
    return stage and original.replaced(stage.span, f"flatten |> {stage.span.text}")


def transposed_axes(original: Original, draw: Random) -> str | None:
    lists = [a.value for c in original.calls_of("transpose") for a in c.args]
    orders = [given for given in lists if isinstance(given, ast.List) and len(given.items) > 2]
    # Data have the channels first: a section that passes them would be wrong, too.
    nets = [] if original.all(ast.Train) else original.all(ast.Definition)
    shapes = [p.type for d in nets for p in d.params
              if isinstance(p.type, ast.ShapeType) and len(p.type.dims) > 2]  # fmt: skip
    chosen = _chosen([*orders, *shapes], draw)
    if chosen is None:
        return None
    items = [d.span for d in (chosen.items if isinstance(chosen, ast.List) else chosen.dims)]
    whole = Span(items[0].source, items[1].start, items[-1].end)
    rest = [s.text for s in items[2:]] + [items[1].text]
    return original.replaced(whole, ", ".join(rest))


def width_of_a_sum(original: Original, draw: Random) -> str | None:
    """A layer that makes one operand of a sum has another width."""
    if not any(b.op == "+" for b in original.all(ast.Binary)):
        return None
    given = [a for c in original.calls_of("conv", "dense", "conv_bn") for a in c.args]
    ints = [a.value for a in given if a.name is None and isinstance(a.value, ast.Int)]
    numbers = [number for number in ints if number.value > 7]
    number = _chosen(numbers, draw)
    return number and original.replaced(number.span, draw.choice(("48", "50", "100")))


def size_of_the_result(original: Original, draw: Random) -> str | None:
    types = [o.type for d in original.all(ast.Definition) for o in d.outs]
    dims = [d for t in types if isinstance(t, ast.ShapeType) for d in t.dims]
    sizes = [d for d in dims if isinstance(d, ast.Int)]
    size = _chosen(sizes, draw)
    return size and original.replaced(size.span, str(size.value + draw.choice((-1, 1, 7))))


def wrong_dimension(original: Original, draw: Random) -> str | None:
    names = [d.span for t in original.all(ast.ShapeType) for d in t.dims
             if isinstance(d, ast.Name) and d.text.isupper()]  # fmt: skip
    span = _chosen(names, draw)
    return span and original.replaced(
        span, draw.choice((span.text.lower(), "M", "Q", "B", span.text * 2))
    )


def up_by_one(original: Original, draw: Random) -> str | None:
    call = _chosen(original.calls_of("conv_transpose"), draw)
    if call is None:
        return None
    numbers = [a for a in call.args if a.name is None and isinstance(a.value, ast.Int)]
    if len(numbers) < 2:
        return None
    kernel = numbers[1].value
    return original.replaced(kernel.span, str(int(kernel.span.text) + draw.choice((-1, 1))))


def record_in_arithmetic(original: Original, draw: Random) -> str | None:
    fields = [f for f in original.all(ast.Field) if f.name.text in ("y", "h", "attn", "last")]
    field = _chosen(fields, draw)
    return field and original.replaced(field.span, field.value.span.text)


def element_type(original: Original, draw: Random) -> str | None:
    params = [p.type for d in original.all(ast.Definition) for p in d.params]
    elements = [t.element.span for t in params if isinstance(t, ast.ShapeType)]
    span = _chosen([s for s in elements if s.text in ("f32", "i64")], draw)
    return span and original.replaced(span, "i64" if span.text == "f32" else "f32")


def unused_dataset(original: Original, draw: Random) -> str | None:
    if not original.all(ast.Train):
        return None
    extra = 'dataset prices -> (area: f32[3], price: f32[1]) {\n  csv = "prices.csv"\n}\n'
    return f"{original.text}\n{extra}"


def column_type(original: Original, draw: Random) -> str | None:
    outs = [o for d in original.all(ast.Extern) if d.kind == "dataset" for o in d.outs]
    types = [o.type for o in outs if isinstance(o.type, ast.ShapeType)]
    type = _chosen(types, draw)
    if type is None:
        return None
    dims = ", ".join(d.span.text for d in type.dims)
    wrong = (f"{type.element.text}[N, {dims}]", "int", "f32", f"str[{dims}]", f"[{dims}]")
    return original.replaced(type.span, draw.choice(wrong))


def unit_of_the_run(original: Original, draw: Random) -> str | None:
    run = _chosen(original.all(ast.Duration), draw)
    if run is None:
        return None
    number, _, unit = run.span.text.partition(" ")
    wrong = (f"{number} epcohs", number, f"{number} iterations", f'"{run.span.text}"',
             f"{unit} {number}", f"{number} batches", f"{number}.5 {unit}")  # fmt: skip
    return original.replaced(run.span, draw.choice(wrong))


def split_of_the_data(original: Original, draw: Random) -> str | None:
    splits = [a.value for c in original.calls for a in c.args if isinstance(a.value, ast.Str)]
    theirs = {"train": ('"trian"', '"training"', "train"), "test": ('"tset"', '"testing"', "test")}
    split = _chosen([s for s in splits if s.value in theirs], draw)
    return split and original.replaced(split.span, draw.choice(theirs[split.value]))


def bound_twice(original: Original, draw: Random) -> str | None:
    """Two values in a row have one name, as in Python."""
    suites = [s.statements for s in original.all(ast.Suite)]
    pairs = [
        (first, second)
        for statements in suites
        for first, second in pairwise(statements)
        if isinstance(first, ast.Bind) and isinstance(second, ast.Bind)
        if len(first.targets) == len(second.targets) == 1
    ]
    pair = _chosen(pairs, draw)
    if pair is None:
        return None
    old, new = pair[1].targets[0].text, pair[0].targets[0].text
    own = next(d for d in original.all(ast.Definition) if pair[0] in walk(d))
    outs = {out.name.text for out in own.outs}
    rest = [n for n in walk(own) if isinstance(n, ast.Name) and n.span.start > pair[1].span.end]
    if (old in outs and new in outs) or any(n.text == new for n in rest):
        return None
    if old in outs:
        old, new = new, old
    spans = [n.span for n in walk(own) if isinstance(n, ast.Name | ast.Ident) and n.text == old]
    text = original.text
    for span in sorted(set(spans), key=lambda span: -span.start):
        text = text[: span.start] + new + text[span.end :]
    return text


def lines_exchanged(original: Original, draw: Random) -> str | None:
    suite = _chosen([s for s in original.all(ast.Suite) if len(s.statements) > 1], draw)
    if suite is None:
        return None
    at = draw.randrange(len(suite.statements) - 1)
    first, second = suite.statements[at].span, suite.statements[at + 1].span
    between = original.text[first.end : second.start]
    whole = Span(first.source, first.start, second.end)
    return original.replaced(whole, f"{second.text}{between}{first.text}")


def unused_value(original: Original, draw: Random) -> str | None:
    suite = _chosen(original.all(ast.Suite), draw)
    bind = suite.statements[0] if suite is not None and suite.statements else None
    if not isinstance(bind, ast.Bind):
        return None
    start = Span(bind.span.source, bind.span.start, bind.span.start)
    return original.replaced(start, f"extra = {bind.value.span.text}\n  ")


# ---- signs -------------------------------------------------------------------------------


def missing_parenthesis(original: Original, draw: Random) -> str | None:
    return _one_sign(original, draw, r"\)", "")


def missing_bracket(original: Original, draw: Random) -> str | None:
    return _one_sign(original, draw, r"\]", "")


def missing_brace(original: Original, draw: Random) -> str | None:
    return _one_sign(original, draw, r"[{}]", "")


def missing_comma(original: Original, draw: Random) -> str | None:
    return _one_sign(original, draw, r",", "")


def double_equals(original: Original, draw: Random) -> str | None:
    return _one_sign(original, draw, r"(?<= )=(?= )", "==")


def colon_for_equals(original: Original, draw: Random) -> str | None:
    return _one_sign(original, draw, r"(?<=\w)=(?=\w)", ": ")


def shift_for_pipe(original: Original, draw: Random) -> str | None:
    return _one_sign(original, draw, r"\|>", draw.choice((">>", "|", "->", ">|")))


def missing_quote(original: Original, draw: Random) -> str | None:
    return _one_sign(original, draw, r'"', "")


def constant_of_python(original: Original, draw: Random) -> str | None:
    text = draw.choice(("true", "false", "none"))
    return _one_sign(original, draw, rf"\b{text}\b", text.capitalize())


# ---- parts -------------------------------------------------------------------------------

T = TypeVar("T")


class Keyword(NamedTuple):
    """An argument that is passed by name."""

    name: ast.Ident
    value: ast.Expr


def _chosen(items: Sequence[T], draw: Random) -> T | None:
    return draw.choice(items) if items else None


def _misspelled(original: Original, spans: Sequence[Span], draw: Random) -> str | None:
    span = _chosen([span for span in spans if len(span.text) > 2], draw)
    return span and original.replaced(span, typo(span.text, draw))


def _renamed(original: Original, names: Mapping[str, Sequence[str]], draw: Random) -> str | None:
    spans = [n.span for n in original.all(ast.Name) if n.text in names]
    span = _chosen(spans, draw)
    return span and original.replaced(span, draw.choice(names[span.text]))


def _named(original: Original) -> list[Keyword]:
    return [Keyword(a.name, a.value) for c in original.calls for a in c.args if a.name is not None]


def _settings(original: Original) -> list[ast.Bind]:
    binds = [i for t in original.all(ast.Train) for i in t.items if isinstance(i, ast.Bind)]
    return [b for b in binds if b.targets[0].text in THEIR_SETTINGS]


def _columns(original: Original) -> list[ast.Field]:
    return [f for f in original.all(ast.Field) if f.value.span.text == "batch"]


def _is_number(value: ast.Node) -> bool:
    return isinstance(value, ast.Int | ast.Float)


def _with(original: Original, call: ast.Call, added: str, *, last: bool = True) -> str:
    given = [a.span.text for a in call.args]
    at = len(given) if last else sum(a.name is None for a in call.args)
    text = ", ".join([*given[:at], added, *given[at:]])
    return original.replaced(call.span, f"{call.callee.span.text}({text})")


def _without(original: Original, call: ast.Call, argument: ast.Argument) -> str:
    given = ", ".join(a.span.text for a in call.args if a is not argument)
    return original.replaced(call.span, f"{call.callee.span.text}({given})")


def _without_stage(original: Original, draw: Random, fits: Callable[[str], bool]) -> str | None:
    stages = [(p, i) for p, i in original.stages if fits(p.stages[i].span.text)]
    chosen = _chosen(stages, draw)
    if chosen is None:
        return None
    pipe, i = chosen
    before = pipe.stages[i - 1] if i else pipe.value
    whole = Span(before.span.source, before.span.end, pipe.stages[i].span.end)
    return original.replaced(whole, "")


def _one_sign(original: Original, draw: Random, pattern: str, text: str) -> str | None:
    code = re.sub(r"#[^\n]*", lambda comment: " " * len(comment[0]), original.text)
    found = _chosen(list(re.finditer(pattern, code)), draw)
    return found and original.text[: found.start()] + text + original.text[found.end() :]


KINDS: tuple[Kind, ...] = (
    misspelled_function, misspelled_local, misspelled_parameter, misspelled_setting,
    misspelled_import, misspelled_column, misspelled_dataset, capital_letters, name_of_pytorch,
    wrong_activation, wrong_initializer, initializer_in_quotes, module_in_front,
    method_for_function, wrong_type_name, wrong_setting, wrong_kernel, wrong_stride, wrong_padding,
    swapped_arguments, inputs_written, stride_by_position, one_argument_more, keyword_of_others,
    keyword_more, activation_argument, optimizer_argument, one_argument_less, missing_axis,
    list_without_brackets,
    text_for_number, percent, decimal_comma, groups_not_dividing, heads_not_dividing,
    missing_import, missing_new, missing_flatten, missing_stage, flatten_before, transposed_axes,
    width_of_a_sum, size_of_the_result, wrong_dimension, up_by_one, record_in_arithmetic,
    element_type, unused_dataset, column_type, unit_of_the_run, split_of_the_data, bound_twice,
    lines_exchanged, unused_value, missing_parenthesis, missing_bracket, missing_brace,
    missing_comma, double_equals, colon_for_equals, shift_for_pipe, missing_quote,
    constant_of_python,
)  # fmt: skip
