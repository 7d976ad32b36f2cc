from dataclasses import dataclass
from netlang.diagnostics import *
from netlang.source import *


@dataclass(frozen=True)
class Failure:
    start: int
    expected: frozenset[str]


def explain(source, start, end, failure):
    return Diagnostic(
        "unexpected-token",
        str(sorted(failure.expected)),
        Label(Span(source, failure.start, failure.start + 1)),
    )


def explain_fault(source, fault):
    return Diagnostic("fault", fault.kind, Label(Span(source, fault.start, fault.end)))


def fault_start(f):
    return f.opener.start if f.opener else f.start
