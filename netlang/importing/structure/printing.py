"""The text of a program, before it is formatted.

Calls of which each takes the result of the one before are written as a pipeline. Parameters are
made in the order of the text, which ``Printed.order`` records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Struct

from netlang.importing.structure.naming import label_of, letter, meaningful
from netlang.importing.structure.steps import (
    LAYER,
    Arg,
    Definition,
    Hole,
    Item,
    Step,
    common,
    reads,
)
from netlang.ir.dims import Dim
from netlang.ir.graph import Value

_LONGEST_INLINE, _DEEPEST = 48, 40
_COUNTERS, _CARRIED = ("i", "j", "n"), ("h", "g", "k")
_CALLS = ("call", "shared")
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")


class Body(Struct, eq=False):
    """The statements of a body, and the order in which its steps are computed."""

    statements: list[str]
    result: str
    """The expression of the result, where it is not the name of a statement."""
    order: list[int]


class Printer:
    """Writes one body; the bodies of loops inside it are written by printers of their own."""

    def __init__(
        self, steps: Sequence[Step], names: Mapping[Value, str], holes: Sequence[str],
        taken: set[str], *, depth: int = 0,
    ) -> None:  # fmt: skip
        self.steps = steps
        self.names = dict(names)
        self.holes = holes
        self.depth = depth
        self.maker = {v: step for step in steps for v in step.results}
        self.uses = Counter(v for step in steps for v in reads(step))
        self.position = {id(step): at for at, step in enumerate(steps)}
        self.reader = {v: step for step in steps for v in reads(step)}
        self.used = set(taken)
        """The names of bindings and layers so far; a binding must not hide what is called."""
        self.numbers: dict[str, int] = {}
        self.callees = {step.callee for step in steps}
        self.order: list[int] = []
        self.inlined: dict[int, int] = {}
        """How deep what is written inside of a step is, and 0 for a step with a statement."""
        self.labelled = False
        self.target = ""
        """The name that the result of the statement must have, which its layer may have too."""

    def body(self, result: Value | None, wanted: Mapping[Value, str]) -> Body:
        """Write all steps; ``wanted`` are names that values must have, ``result`` the last one."""
        self.uses.update(list(wanted))
        if result is not None:
            self.uses[result] += 1
        self._decide()
        total = sum(step.weighted for step in self.steps)
        statements: list[str] = []
        last = ""
        for step in self.steps:
            if self._inline(step):
                continue
            weighted = [s for s in self._chain(step) if s.weighted]
            others = total > len(weighted)
            self.labelled = len(weighted) > 1 or (result in step.results and others)
            self.target = next((wanted[v] for v in step.results if v in wanted), "")
            text = self._text(step)
            if result is not None and step.results == (result,) and self.uses[result] == 1:
                last = text
                continue
            targets = [self._target(v, wanted, weighted) for v in step.results]
            statements += self._assigned(step, targets, text)
        if result is not None and not last:
            last = self.names[result]
        return Body(statements, last, self.order)

    def _assigned(self, step: Step, targets: list[str], text: str) -> list[str]:
        """Return the statement of a step; a scan collects several things as one tuple."""
        carried = step.definition.carried if step.form == "scan" and step.definition else 0
        collected = targets[: len(targets) - carried]
        if not carried or len(collected) < 2:
            return [f"{', '.join(targets)} = {text}"]
        whole = letter(self.used | self.callees)
        self.used.add(whole)
        parts = [f"{name} = {whole}[{at}]" for at, name in enumerate(collected) if name != "_"]
        return [f"{', '.join([whole, *targets[-carried:]])} = {text}", *parts]

    def _target(self, value: Value, wanted: Mapping[Value, str], weighted: Sequence[Step]) -> str:
        if not self.uses[value]:
            return "_"
        if wanted.get(value):
            self.names[value] = wanted[value]
            return wanted[value]
        step = self.maker[value]
        layers = [step] if value.type is LAYER else weighted
        if len(step.results) > 1 and not step.weighted:
            layers = ()  # the parts of a split have no names in the file
        hint = meaningful(common([s.hint for s in layers]))
        hidden = self.used | self.callees
        name = hint if hint and hint not in hidden else letter(hidden)
        self.used.add(name)
        self.names[value] = name
        return name

    # ---- what is written where it is used ----------------------------------------------

    def _inline(self, step: Step) -> bool:
        """Return whether a step is written inside of the one that reads its result."""
        return self.inlined[id(step)] > 0

    def _decide(self) -> None:
        """Decide what is written inside of what; pipelines of any length become several."""
        for step in self.steps:
            makers = [self.maker.get(v) for v in reads(step)]
            depth = 1 + max((self.inlined[id(m)] for m in makers if m is not None), default=0)
            within = depth < _DEEPEST and self._fits_inside(step)
            self.inlined[id(step)] = depth if within else 0

    def _fits_inside(self, step: Step) -> bool:
        if len(step.results) != 1 or self.uses[step.results[0]] != 1 or step.form == "new":
            return False
        (value,) = step.results
        reader = self.reader.get(value)
        if reader is None or value in self.names:
            return False
        if step.definition is not None and step.definition.loop:
            return False
        if reader.form == "scan" and step.callee == "full":
            return True
        if reader.definition is not None and reader.definition.loop:
            return False
        if step.form == "index" and not step.weighted and self._named(step.args[0].value):
            return True
        if reader.form in _CALLS:
            return bool(reader.args) and reader.args[0].value is value
        if step.form in _CALLS:
            return self._is_short(step)
        return not step.weighted and self._length(step) <= _LONGEST_INLINE

    def _named(self, item: Item) -> bool:
        """Return whether a value has a name of its own when this is written."""
        maker = self.maker.get(item) if isinstance(item, Value) else None
        return maker is None or not self._inline(maker)

    def _is_short(self, step: Step) -> bool:
        """Return whether a call is one of a function of one value, by its name."""
        operands = reads(step)
        if len(operands) != 1 or self._length(step) > _LONGEST_INLINE:
            return False
        if step.callee == "param":
            return False
        maker = self.maker.get(operands[0])
        return maker is None or not self._inline(maker)

    def _length(self, step: Step) -> int:
        total = len(step.callee)
        if step.weighted:
            return total + sum(8 for arg in step.args if not self._usual(arg))
        for arg in step.args:
            for value in [arg.value] if isinstance(arg.value, Value) else []:
                maker = self.maker.get(value)
                total += self._length(maker) if maker is not None and self._inline(maker) else 2
            total += 4
        return total

    def _chain(self, step: Step) -> list[Step]:
        """Return a step and those written inside it."""
        found = [step]
        for value in reads(step):
            maker = self.maker.get(value)
            if maker is not None and self._inline(maker):
                found = [*self._chain(maker), *found]
        return found

    # ---- text --------------------------------------------------------------------------

    def _text(self, step: Step) -> str:
        match step.form:
            case "call" | "shared":
                return self._call(step)
            case "scan":
                return self._scan(step)
            case "new":
                self._record(step)
                return f"new {step.callee}({self._arguments(step, skip=False)})"
            case "infix":
                left, right = (self._operand(arg, step.callee) for arg in step.args)
                self._record(step)
                return f"{left} {step.callee} {right}"
            case "prefix":
                inner = self._operand(step.args[0], step.callee)
                self._record(step)
                return f"not {inner}" if step.callee == "not" else f"-{inner}"
            case "index" | "list":
                base = self._operand(step.args[0], "[]")
                self._record(step)
                items = step.args[1].value
                assert isinstance(items, tuple)
                return f"{base}[{', '.join(map(self._subscript, items))}]"

    def _subscript(self, item: Item) -> str:
        match item:
            case None:
                return ":"
            case (first, last):
                return ":".join("" if end is None else self.item(end) for end in (first, last))
            case _:
                return self.item(item)

    def _record(self, step: Step) -> None:
        self.order.append(self.position[id(step)])

    def _operand(self, arg: Arg, outer: str) -> str:
        value = arg.value
        if isinstance(value, Value):
            maker = self.maker.get(value)
            if maker is not None and self._inline(maker):
                text = self._text(maker)
                if maker.form in _CALLS and "|>" not in text and " as " not in text:
                    return text
                if maker.form == "index" or (outer == "+" and maker.callee in ("*", "@", "/")):
                    return text
                return f"({text})"
        text = self.item(value)
        return f"({text})" if text.startswith("-") and outer in ("**", "[]") else text

    def _call(self, step: Step) -> str:
        definition = step.definition
        if definition is not None and definition.loop:
            return self._loop(step, definition)
        first = step.args[0] if step.args else None
        stage, wrapped = None, False
        if first is not None and isinstance(first.value, Value):
            maker = self.maker.get(first.value)
            if maker is not None and self._inline(maker):
                stage = self._text(maker)
                wrapped = maker.form not in (*_CALLS, "index")
                stage = f"({stage})" if wrapped else stage
            elif self._piped(step) or (step.weighted and not self._embedded(step)):
                stage = self.names[first.value]
        self._record(step)
        arguments = self._arguments(step, skip=stage is not None)
        callee = step.callee
        if step.form == "shared":
            layer = step.args[1].value
            assert isinstance(layer, Value)
            callee = self.names[layer]
        alone = not (arguments or step.weighted or self._piped(step))
        if wrapped and alone:
            return f"{callee}{stage}"
        label = ""
        if step.weighted and self.labelled and step.callee != "param":
            label = f" as {label_of(step, self.used, self.target, self.numbers)}"
        call = f"{callee}({arguments})" if arguments or stage is None else callee
        return f"{stage} |> {call}{label}" if stage is not None else f"{call}{label}"

    def _embedded(self, step: Step) -> bool:
        """Return whether a call is an operand of an operator."""
        reader = self.reader.get(step.results[0])
        return self._inline(step) and reader is not None and reader.form not in _CALLS

    def _piped(self, step: Step) -> bool:
        """Return whether the next step takes the result of this one on the same line."""
        reader = self.reader.get(step.results[0])
        return self._inline(step) and reader is not None and reader.form in _CALLS

    def _arguments(self, step: Step, *, skip: bool) -> str:
        parts: list[str] = []
        omitted = False
        for at, arg in enumerate(step.args):
            if (at == 0 and skip) or (at == 1 and step.form == "shared"):
                continue
            if self._usual(arg):
                omitted = omitted or arg.positional
                continue
            text = self.item(arg.value)
            named = not arg.positional or omitted
            parts.append(f"{arg.name}={text}" if named else text)
        return ", ".join(parts)

    def _usual(self, arg: Arg) -> bool:
        """Return whether an argument is its default, and need not be written."""
        if isinstance(arg.value, Hole):
            return isinstance(arg.default, int) and self.item(arg.value) == self.item(arg.default)
        return arg.value == arg.default and type(arg.value) is type(arg.default)

    def item(self, item: Item) -> str:
        """Return the text of an argument."""
        match item:
            case None:
                return "none"
            case bool():
                return "true" if item else "false"
            case Value():
                maker = self.maker.get(item)
                if maker is not None and self._inline(maker):
                    return self._text(maker)
                return self.names[item]
            case Hole(index, factor, divisor):
                text = self.holes[index]
                text = f"{factor} * {text}" if factor != 1 else text
                return f"{text} // {divisor}" if divisor != 1 else text
            case float():
                return number(item)
            case int() | str():
                return str(item)
            case Dim():
                return spaced(item)
            case tuple():
                return f"[{', '.join(self._part(part) for part in item)}]"

    def _part(self, item: Item) -> str:
        if isinstance(item, tuple) and len(item) == 2 and all(isinstance(n, int) for n in item):
            return f"({item[0]}, {item[1]})"
        return self.item(item)

    # ---- loops -------------------------------------------------------------------------

    def _loop(self, step: Step, definition: Definition) -> str:
        start, *rest = step.args
        captured = rest[: len(definition.inputs) - 1]
        count, *columns = rest[len(captured) :]
        carried = _fresh(_CARRIED[min(self.depth, 2)], self.used)
        names = {definition.inputs[0]: carried}
        for formal, arg in zip(definition.inputs[1:], captured, strict=True):
            assert isinstance(arg.value, Value)
            names[formal] = self.names[arg.value]
        taken = {*self.used, carried}
        variables: list[str] = []
        lists: list[str] = []
        holes: list[str] = []
        for parameter, column in zip(definition.parameters, columns, strict=True):
            if isinstance(column.value, tuple):
                variable = _fresh(parameter.name, taken)
                taken.add(variable)
                variables.append(variable)
                lists.append(self.item(column.value))
                holes.append(variable)
            else:
                holes.append(self.item(column.value))
        if not variables:
            variables = [_fresh(_COUNTERS[min(self.depth, 2)], taken)]
            source = f"1..{self.item(count.value)}"
        else:
            source = lists[0] if len(lists) == 1 else f"zip({', '.join(lists)})"
        self._record(step)
        start_text = self.item(start.value)
        inner = Printer(definition.body, names, holes, taken, depth=self.depth + 1)
        body = inner.body(definition.result, {})
        definition.order = inner.order
        lines = "\n".join([*body.statements, f"next {carried} = {body.result}"])
        head = f"for {', '.join(variables)} in {source} with {carried} = {start_text}"
        return f"{head} {{\n{lines}\n}}"

    def _scan(self, step: Step) -> str:
        definition = step.definition
        assert definition is not None
        states = definition.inputs[: definition.carried]
        slices = definition.inputs[definition.carried :]
        starts = step.args[: len(states)]
        sequences = step.args[len(states) : len(definition.inputs)]
        taken = set(self.used)
        names = dict(self.names)
        for value, wanted in (*((v, "xt") for v in slices), *((v, "h") for v in states)):
            names[value] = _fresh(wanted, taken)
            taken.add(names[value])
        walked = [self.item(arg.value) for arg in sequences]
        source = walked[0] if len(walked) == 1 else f"({', '.join(walked)})"
        begin = [f"{names[v]} = {self.item(s.value)}" for v, s in zip(states, starts, strict=True)]
        self._record(step)
        inner = Printer(definition.body, names, (), taken, depth=self.depth + 1)
        body = inner.body(None, dict.fromkeys(definition.ends, ""))
        definition.order = inner.order
        ends = [inner.names[v] for v in definition.ends]
        after = [f"next {names[v]} = {end}" for v, end in zip(states, ends, strict=False)]
        each = ends[len(states) :]
        collected = [
            f"yield ({', '.join(each)})" if len(each) > 1 else f"yield {end}" for end in each[:1]
        ]
        carrying = f" with {', '.join(begin)}" if begin else ""
        lines = "\n".join([*body.statements, *after, *collected])
        return f"scan {', '.join(names[v] for v in slices)} in {source}{carrying} {{\n{lines}\n}}"


def _fresh(wanted: str, taken: set[str]) -> str:
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}{number}"
    return name


def number(value: float) -> str:
    """Return a number as the language writes it."""
    if value != value or value in (float("inf"), float("-inf")):
        return "-3.4e38" if value < 0 else "3.4e38"
    text = repr(value)
    if "e" in text:
        mantissa, _, exponent = text.partition("e")
        mantissa = mantissa if "." in mantissa else f"{mantissa}.0"
        return f"{mantissa}e{int(exponent)}"
    return text


def spaced(size: Dim) -> str:
    """Return a formula of sizes with spaces around its operators."""
    text = str(size)
    for sign in ("//", "*"):
        text = text.replace(sign, f" {sign} ")
    return text
