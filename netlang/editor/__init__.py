"""What editors, highlighters and shells know of the language.

``analyse`` returns what is known about a text while it is being edited: errors with their fixes,
the shapes of all names, definitions and uses of names, completions. It needs neither NumPy nor
ONNX, and its records have no types of any editor. ``Analyser`` does the same for one version of a
text after another, and evaluates only what has changed.

>>> from netlang.editor import analyse
>>> facts = analyse("net A(x: f32[N, 4]) -> y {\\n  h = dense(x, 8)\\n  y = dens(h, 2)\\n}\\n")
>>> [hint.text for hint in facts.hints if hint.kind == "type"]
[': f32[N, 8]']
>>> facts.problems[0].message, facts.problems[0].fixes[0].title
("I don't know `dens`", 'replace `dens` with `dense`')
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netlang.editor.facts.analyser import Analyser as Analyser
    from netlang.editor.facts.analyser import Facts as Facts

__all__ = ["Analyser", "Facts", "analyse"]


def analyse(
    text: str,
    *,
    path: str | Path = "untitled.net",
    texts: Mapping[str, str] | Mapping[Path, str] | None = None,
) -> "Facts":
    """Return the facts about a text.

    Args:
        text: a program, or a part of one.
        path: where it is or would be: imports are relative to its folder.
        texts: read instead of the files at these paths, as an editor holds them before they are
            saved.
    """
    from netlang.editor.facts.analyser import Analyser

    return Analyser(path).analyse(text, texts)


def __getattr__(name: str) -> object:
    if name not in ("Analyser", "Facts"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from netlang.editor.facts import analyser

    return getattr(analyser, name)
