"""The targets of compilation, and the files they are written to."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from netlang.diagnostics import rules
from netlang.diagnostics.errors import USAGE, NetlangError
from netlang.system.files import check_replaceable

Target = Literal["onnx", "numpy", "pytorch"]
SUFFIXES: dict[Target, str] = {"onnx": ".onnx", "numpy": ".py", "pytorch": ".py"}
"""The extension of the file that each target writes."""


def target_of(path: Path, target: Target | None = None) -> Target:
    """Return the target of a file: the given one, or the only one with the extension of ``path``.

    Raises ``NetlangError`` for an extension that does not fit, a choice that is missing, or a path
    that a file cannot replace.
    """
    check_replaceable(path)
    fitting: list[Target] = [
        name for name, suffix in SUFFIXES.items() if suffix == path.suffix.lower()
    ]
    if target is None and len(fitting) == 1:
        return fitting[0]
    if target is not None and target in fitting:
        return target
    raise _wrong_suffix(path, target) if target or not fitting else _ambiguous(path, fitting)


def _wrong_suffix(path: Path, target: Target | None) -> NetlangError:
    known = dict.fromkeys(SUFFIXES.values() if target is None else [SUFFIXES[target]])
    subject = "a compiled net" if target is None else f"the target {target}"
    named = next(iter(known))
    return NetlangError(
        rules.UNKNOWN_FORMAT,
        f"{path}: {subject} is written as {' or '.join(known)}",
        notes=[f"the targets are: {', '.join(f'{t} ({s})' for t, s in SUFFIXES.items())}"],
        helps=[f"write to `{path.with_suffix(named)}`"],
        exit_code=USAGE,
    )


def _ambiguous(path: Path, fitting: list[Target]) -> NetlangError:
    options = " or ".join(f"`--target {name}`" for name in fitting)
    return NetlangError(
        rules.UNKNOWN_FORMAT,
        f"{path}: several targets are written as {path.suffix}",
        helps=[f"choose one with {options}"],
        exit_code=USAGE,
    )
