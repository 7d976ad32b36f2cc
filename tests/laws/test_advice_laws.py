"""What advice and the manual say exists: no name elsewhere is ours, and all code is valid."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from netlang.advice.tables import FOLDER, definitions, parameters
from netlang.cli.main import COMMANDS, load_command
from netlang.diagnostics.diagnostic import Diagnostics
from netlang.diagnostics.source import Source
from netlang.diagnostics.suggestions import folded
from netlang.evaluate.calls.datasets import FIELDS
from netlang.evaluate.calls.unknown import ARGUMENTS
from netlang.evaluate.modules.families import returning
from netlang.evaluate.types.fitting import TYPE_NAMES
from netlang.ir.types import DType
from netlang.manual.pages import Entry, library, public
from netlang.manual.topics import FIELD, KEYWORD, SETTING, pages
from netlang.plan.settings import SETTINGS, STEP_SETTINGS
from netlang.program import load
from netlang.syntax import ast
from netlang.syntax.keywords import DEFINITION_ONLY, PREDEFINED, RESERVED
from netlang.syntax.parser import parse, parse_part
from netlang.syntax.walk import walk

OPERATORS = "+ - * / @ ** % |> == != < <= > >= -x 1..n"
SETTING_NAMES = frozenset({*SETTINGS, *STEP_SETTINGS})
SHARED = {
    "linear": "`nn.Linear` creates its weight, as `dense` does; `linear` takes it as an argument",
    "and": "an operator of ours, a function elsewhere",
    "or": "an operator of ours, a function elsewhere",
    "not": "an operator of ours, a function elsewhere",
    "clip": "`clip` is a setting; `torch.clip` is `clamp`",
    "where": "`where` is a keyword; `torch.where` is `select`",
    "topk": "`top_k` is a metric; `torch.topk` is `ranked`",
    "randomnormal": "`random_normal` is noise; `RandomNormal` of Keras is an initializer",
    "normalize": "`normalize` is for columns of a dataset; that of PyTorch is `l2_normalize`",
    "randomuniform": "`random_uniform` is noise; `RandomUniform` of Keras is an initializer",
}
"""Names that mean one thing here and another elsewhere, with the reason."""


def parameters_of(entry: Entry) -> list[ast.Param]:
    parsed = parse_part(entry.source, entry.start, entry.end, Diagnostics())
    assert parsed is not None
    (definition,) = parsed.declarations
    return list(definition.params) if isinstance(definition, ast.Definition | ast.Extern) else []


PUBLIC = public()
PARAMETERS = {name: [p.name.text for p in parameters_of(e)] for name, e in library().items()}
for overloaded in ("flip", "resize"):  # without a tensor, they are transforms
    PARAMETERS[overloaded] += PARAMETERS[f"_{overloaded}_image"]
ALL_PARAMETERS = {p for name in PUBLIC for p in PARAMETERS[name]}
ADVICE = {**definitions().advice, **parameters().advice, **parameters().arguments}
TEXTS = sorted({text.replace(ARGUMENTS, "…") for text in ADVICE.values()})
SNIPPETS = sorted({code for text in TEXTS for code in re.findall(r"`([^`]+)`", text)})
IN_PAGES = sorted(
    {
        code
        for own in pages().values()
        for page in own
        if page.kind in (KEYWORD, SETTING, FIELD)  # the others are on parts of code
        for code in re.findall(r"`([^`]+)`", page.text)
    }
)


def test_no_name_elsewhere_is_a_name_of_ours() -> None:
    """Else the entry is never read, or it is read for another spelling of what exists."""
    ours = {folded(name) for name in (*PUBLIC, *RESERVED, *SETTING_NAMES)}
    assert ours & {*definitions().aliases, *definitions().advice} == set(SHARED)


def test_each_name_elsewhere_is_listed_once_and_folded() -> None:
    lists = json.loads((FOLDER / "definitions.json").read_text("utf-8"))
    theirs = [
        name for part in lists["aliases"].values() for names in part.values() for name in names
    ]
    theirs += [name for each in lists["advice"] for name in each["names"]]
    assert [name for name, count in Counter(theirs).items() if count > 1] == []
    assert [name for name in theirs if name != folded(name)] == []


def test_every_alias_leads_to_something_of_ours() -> None:
    targets = set(definitions().aliases.values())
    assert {name for name in targets if not name.startswith("`")} <= set(PUBLIC)
    written = {code for name in targets for code in re.findall(r"`([^`]+)`", name)}
    assert {code: unknown_in(code) for code in written if unknown_in(code)} == {}


def test_every_alias_of_a_parameter_is_of_use() -> None:
    """Some function has the parameter it leads to, and not one of its own name."""
    useless = {
        theirs: ours
        for theirs, ours in parameters().aliases.items()
        if not any(
            ours in PARAMETERS[name] and theirs not in map(folded, PARAMETERS[name])
            for name in PUBLIC
        )
    }
    assert useless == {}


def test_the_advice_on_parameters_does_not_contradict_itself() -> None:
    elsewhere = parameters()
    assert elsewhere.inferred & set(elsewhere.advice) == set()


def test_types_and_settings_elsewhere_lead_to_ours_and_are_not_ours() -> None:
    elsewhere, elements = parameters(), {d.value for d in DType}
    for theirs, ours in (
        (elsewhere.types, {*TYPE_NAMES, "[int]"}),
        (elsewhere.settings, SETTING_NAMES),
        (elsewhere.element_types, elements),
    ):
        assert set(theirs.values()) <= ours
        assert set(theirs) & ours == set()
    assert set(elsewhere.arguments) <= TYPE_NAMES


@pytest.mark.parametrize("code", SNIPPETS)
def test_code_in_advice_names_what_exists(code: str) -> None:
    assert unknown_in(code) == []


@pytest.mark.parametrize("code", IN_PAGES)
def test_code_in_the_manual_names_what_exists(code: str) -> None:
    assert unknown_in(code) == []


def test_a_list_in_advice_is_of_a_type_that_functions_return() -> None:
    types = {type for text in TEXTS for type in re.findall(r"<(\w+)>", text)}
    assert types >= {"optimizer", "transform"}
    assert {type for type in types if len(returning(type)) < 2} == set()


def unknown_in(code: str) -> list[str]:
    """List what a piece of code in advice names that does not exist."""
    match code.split():
        case ["netlang", command]:
            return [] if command in COMMANDS else [command]
        case ["netlang", "explain", name]:
            return [] if name in PUBLIC else [name]
        case ["extern", "op"] | ["next" | "with", _, "=", _] | ["state", _, "=", *_]:
            return []
        case [setting, "=", value]:
            return [] if setting in SETTING_NAMES else unknown_in(value)
        case [type] if type.partition("[")[0] in {d.value for d in DType}:
            return []
        case [option, *_] if option.startswith("--"):
            commands = [load_command(name) for name in COMMANDS]
            return [] if any(option in p.opts for c in commands for p in c.params) else [option]
        case [word] if word in RESERVED or word in OPERATORS.split() or len(word) == 1:
            return []
        case [word] if word in DEFINITION_ONLY or word in chain(*PREDEFINED.values()):
            return []
        case [word] if re.fullmatch(r"[a-z]\w+=?", word):
            known = {*PUBLIC, *SETTING_NAMES, *ALL_PARAMETERS, *FIELDS}
            return [] if word.removesuffix("=") in known else [word]
        case [field] if re.fullmatch(r"\.\w+", field):
            return [] if any(field[1:] in entry.outs for entry in PUBLIC.values()) else [field]
        case _:
            return unknown_in_program(code)


def unknown_in_program(code: str) -> list[str]:
    text = code.replace("{ … }", "{\n  y = x\n}").replace("…", "x")
    if code.startswith("from "):
        text = f"{text}\n\na = 1"
    elif not code.startswith(("net ", "block ")):
        text = f"x {text}" if code.startswith("|>") else text
        text = f"options({text})" if re.match(r"\w+=[^=]", code) else text
        text = f"a = {text}"
    found = Diagnostics()
    parsed = parse(Source("advice", f"{text}\n"), found)
    if parsed is None:
        return [f"not valid: {d.message}" for d in found.items]
    unknown: list[str] = []
    for node in walk(*parsed.declarations):
        match node:
            case ast.Call(callee=ast.Name(text="options"), args=args):
                unknown += [
                    a.name.text for a in args if a.name and a.name.text not in ALL_PARAMETERS
                ]
            case ast.Call(callee=ast.Name(text="map" | "group" | "lr")):
                pass  # its keywords are columns, or parameters of any optimizer; a learning rate
            case ast.Call(callee=ast.Name(text=callee), args=args):
                known = PARAMETERS[callee] if callee in PUBLIC else None
                if known is None:
                    unknown += [callee] if len(callee) > 1 else []
                else:
                    unknown += [
                        f"{callee}({a.name.text}=…)"
                        for a in args
                        if a.name is not None and a.name.text not in known
                    ]
            case _:
                pass
    return unknown


# ---- what can be checked as a program ------------------------------------------------------

CHECKED = [
    code
    for code in SNIPPETS
    if re.search(r"\w\(|[\[*/<>]", code)
    and not code.startswith(("net ", "netlang ", "|>"))
    and "…" not in code
]
SIZES = {"n": 4, "classes": 3, "k": 2, "m": 2, "h": 3, "w": 3, "width": 2, "t": 2.0}
VALUES = ("x", "y", "a", "b", "d", "u", "q", "v", "g", "value", "first", "last", "limit", "edges")
TYPES = ("f32[4, 4]", "f32[]", "f32[4]", "f32[3, 3, 3]", "f32[2, 3, 4, 4]", "f32[8, 8]")
"""The advice is about values of one of these types."""
SMALL = "net Small(image: f32[N, 1, 8, 8]) -> y: f32[N, 10] = image |> flatten |> dense(10)\n"
SECTION = {
    "data": '  data = digits("train") |> batches(32, shuffle=true)\n',
    "model": "  model = new Small()\n  acc = accuracy(model(batch.image), batch.label)\n",
    "metrics": "  metrics = [acc]\n",
    "loss": "  loss = cross_entropy(model(batch.image), batch.label)\n",
    "optimizer": "  optimizer = sgd(0.1)\n",
    "run": "  run = 10 epochs\n",
}


@pytest.mark.parametrize("code", CHECKED)
def test_code_in_advice_is_valid_where_it_is_meant(code: str, tmp_path: Path) -> None:
    """In a net on tensors of one of several ranks, at the top of a file, or in a train section."""
    path = tmp_path / "advice.net"
    rejected: set[str] = set()
    for text in (*nets_with(code), *files_with(code), *sections_with(code)):
        path.write_text(text)
        found = [d for d in load(path).diagnostics.items if not d.rule.code.startswith("unused-")]
        if not found:
            return
        rejected.add(found[0].message)
    raise AssertionError(sorted(rejected))


def nets_with(code: str) -> Iterator[str]:
    sizes = [f"{name}: {type(size).__name__} = {size}" for name, size in SIZES.items()]
    for kind in TYPES:
        values = [f"{name}: {kind}" for name in VALUES]
        signature = ", ".join(["mask: bool[4, 4]", "ids: i64[4]", *values, *sizes])
        for form in ("z = {}", "z = x |> {}", "z, _ = {}"):
            yield f"net Advice({signature}) -> z {{\n  {form.format(code)}\n}}\n"


def files_with(code: str) -> Iterator[str]:
    yield f"{code}\n\na = 1\n"
    yield f"net Advice(x: f32[4, 6]) -> z = full({code}, 0.0)\n"
    yield f"net Advice(x: f32[4, 6]) -> z = full([{code}], 0.0)\n"
    yield f"a = 7\n\nb = 2\n\nc = {code}\n"


def sections_with(code: str) -> Iterator[str]:
    images = 'image_folder("photos", size=256)'
    noise = "  loss = mse(model(random_normal([4, 1, 8, 8])), random_normal([4, 10]))\n"
    for form in ("{}", "{} |> batches(32)", "map(image=[{}]) |> batches(32)"):
        model = "  model = new Small()\n"
        data = f"  data = {images} |> {form.format(code)}\n"
        yield section({"data": data, "model": model, "metrics": "", "loss": noise})
    for setting, form in (
        ("optimizer", "{}"),
        ("optimizer", "sgd(0.1, groups=[{}])"),
        ("init", "[{}]"),
        ("init", "[fill(weights(model), {})]"),
        ("clip", "{}"),
        ("loss", "cross_entropy(model(batch.image), batch.label) + {}"),
        ("stop", "{}"),
        ("plateau", "{}"),
        ("checkpoint", "[{}]"),
        ("run", "{}"),
    ):
        yield section({setting: f"  {setting} = {form.format(code)}\n"})


def section(lines: dict[str, str]) -> str:
    return f"{SMALL}\ntrain example {{\n{''.join((SECTION | lines).values())}}}\n"
