"""What an operator states about itself, so that nothing else has to know it by name."""

from __future__ import annotations

import ast as python
import subprocess
import sys
from ast import literal_eval
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from msgspec import NODEFAULT
from msgspec.structs import asdict, fields
from op_samples import Case, arrays_of, cases, graph_of

from netlang.backends import reference
from netlang.diagnostics.diagnostic import Diagnostics
from netlang.diagnostics.source import Source
from netlang.evaluate.builtins.counts import SPECIAL
from netlang.evaluate.builtins.registry import COMPILE_TIME, NUMERIC
from netlang.ir.initializers import RULES
from netlang.ir.op import OPS
from netlang.manual.pages import public
from netlang.syntax import ast
from netlang.syntax.parser import parse
from netlang.system.numpy import Array

PACKAGE = Path(__file__).parents[2] / "netlang"
every_op = pytest.mark.parametrize("name", sorted(OPS))

UNLISTED = {
    "written as an operator": (
        "add sub mul div floor_div mod pow neg equal not_equal less less_equal greater "
        "greater_equal logical_and logical_or logical_not"
    ),
    "written as an index, a number, a size, a loop or an extern op": (
        "index constant measure scan extern_call"
    ),
    "made by gradients and by the steps of training": (
        "normalize_batch_training sample_uniform sample_normal convolve_input_gradient "
        "convolve_weight_gradient max_pool_argmax"
    ),
}
"""Operators that need no line in the prelude, by the reason."""

SETTINGS = frozenset(
    {"transform", "selection", "init_rule", "group", "optimizer", "schedule", "clip", "number"}
    | {"column"}
)
"""Types of the results of extern ops that represent a setting, which a module of its own reads."""

HOMONYMS = {
    "analysis/summary.py": ("scan", "a keyword, as the kind of a scope"),
    "api/templates/tables.py": ("relu", "a name that the programs written use"),
    "api/parameters.py": ("add matmul mod mul pow sub", "the names of Python's methods"),
    "codegen/numpy_program/regions.py": ("scan", "a keyword, as the kind of a scope"),
    "cli/commands/check.py": ("constant", "the kind of a definition"),
    "cli/usage.py": ("dropout", "a parameter of a train section"),
    "codegen/pytorch/constructors.py": ("scan", "a keyword"),
    "codegen/pytorch/forward.py": ("scan", "a keyword"),
    "codegen/pytorch/parameters.py": ("constant", "an initializer"),
    "codegen/pytorch/sizes.py": ("scan", "a keyword"),
    "codegen/pytorch/tables/arguments.py": ("ceil pad", "parameters of layers"),
    "codegen/pytorch/tables/helpers.py": ("reverse_time", "a function of the generated program"),
    "codegen/pytorch/tables/padding.py": ("pad", "a parameter of layers"),
    "data/report.py": ("mean", "a statistic of a column"),
    "data/sources/images/source.py": ("resize", "how images are brought to one size"),
    "data/readings.py": ("mean", "what missing values are filled with"),
    "data/sources/texts.py": ("neg", "the folder of negative reviews"),
    "data/transforms/colors.py": ("mean", "a parameter of a transform"),
    "diagram/layout.py": ("stack", "the kind of a placement"),
    "diagram/placement/nesting.py": ("stack", "the kind of a placement"),
    "training/parallel/exchange.py": ("mean", "a kind of accumulator"),
    "diagram/tree.py": ("constant", "the kind of a node of a diagram"),
    "editor/tokens.py": ("constant", "a kind of token"),
    "evaluate/arithmetic.py": (
        "add sub mul div floor_div mod pow matmul equal not_equal less less_equal greater "
        "greater_equal logical_and logical_or",
        "parsing: what the signs of the language mean",
    ),
    "evaluate/calls/calls.py": (
        "flip resize split",
        "functions that also transform images, or divide examples",
    ),
    "evaluate/calls/image_columns.py": ("resize", "a function that also transforms images"),
    "evaluate/extra_arguments.py": ("transpose", "a function that PyTorch calls with two axes"),
    "evaluate/calls/unknown.py": ("linear", "layers of other frameworks"),
    "evaluate/calls/methods.py": ("transpose", "a method of tensors in PyTorch"),
    "evaluate/context/values.py": ("max mean min", "which way a metric improves; a filling"),
    "evaluate/loops.py": ("scan", "a keyword"),
    "evaluate/repairs.py": ("avg_pool flatten max_pool", "functions of the library, as called"),
    "evaluate/types/axis_order.py": ("max mean", "functions to write instead of a layer"),
    "evaluate/types/fitting.py": ("mean", "what missing values are filled with"),
    "evaluate/types/conversions.py": (
        "flatten squeeze transpose unsqueeze",
        "functions that repairs write",
    ),
    "evaluate/types/promises.py": (
        "avg_pool flatten max_pool squeeze transpose unsqueeze",
        "functions of the library, as called and as repairs write them",
    ),
    "inference/preprocessing.py": ("one_hot", "how a column of categories is encoded"),
    "inference/originals.py": (
        "softmax transpose",
        "what ONNX's Softmax on another axis is made of",
    ),
    "inference/verification.py": ("constant", "an initializer"),
    "ir/initializers.py": ("constant", "an initializer"),
    "lsp/conversion.py": ("constant", "a kind of symbol"),
    "matching/pieces.py": ("mean", "a running statistic in other frameworks"),
    "plan/data.py": ("resize split", "a transform of images; a division of examples"),
    "training/export.py": ("mean sum", "how values of several batches combine"),
    "training/monitors.py": ("max", "which way a metric improves"),
    "training/step/graphs.py": ("mean", "how values of several batches combine"),
    "training/totals.py": ("mean sum", "how values of several batches combine"),
}
"""Where a string in a comparison or a table is the name of an operator by chance, and why."""


@cache
def externs() -> dict[str, ast.Extern]:
    """Parse every ``extern op`` of the prelude and the modules, by what it resolves to."""
    found: dict[str, ast.Extern] = {}
    for file in sorted((PACKAGE / "prelude").rglob("*.net")):
        tree = parse(Source(file.name, file.read_text("utf-8"), library=True), Diagnostics())
        assert tree is not None
        declared = [d for d in tree.declarations if isinstance(d, ast.Extern) and d.kind == "op"]
        found |= {d.name.text.removeprefix("_"): d for d in declared}
    return found


def made_by_operators() -> list[str]:
    """List the extern ops that are neither settings nor functions that run while checking."""
    known = {*COMPILE_TIME, *SPECIAL, *NUMERIC} - set(OPS)
    return [name for name, d in externs().items() if name not in known and result(d) is None]


def result(definition: ast.Extern) -> str | None:
    """Return the name of the type of the result, unless it is a tensor."""
    type = definition.outs[0].type
    return type.name if isinstance(type, ast.NameType) else None


def is_tensor(param: ast.Param) -> bool:
    type = param.type
    while isinstance(type, ast.OptionalType | ast.ListType):
        type = type.inner if isinstance(type, ast.OptionalType) else type.item
    return isinstance(type, ast.ShapeType) or (
        isinstance(type, ast.NameType) and type.name == "tensor"
    )


# ---- where operators are found -----------------------------------------------------------------


@every_op
def test_the_source_tells_where_an_operator_is(name: str) -> None:
    assert OPS.modules.get(name) == OPS[name].__module__, (
        f'the registry does not see `{name}`: write `name = "{name}"` on a line of its own'
    )


def test_every_name_in_the_sources_is_an_operator() -> None:
    assert set(OPS.modules) == set(OPS)


def test_an_operator_that_the_source_does_not_tell_is_found_all_the_same() -> None:
    code = "from netlang.ir.op import OPS; OPS.modules = {}; assert OPS['relu'].name == 'relu'"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_finding_one_operator_loads_no_others() -> None:
    code = (
        "import sys; from netlang.ir.op import OPS; assert 'tanh' in OPS; OPS['tanh']; "
        "assert not [m for m in sys.modules if m.startswith('netlang.ops.windows')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# ---- the prelude and the operators -------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(externs()))
def test_an_extern_op_of_the_prelude_is_known_to_netlang(name: str) -> None:
    kind = result(externs()[name])
    if kind == "init":
        assert name in RULES, f"no rule of `netlang.ir.initializers` is called `{name}`"
    elif kind not in SETTINGS:
        assert name in {*OPS, *COMPILE_TIME, *SPECIAL, *NUMERIC}, (
            f"`extern op {name}` in the prelude is neither an operator nor a compile-time function"
        )


@every_op
def test_an_operator_has_a_line_in_the_prelude_or_a_reason(name: str) -> None:
    unlisted = {word for words in UNLISTED.values() for word in words.split()}
    assert (name in made_by_operators()) != (name in unlisted), (
        f"`{name}` needs a line `extern op {name}(…)` in netlang/prelude/, or a place in UNLISTED"
    )


def test_a_definition_with_the_name_of_an_operator_is_that_operator() -> None:
    assert {name for name in public() if name in OPS} <= set(externs())


@pytest.mark.parametrize("name", made_by_operators())
def test_a_signature_names_the_attributes_of_its_operator(name: str) -> None:
    params = [p for p in externs()[name].params if not is_tensor(p)]
    known = {field.name: field for field in fields(OPS[name])}
    assert {p.name.text for p in params} <= set(known), (
        f"the attributes of `{name}` are {', '.join(known) or 'none'}"
    )
    for field in known.keys() - {p.name.text for p in params}:
        assert known[field].default is not NODEFAULT, f"nothing gives `{field}` of `{name}` a value"
    for param in params:
        field = known[param.name.text]
        given = None if param.default is None else literal(param.default)
        if isinstance(field.default, type(given)):
            assert given == field.default, f"`{name}` has two defaults for `{field.name}`"


@pytest.mark.parametrize("name", made_by_operators())
def test_a_signature_names_the_operands_of_its_operator(name: str) -> None:
    tensors = [p.name.text for p in externs()[name].params if is_tensor(p)]
    operands = OPS[name].operands
    if operands and operands[-1].endswith("*"):
        assert tensors[: len(operands) - 1] == list(operands[:-1])
        if len(tensors) == len(operands) and operands[-1] not in ("rest*", "xs*"):
            assert tensors[-1] == operands[-1].removesuffix("*")
    else:
        assert tensors == list(operands)


def literal(default: ast.Expr) -> object:
    """Return the value of a default that is a literal, else ``None``."""
    words = {"true": "True", "false": "False", "none": "None"}
    try:
        return literal_eval(words.get(default.span.text, default.span.text))
    except (ValueError, SyntaxError):
        return None


# ---- traits ------------------------------------------------------------------------------------


def samples(name: str) -> Iterator[tuple[Case, list[Array], tuple[Array, ...]]]:
    """Compute every sample of an operator: the case, its operands and its results."""
    for case in cases():
        if case.sample.op.name == name:
            given = operands(case)
            yield case, given, computed(case, given)


def operands(case: Case) -> list[Array]:
    graph = graph_of(case)
    arrays = arrays_of(case, graph)
    return [arrays[v.name] for v in graph.nodes[0].inputs]


def computed(case: Case, given: list[Array]) -> tuple[Array, ...]:
    return tuple(reference.compute(graph_of(case).nodes[0], given, case.sizes))


@every_op
def test_a_view_is_the_operand_in_another_shape(name: str) -> None:
    unchanged, reshaped = [], []
    for _, given, made in samples(name):
        one = len(given) == len(made) == 1 and given[0].dtype == made[0].dtype
        unchanged.append(one and np.array_equal(given[0].ravel(), made[0].ravel()))
        reshaped.append(one and given[0].shape != made[0].shape)
    assert OPS[name].view == (all(unchanged) and any(reshaped)), (
        f"`view` of `{name}` says otherwise than its results"
    )
    assert OPS[name].retypes or not OPS[name].view


@every_op
def test_an_operator_that_retypes_is_the_identity_where_types_agree(name: str) -> None:
    for case, given, made in samples(name) if OPS[name].retypes else ():
        (type,) = case.sample.op.infer(*case.sample.types)
        if type == case.sample.types[0]:
            np.testing.assert_array_equal(given[0], made[0])


@every_op
def test_an_element_of_a_pointwise_result_depends_on_one_of_the_operand(name: str) -> None:
    op = OPS[name]
    looked_at = [local(case, given, made) for case, given, made in samples(name)]
    if op.operands == ("x",) or op.pointwise:
        assert op.pointwise == all(looked_at), (
            f"`pointwise` of `{name}` says otherwise than its results"
        )


def local(case: Case, given: list[Array], made: tuple[Array, ...]) -> bool:
    """Return whether each element of the first operand reaches that of the only result alone."""
    if not given or len(made) != 1 or made[0].shape != given[0].shape:
        return False
    x = given[0]
    for at in range(min(x.size, 8)):
        other = x.copy()
        other.flat[at] = x.flat[(at + 1) % x.size] if x.size > 1 else x.flat[at]
        (changed,) = computed(case, [other, *given[1:]])
        same = np.isclose(changed.astype(float), made[0].astype(float), equal_nan=True).ravel()
        if not np.delete(same, at).all():
            return False
    return True


@every_op
def test_a_linear_operator_is_linear_in_its_operand_and_its_weight(name: str) -> None:
    op = OPS[name]
    assert op.linear == ("bias*" in op.operands), f"`{name}` takes a bias: is it linear?"
    for case, given, made in samples(name) if op.linear else ():
        for position in (0, 1):
            scaled = [
                [a * factor if i == position else a for i, a in enumerate(given)]
                for factor in (np.float32(0), np.float32(2))
            ]
            (none,), (twice,) = (computed(case, each) for each in scaled)
            np.testing.assert_allclose(twice - made[0], made[0] - none, rtol=1e-4, atol=1e-4)


@every_op
def test_what_multiplies_and_adds_belongs_to_a_family(name: str) -> None:
    for sample in OPS[name].samples():
        if sample.op.macs(*sample.types) != 0:
            assert OPS[name].family in ("convolution", "dense", "recurrent"), (
                f"`{name}` has multiply-adds: state its `family`"
            )


@every_op
def test_an_operator_that_joins_has_its_operands_one_after_the_other(name: str) -> None:
    for case, given, (made, *_) in samples(name) if OPS[name].joins else ():
        axis = asdict(case.sample.op)["axis"]
        np.testing.assert_array_equal(made, np.concatenate(given, axis=axis))


@every_op
def test_an_operator_of_sequences_returns_a_vector_for_each_index_or_step(name: str) -> None:
    for _, given, (made, *_) in samples(name) if OPS[name].makes_sequence else ():
        assert made.shape[:-1] in {shape for a in given for shape in (a.shape, a.shape[:-1])}


@every_op
def test_an_operator_that_normalizes_channels_has_parameters_for_the_second_axis(name: str) -> None:
    op = OPS[name]
    assert op.family == "normalization" or not op.normalizes_channels
    for _, given, _ in samples(name) if op.normalizes_channels else ():
        assert {a.shape for a in given[1:]} == {given[0].shape[1:2]}


@every_op
def test_the_other_traits_fit_what_an_operator_has(name: str) -> None:
    op = OPS[name]
    statistics = op.operands[-2:] == ("mean", "var")
    assert op.running_statistics == statistics, f"`{name}` has a mean and a variance"
    assert op.no_gradient or not op.stops_gradient
    random = op.__module__.startswith("netlang.ops.random.") and not op.stops_gradient
    assert op.random == random, f"`{name}` is among the random operators, or should be"
    counts = {len(sample.op.infer(*sample.types)) for sample in op.samples()}
    if name in externs():
        assert op.lists_results == (len(counts) > 1), f"`{name}` returns a list, or should"


@pytest.mark.parametrize("name", [n for n in sorted(OPS) if OPS[n].on_numbers is not None])
def test_a_function_of_numbers_is_that_of_tensors(name: str) -> None:
    compute, op = OPS[name].on_numbers, OPS[name]()
    assert compute is not None
    numbers = [np.array([0.2, 0.5, 0.9]), np.array([0.9, 0.5, 0.1])][: len(op.operands)]
    expected = np.array([compute(*map(float, row)) for row in np.transpose(numbers)])
    (made,) = op.forward(*numbers)
    np.testing.assert_allclose(made, np.array(expected))


# ---- names elsewhere ---------------------------------------------------------------------------

ELSEWHERE = [
    file
    for file in sorted(PACKAGE.rglob("*.py"))
    # Keywords and kinds of tokens; the names of other frameworks, which have a law of their own;
    # what each operator of ONNX is here, and how a call of each operator is written.
    if file.relative_to(PACKAGE).parts[0] not in ("ops", "syntax", "advice", "importing")
    # The one table of how PyTorch writes what the prelude has.
    and file != PACKAGE / "codegen" / "pytorch" / "tables" / "forms.py"
]


def test_every_homonym_is_in_a_file_that_exists() -> None:
    assert [name for name in HOMONYMS if not (PACKAGE / name).is_file()] == []


@pytest.mark.parametrize("file", ELSEWHERE, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_no_code_outside_ops_branches_on_operator_names(file: Path) -> None:
    words, _ = HOMONYMS.get(file.relative_to(PACKAGE).as_posix(), ("", ""))
    found = compared_or_tabulated(file.read_text("utf-8")) & set(OPS)
    assert found == set(words.split()), (
        "state a trait on the operators, or list a word that means something else in HOMONYMS"
    )


def compared_or_tabulated(code: str) -> set[str]:
    """Collect the strings that are compared with, matched, or held in a table."""
    tree = python.parse(code)
    types = {
        id(inner)
        for node in python.walk(tree)
        if isinstance(node, python.Subscript) and python.unparse(node.value) == "Literal"
        for inner in python.walk(node.slice)
    }
    found: set[str] = set()
    for node in python.walk(tree):
        match node:
            case python.Compare(left=left, comparators=others):
                parts = [left, *others]
            case python.Dict(keys=keys, values=values):
                parts = [*keys, *values]
            case python.Set(elts=items) | python.List(elts=items) | python.Tuple(elts=items):
                parts = items if id(node) not in types else []
            case python.MatchValue(value=value):
                parts = [value]
            case python.Call(func=python.Attribute(attr="startswith" | "endswith"), args=args):
                parts = args
            case _:
                parts = []
        for part in parts:
            match part:
                case python.Constant(value=str() as text):
                    found.add(text)
                case _:
                    pass
    return found
