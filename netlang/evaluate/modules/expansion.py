"""The number of calls a program expands to, counted before anything is evaluated.

The count is a lower bound: of two branches the smaller one counts, and a loop of unknown length
does not count. What is rejected here is certainly too much; everything else is still counted while
it is evaluated (``budget``).
"""

from __future__ import annotations

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import DiagnosticError, Label, diagnostic
from netlang.diagnostics.source import Span
from netlang.evaluate.context.budget import Budget
from netlang.evaluate.context.parameter_names import bare
from netlang.evaluate.context.values import Function
from netlang.evaluate.modules.module import ModuleScope
from netlang.syntax import ast
from netlang.syntax.walk import children, walk

_DEEPEST = 200
"""The limit on nested definitions that are followed, which is that on nested calls."""

_SAME_LENGTH = frozenset({"enumerate", "reverse", "zip"})

Body = ast.Suite | ast.Expr


def reject_expansion(body: Body, module: ModuleScope, budget: Budget, span: Span) -> None:
    """Reject a body that expands to more calls than checking has steps."""
    counter = _Counter()
    calls = counter.body(body, module, {}, 0)
    if calls > budget.limit:
        iterations, loop = counter.longest
        raise DiagnosticError(
            diagnostic(
                rules.TOO_LARGE,
                f"this expands to {calls:,} calls",
                span,
                "counted without making any",
                secondary=(Label(loop, f"{iterations:,} iterations"),)
                if loop is not None and iterations > budget.limit
                else (),
                notes=(f"checking this program may take {budget.limit:,} steps",),
                helps=("use fewer repetitions",),
            )
        )


class _Counter:
    """Counts each definition once, however often it is called."""

    def __init__(self) -> None:
        self.known: dict[int, int] = {}
        self.longest: tuple[int, Span | None] = (0, None)
        """The most iterations of one loop in the body itself, and its span."""

    def function(self, function: Function, depth: int) -> int:
        """Count one call and all calls that follow from it."""
        definition = function.definition
        if isinstance(definition, ast.Extern) or function.module.source.library:
            return 1
        calls = self.known.get(id(definition))
        if calls is None and depth < _DEEPEST:
            self.known[id(definition)] = 0  # recursion is reported elsewhere
            local: dict[str, str | None] = dict.fromkeys(p.name.text for p in function.params)
            calls = 1 + self.body(definition.body, function.module, local, depth + 1)
            self.known[id(definition)] = calls
        return calls or 0

    def body(
        self, body: Body, module: ModuleScope, local: dict[str, str | None], depth: int
    ) -> int:
        """Count the calls of statements or of an expression.

        ``local`` has the names that shadow the file's own; a layer refers to its block.
        """
        local = local | _locals(body)
        total = 0
        stack: list[tuple[ast.Node, int]] = [(body, 1)]
        while stack:
            node, times = stack.pop()
            match node:
                case ast.For(kind="for", source=source, carries=carries, body=inner):
                    iterations = _length(source, module, local)
                    total += times * iterations
                    if depth == 0 and iterations > self.longest[0]:
                        self.longest = iterations, source.span
                    stack.append((source, times))
                    stack.extend((carry.value, times) for carry in carries)
                    stack.extend(
                        (statement, times * iterations) for statement in inner if iterations
                    )
                case ast.Comprehension(source=source, body=inner):
                    iterations = _length(source, module, local)
                    total += times * iterations
                    stack.append((source, times))
                    if iterations and node.condition is None:
                        stack.append((inner, times * iterations))
                case ast.If(condition=condition, then=then, otherwise=otherwise):
                    stack.append((condition, times))
                    if depth < _DEEPEST:
                        branches = (
                            self.body(b, module, local, depth + 1) for b in (then, otherwise)
                        )
                        total += times * min(branches)
                case ast.Binary(op="and" | "or", left=left):
                    stack.append((left, times))
                case ast.Pipe(stages=stages):
                    bared = map(bare, stages)
                    named = (stage for stage in bared if not isinstance(stage, ast.Call))
                    total += times * sum(self._callee(s, module, local, depth) for s in named)
                    stack.extend((child, times) for child in children(node))
                case ast.Call(callee=callee):
                    total += times * self._callee(callee, module, local, depth)
                    stack.extend((child, times) for child in children(node))
                case _:
                    stack.extend((child, times) for child in children(node))
        return total

    def _callee(
        self, callee: ast.Expr, module: ModuleScope, local: dict[str, str | None], depth: int
    ) -> int:
        if not isinstance(callee, ast.Name):
            return 1
        name = local.get(callee.text) if callee.text in local else callee.text
        function = module.function(name) if name is not None and _own(name, module) else None
        return self.function(function, depth) if function is not None else 1


def _own(name: str, module: ModuleScope) -> bool:
    """Return whether a name refers to a program's own files: the library is not followed."""
    return module.declaration(name) is not None or name in module.imported


def _locals(body: Body) -> dict[str, str | None]:
    """Return the names a body binds, and the block of each that is a layer."""
    found: dict[str, str | None] = {}
    for node in walk(body):
        match node:
            case ast.Bind(targets=targets, value=value):
                made = bare(value)
                layer = isinstance(made, ast.New) and len(targets) == 1 and len(made.path) == 1
                block = made.path[0].text if layer and isinstance(made, ast.New) else None
                for target in targets:
                    found[target.text] = block if target.text not in found else None
            case ast.For(names=names, carries=carries):
                found.update((name.text, None) for name in names)
                found.update((carry.name.text, None) for carry in carries)
            case ast.Comprehension(names=names):
                found.update((name.text, None) for name in names)
            case _:
                pass
    return found


def _length(
    source: ast.Expr, module: ModuleScope, local: dict[str, str | None], depth: int = 0
) -> int:
    """Return the number of a loop's iterations if it is a constant, or else 0."""
    source = bare(source)
    match source:
        case ast.List(items=items) | ast.Tuple(items=items):
            return len(items)
        case ast.Binary(op="..", left=left, right=right):
            first, last = _number(left, module, local), _number(right, module, local)
            return max(0, last - first + 1) if first is not None and last is not None else 0
        case ast.Binary(op="+", left=left, right=right) if depth < _DEEPEST:
            return sum(_length(part, module, local, depth + 1) for part in (left, right))
        case ast.Call(callee=ast.Name(text=text), args=args) if (
            text in _SAME_LENGTH and args and depth < _DEEPEST
        ):
            return _length(args[0].value, module, local, depth + 1)
        case ast.Name(text=text) if text not in local and depth < _DEEPEST:
            value = _constant(text, module)
            return _length(value, module, {}, depth + 1) if value is not None else 0
        case _:
            return 0


def _number(
    expr: ast.Expr, module: ModuleScope, local: dict[str, str | None], depth: int = 0
) -> int | None:
    """Return a constant int; a computed one only if its operands are small."""
    expr = bare(expr)
    match expr:
        case ast.Int(value=value):
            return value
        case ast.Unary(op="-", operand=operand) if depth < _DEEPEST:
            value = _number(operand, module, local, depth + 1)
            return -value if value is not None else None
        case ast.Name(text=text) if text not in local and depth < _DEEPEST:
            bound = _constant(text, module)
            return _number(bound, module, {}, depth + 1) if bound is not None else None
        case ast.Binary(op=op, left=left, right=right) if depth < _DEEPEST:
            a = _number(left, module, local, depth + 1)
            b = _number(right, module, local, depth + 1)
            return _computed(op, a, b) if a is not None and b is not None else None
        case _:
            return None


def _computed(op: str, a: int, b: int) -> int | None:
    match op:
        case "+":
            return a + b
        case "-":
            return a - b
        case "*" if abs(a) < 2**64 and abs(b) < 2**64:
            return a * b
        case "**" if b >= 0 and abs(a).bit_length() * b <= 64:
            return a**b
        case "//" if b > 0:
            return a // b
        case _:
            return None


def _constant(name: str, module: ModuleScope) -> ast.Expr | None:
    """Return the expression that a top-level name is bound to."""
    match module.declaration(name):
        case ast.Bind(targets=(_,), value=value):
            return value
        case _:
            return None
