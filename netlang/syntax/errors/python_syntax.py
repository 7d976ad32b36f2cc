"""Statements of Python that call a function or a method for its effect."""

from __future__ import annotations

import re

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic
from netlang.diagnostics.fix import Fix, replacement
from netlang.diagnostics.source import Span
from netlang.syntax.errors.location import ErrorLocation

_TRAINING = (
    "training is described by a section: "
    "`train name { data = …; model = new Net(); loss = …; optimizer = …; run = … }`"
).replace("; ", ", ")
_NO_MODES = "remove it: what differs in training, such as dropout, follows from the command"
_METHODS = {
    **dict.fromkeys(("backward", "zero_grad", "step", "fit", "compile", "minimize"), _TRAINING),
    **dict.fromkeys(("train", "eval", "no_grad"), _NO_MODES),
    **dict.fromkeys(
        ("to", "cuda", "cpu"),
        "remove it: where to compute is an option of `netlang run`, `--provider`",
    ),
    **dict.fromkeys(
        ("summary", "info"), "remove it: `netlang summary FILE` prints the layers and their sizes"
    ),
    "print": "remove it: `netlang run` prints the outputs of a net",
    "super": "remove it: a net inherits nothing",
    "add": "layers are joined by `|>`: `y = x |> conv(16, 3) |> relu`",
}
"""What to do instead of a method or a function that is called for its effect."""


def expression(error: ErrorLocation) -> Diagnostic | None:
    """Explain `lambda t: t * 2`, `t => t * 2`, `f"…"` and decorators."""
    here, before = error.here, error.back(1)
    if here.text == "@" and here.fresh:
        line = error.rest_of_line(here)
        return error.diagnostic(
            rules.FOREIGN_KEYWORD,
            "netlang has no decorators",
            line,
            helps=("remove it",),
            fixes=_removal(line),
        )
    if here.kind == "string" and before.end == here.start and before.text in ("f", "r", "b", "u"):
        return error.diagnostic(
            rules.FOREIGN_OPERATOR,
            "a string has no prefix",
            before,
            helps=(f"write `{here.text}`",) if len(here.text) <= 60 else ("remove it",),
            fixes=(replacement(error.span(before), "", f"remove `{before.text}`"),),
        )
    first = error.first_on_line(error.at - 1 if here.fresh and error.at > 0 else error.at)
    return _rate(error, first) or _function(error, first)


_RATE = re.compile(r"(?P<pipe>\|> *)?\blambda\b *\(? *(?P<arg>[A-Za-z_]\w*) *\)? *: *")


def _rate(error: ErrorLocation, first: int) -> Diagnostic | None:
    """Explain `sgd(lambda t: 0.1 * 0.9 ** t)` and a schedule that gives a function."""
    line = error.rest_of_line(error.tokens[first])
    match = _RATE.search(line.text)
    whose = _DEFINER.findall(error.source.text, 0, line.end)[-1:]
    if match is None or whose not in (["train"], ["schedule"]):
        return None
    start = line.start + match.end()
    at = next((n for n, token in enumerate(error.tokens) if token.start >= start), None)
    if at is None:
        return None
    end = _end_of_value(error, at, line.end)
    formula = re.sub(rf"\b{match['arg']}\b", "elapsed", error.source.text[start:end])
    before = "define it before the section: `schedule decay"
    if whose == ["schedule"]:
        help = f"write the rate itself: `{formula}`, where `elapsed` is the number of steps"
    elif match["pipe"]:
        help = f"{before}(lr: schedule) = lr * {formula}`; and write `|> decay` here"
    else:
        help = f"{before}() = {formula}`; and write `decay()` here"
    word = line.start + match.start() + match[0].index("lambda")
    return error.diagnostic(
        rules.FOREIGN_KEYWORD,
        "a learning rate over time is a `schedule`",
        Span(error.source, word, word + len("lambda")),
        helps=(help if len(formula) <= 60 else "define a `schedule` before the section",),
    )


_DEFINER = re.compile(r"^(net|block|op|optimizer|schedule|train|dataset|extern)\b", re.MULTILINE)


def _end_of_value(error: ErrorLocation, at: int, line_end: int) -> int:
    """Return where a value that begins with a token ends: at a comma or a bracket around it."""
    depth = 0
    for before, token in zip(error.tokens[at - 1 :], error.tokens[at:], strict=False):
        depth += (token.text in _OPENING) - (token.text in _CLOSING)
        if depth < 0 or token.start >= line_end or (depth == 0 and token.text == ","):
            return before.end
    return line_end


_OPENING, _CLOSING = ("(", "[", "{"), (")", "]", "}")


_LAMBDA = re.compile(
    r"(?P<name>\w+) *= *(?:lambda +(?P<args>[\w, ]*?) *:|\(?(?P<others>[\w, ]+?)\)? *=>) *"
    r"(?P<value>.+)"
)


def _function(error: ErrorLocation, first: int) -> Diagnostic | None:
    line = error.rest_of_line(error.tokens[first])
    match = _LAMBDA.fullmatch(line.text)
    if match is None:
        return None
    args, value = match["args"] or match["others"] or "", match["value"]
    sign = line.text.index("=", match.end("name"))
    skipped = len(line.text[sign + 1 :]) - len(line.text[sign + 1 :].lstrip())
    return error.diagnostic(
        rules.FOREIGN_KEYWORD,
        "a function has a definition of its own",
        Span(error.source, line.start + sign + 1 + skipped, line.end),
        helps=(
            f"define it before the net: `op {match['name']}({args}) = {value}`"
            if len(value) <= 60
            else "define it before the net, as an `op`",
        ),
    )


def method(error: ErrorLocation, at: int, value: str) -> Diagnostic | None:
    """Explain `outs.append(a)`, `print(x)`, `loss.backward()` and `self.y = …`."""
    name, point, called = [*error.tokens[at : at + 3], error.tokens[-1], error.tokens[-1]][:3]
    if name.text == "self" and point.text == "." and called.kind == "name":
        span = Span(error.source, name.start, called.start)
        return error.diagnostic(
            rules.FOREIGN_KEYWORD,
            "netlang has no `self`",
            name,
            "a part of a net has a plain name",
            helps=(f"write `{called.text}`",),
            fixes=(replacement(span, "", "remove `self.`"),),
        )
    match = re.match(r"(?:[\w.]+\.)?(\w+)\s*\(", value)
    if match is None:
        return None
    whole = Span(error.source, name.start, name.start + len(value))
    if match[1] in ("append", "extend") and point.text == ".":
        added = value[match.end() : -1].strip()
        item = added if added and "\n" not in added and len(added) <= 40 else "…"
        return error.diagnostic(
            rules.FOREIGN_KEYWORD,
            f"nothing can be added to `{name.text}`",
            whole,
            notes=("values never change",),
            helps=(
                f"a loop gives the list of what it yields: "
                f"`{name.text} = for … {{ yield {item} }}`",
            ),
        )
    advice = _METHODS.get(match[1])
    if advice is None or (point.text != "." and match[1] not in ("print", "super")):
        return None
    return error.diagnostic(
        rules.FOREIGN_KEYWORD,
        f"netlang has no `{match[1]}`",
        whole,
        "a statement gives a value to a name",
        helps=(advice,),
        fixes=_removal(whole) if advice.startswith("remove it") else (),
    )


def _removal(statement: Span) -> tuple[Fix, ...]:
    """Return the fix that removes a statement with its line."""
    source = statement.source
    line = source.line(statement.line)
    start = source.text.rfind("\n", 0, statement.start) + 1
    if line.strip() != statement.text:
        return ()
    return (replacement(Span(source, start, start + len(line) + 1), "", "remove the line"),)
