"""What can be written at a place: names with their signatures, arguments, settings, columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from netlang.editor.facts.hints import Values, positional
from netlang.editor.facts.names import Meaning, Names
from netlang.editor.facts.records import Candidate, Location
from netlang.editor.facts.values import Shown
from netlang.editor.facts.written import Call, call_around, piped_name, setting_of
from netlang.evaluate.context.describe import signature
from netlang.evaluate.context.values import Function, Object, takes_tensor
from netlang.evaluate.modules.module import WORDS, is_private
from netlang.evaluate.types.fitting import QUICK
from netlang.ir.types import DType
from netlang.manual.topics import pages
from netlang.plan.settings import SETTINGS, STEP_SETTINGS
from netlang.syntax import ast
from netlang.syntax.keywords import RESERVED
from netlang.syntax.walk import walk

_BY_COLUMN = ("only", "map")
_WORD = re.compile(r"[A-Za-z_]\w*$")
_HEAD = re.compile(r"^(?:net|block|op|optimizer|schedule|extern|dataset|train)\b", re.MULTILINE)
_SHAPE = re.compile(r"\w\[([^\]\n]*)")
_SIZE = re.compile(r"\b[A-Z]\w*")
_INT = re.compile(r"(\w+): int\b")
_MEMBER = re.compile(r"([A-Za-z_][\w.]*)\.[A-Za-z_]?\w*$")
_IN_STRING = re.compile(r'^(?:[^"\n#]|"(?:[^"\\\n]|\\.)*")*"(?:[^"\\\n]|\\.)*$')
_IN_COMMENT = re.compile(r'^(?:[^"\n#]|"(?:[^"\\\n]|\\.)*")*#')


def candidates(
    text: str, offset: int, path: str, names: Names, values: Values
) -> Iterator[Candidate]:
    """Yield what can complete the word before an offset, with the nearest names first."""
    line = text[text.rfind("\n", 0, offset) + 1 : offset]
    if _IN_STRING.match(line) or _IN_COMMENT.match(line):
        return
    word = _WORD.search(line)
    location = Location(path, offset - len(word[0] if word else ""), offset)
    section = _around(text, offset)
    local = _local(names, offset, values)
    if (member := _MEMBER.search(line)) is not None:
        yield from _members(member[1], local, values, location)
        return
    if _in_shape(text, offset):
        yield from _sizes(text, names, offset, location)
        return
    call = call_around(text, offset)
    if call is not None:
        yield from _columns(text, call, names, local, location)
    module = names.program.module
    function = module.function(call.callee) if call is not None and module is not None else None
    if call is not None and function is not None:
        yield from _arguments(call, function, location)
    if section and not line.strip(" \t").removesuffix(word[0] if word else ""):
        yield from _settings(section, location)
    known = (*_values(local, location), *_definitions(names, location))
    yield from _first(known, names, _suitable(text, offset, call, function, section))
    for keyword in sorted(RESERVED):
        if keyword.islower() and keyword.isidentifier():
            yield Candidate(keyword, "keyword", location, "keyword")


def _around(text: str, offset: int) -> str:
    """Return ``train`` or ``step`` where an offset is in the body of one, or else nothing."""
    opened: list[int] = []
    for match in re.finditer(r'#[^\n]*|"(?:[^"\\\n]|\\.)*"?|[{}]', text[:offset]):
        if match[0] == "{":
            opened.append(match.start())
        elif match[0] == "}" and opened:
            opened.pop()
    if not opened:
        return ""
    head = text[text.rfind("\n", 0, opened[-1]) + 1 : opened[-1]].split()
    return head[0] if head and head[0] in ("train", "step") else ""


def _in_shape(text: str, offset: int) -> bool:
    """Return whether an offset is between the brackets of a shape, ``f32[N, |``."""
    elements = "|".join([*(d.value for d in DType), "tensor", "float"])
    return re.search(rf"\b(?:{elements})\[[^\]\n]*$", text[:offset]) is not None


def _declaration(names: Names, offset: int) -> ast.Declaration | None:
    file = names.program.file
    declared = file.declarations if file is not None else ()
    return next((d for d in declared if d.span.start <= offset <= d.span.end), None)


def _local(names: Names, offset: int, values: Values) -> dict[str, Sequence[Shown]]:
    """Return the names that are bound in the definition around an offset, and their values."""
    declaration = _declaration(names, offset)
    found: dict[str, Sequence[Shown]] = {}
    for node in walk(declaration) if declaration is not None else ():
        for name in _bound(node):
            whole = node.span if isinstance(node, ast.Bind) else name.span
            if whole.end < offset and not isinstance(declaration, ast.Bind):
                found[name.text] = values.get((name.text, name.span.start), ())
    return found


def _bound(node: ast.Node) -> tuple[ast.Ident, ...]:
    match node:
        case ast.Bind(targets=targets):
            return targets
        case ast.Param(name=name) | ast.State(name=name):
            return (name,)
        case ast.For(names=names, carries=carries):
            return (*names, *(carry.name for carry in carries))
        case ast.Comprehension(names=names):
            return names
        case _:
            return ()


def _members(
    before: str, local: Mapping[str, Sequence[Shown]], values: Values, location: Location
) -> Iterator[Candidate]:
    """Yield the columns of ``batch``."""
    if before != "batch":
        return
    for value in local.get("data", ()):
        for name, type in value.columns:
            yield Candidate(name, "column", location, type)


def _sizes(text: str, names: Names, offset: int, location: Location) -> Iterator[Candidate]:
    """Yield the sizes of the definition around an offset, and the constants of the file.

    They are read off the text, since a shape that is being typed does not parse.
    """
    starts = [match.start() for match in _HEAD.finditer(text, 0, offset)]
    head = text[starts[-1] if starts else 0 : location.start]
    found = dict.fromkeys(name for shape in _SHAPE.findall(head) for name in _SIZE.findall(shape))
    for name in found:
        yield Candidate(name, "size", location, "dimension")
    for name in _INT.findall(head):
        yield Candidate(name, "size", location, "int")
    module = names.program.module
    for name, declared in module.declared.items() if module is not None else ():
        if isinstance(declared, ast.Bind):
            yield Candidate(name, "constant", location, declared.span.text)


def _columns(
    text: str, call: Call, names: Names, local: Mapping[str, Sequence[Shown]], location: Location
) -> Iterator[Candidate]:
    """Yield the columns of the examples that a filter or `map` is applied to."""
    module = names.program.module
    if call.callee not in _BY_COLUMN or module is None:
        return
    lines = text[: call.start].split("\n")
    while len(lines) > 1 and lines[-1].lstrip().startswith("|>"):
        lines[-2:] = [f"{lines[-2]} {lines[-1].lstrip()}"]
    for word in re.findall(r"[A-Za-z_]\w*", lines[-1].partition(" = ")[2]):
        columns = [column for value in local.get(word, ())[:1] for column in value.columns]
        function = None if columns else module.function(word)
        if function is not None and isinstance(function.definition, ast.Extern):
            outs = function.definition.outs
            columns = [(o.name.text, o.type.span.text) for o in outs if o.type is not None]
        if columns:
            for name, type in columns:
                yield Candidate(name, "column", location, type)
            return


def _arguments(call: Call, function: Function, location: Location) -> Iterator[Candidate]:
    """Yield the parameters of a call that have no argument yet, unless one is being given."""
    if call.argument:
        return
    free = positional(function, new=call.new)[call.taken :]
    for param in function.params:
        name = param.name.text
        if name not in call.named and (param.keyword_only or name in free):
            type = param.type.span.text if param.type is not None else "tensor"
            default = f" = {param.default.span.text}" if param.default is not None else ""
            yield Candidate(f"{name}=", "argument", location, f"{type}{default}")


_DATA = "rows"

Test = Callable[[Function | None, Object], bool]
"""Whether a definition, or a word, is of the kind that is typed."""


def _suitable(
    text: str, offset: int, call: Call | None, function: Function | None, section: str
) -> Test | None:
    """Return what tests a candidate: for the stage of a pipeline, an argument or a setting."""
    pipeline = piped_name(text, offset)
    if pipeline is not None:
        data = section == "train" and SETTINGS.get(pipeline) == _DATA
        return _takes_rows if data else _takes_tensor
    type = ""
    if function is not None and call is not None:
        free = positional(function, new=call.new)[call.taken : call.taken + 1]
        name = call.argument or "".join(free)
        own = (p.type for p in function.params if p.name.text == name and p.type is not None)
        type = next((each.span.text.rstrip("?") for each in own), "")
    elif call is None and section:
        type = SETTINGS.get(setting_of(text, offset), "")
    if type in ("", "list", "any"):
        return None

    def suits(made: Function | None, word: Object) -> bool:
        # What takes rows comes later in their pipeline.
        first = type != _DATA or not _takes_rows(made, word)
        return _made(made) == type and first if made is not None else _suits(type, word)

    return suits


def _takes_rows(function: Function | None, _: Object) -> bool:
    match function and function.params:
        case [ast.Param(type=ast.NameType(name=name)), *_]:
            return name == _DATA
        case _:
            return False


def _takes_tensor(function: Function | None, _: Object) -> bool:
    kinds = ("block", "op", "net")
    return (
        function is not None
        and function.kind in kinds
        and bool(function.params)
        and takes_tensor(function.params[0])
    )


def _first(found: Iterable[Candidate], names: Names, suits: Test | None) -> list[Candidate]:
    """Return candidates with those first that suit, in the same order otherwise."""
    module = names.program.module
    if suits is None or module is None:
        return list(found)

    def other(each: Candidate) -> bool:
        if each.kind == "variable":
            return True
        function = None if each.kind == "word" else module.function(each.label)
        return not suits(function, WORDS.get(each.label))

    return sorted(found, key=other)


def _suits(type: str, word: Object) -> bool:
    test = QUICK.get(type)
    return test is not None and test(word)


def _made(function: Function) -> str:
    """Return the type of what a definition makes, as signatures name it."""
    if function.kind in ("optimizer", "schedule"):
        return function.kind
    if function.kind == "dataset":
        return _DATA
    match function.definition.outs:
        case [ast.Out(type=ast.NameType(name=name))]:
            return name
        case _:
            return ""


def _settings(section: str, location: Location) -> Iterator[Candidate]:
    for name, type in SETTINGS.items():
        if section == "train" or name in STEP_SETTINGS:
            page = next((p for p in pages().get(name, ()) if p.kind.startswith("a setting")), None)
            text = "" if page is None else page.text
            yield Candidate(f"{name} = ", "setting", location, type, text)
    if section == "step":
        for name in sorted(STEP_SETTINGS - set(SETTINGS)):
            yield Candidate(f"{name} = ", "setting", location, "")


def _values(local: Mapping[str, Sequence[Shown]], location: Location) -> Iterator[Candidate]:
    for name, values in reversed(list(local.items())):
        yield Candidate(name, "variable", location, " … ".join(value.text for value in values[:1]))


def _definitions(names: Names, location: Location) -> Iterator[Candidate]:
    """Yield every definition that the file sees: its own first, with signatures."""
    module = names.program.module
    if module is None:
        return
    own = [*module.declared, *module.imported]
    others: Iterable[str] = module.visible() - set(own)
    for name in (*own, *sorted(others)):
        if is_private(name) or name in WORDS:
            continue
        meaning = names.meaning(module, name)
        if meaning is not None:
            yield _definition(name, meaning, location)
    for word in WORDS:
        yield Candidate(word, "word", location, "")


def _definition(name: str, meaning: Meaning, location: Location) -> Candidate:
    function = meaning.function
    if function is None:
        return Candidate(name, "constant", location, "")
    return Candidate(name, function.kind, location, _signature(function), function.definition.doc)


def _signature(function: Function) -> str:
    outs = ", ".join(out.name.text for out in function.definition.outs)
    return f"{signature(function)} -> {outs}" if outs else signature(function)
