"""The definitions in the text of a program, by the names that its graph has."""

from __future__ import annotations

from netlang.evaluate.modules.module import ModuleScope
from netlang.syntax import ast


def definition(module: ModuleScope, name: str) -> ast.Definition | None:
    """Return what defines a block in a file, in those that it imports, or in the library."""
    pending, seen = [module], set[int]()
    while pending:
        scope = pending.pop()
        if id(scope) in seen:
            continue
        seen.add(id(scope))
        found = scope.declaration(name)
        if isinstance(found, ast.Definition):
            return found
        pending += [origin[0] for origin in scope.imported.values() if origin is not None]
        if scope.library is not None:
            pending.insert(0, scope.library)
    return None
