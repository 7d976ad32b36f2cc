"""Names of bindings, layers and blocks: those of the file where they tell something."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from netlang.importing.convert import RESERVED, unique
from netlang.importing.structure.steps import Step

_SHORT = {
    "batch_norm": "bn", "layer_norm": "norm", "group_norm": "norm", "instance_norm": "norm",
    "rms_norm": "norm", "conv_transpose": "up", "param": "weight", "+": "add", "*": "mul",
    "concat": "concat", "max_pool": "pool", "avg_pool": "pool", "mean": "mean", "@": "mul",
}  # fmt: skip
_LETTERS = "abcdefgklmopqrstuvwz"


def label_of(step: Step, taken: set[str], target: str, numbers: dict[str, int]) -> str:
    """Return a label of a layer, by its name in the file or by its kind.

    ``numbers`` are the last ones of each name, so that many layers are named in linear time.
    """
    stem = meaningful(step.hint) or short(step)
    made, number = stem, numbers.get(stem, 1)
    while made in taken and made != target:
        number += 1
        made = f"{stem}{number}"
    numbers[stem] = number
    taken.add(made)
    return made


def short(step: Step) -> str:
    if step.definition is not None:
        return step.definition.name or "loop"
    if step.form == "shared":
        return "layer"
    return _SHORT.get(step.callee, step.callee if step.callee.isidentifier() else "value")


def meaningful(hint: str) -> str:
    """Return the last part of a path that is a name and not a number."""
    for part in reversed(hint.split(".")):
        text = re.sub(r"[^A-Za-z0-9_]", "_", part).strip("_").lower()
        plain = text and text[0].isalpha() and text not in RESERVED and len(text) <= 24
        if plain and text not in ("weight", "bias", "model", "module"):
            return text
    return ""


def letter(taken: Iterable[str]) -> str:
    """Return a short name that is not taken."""
    used = set(taken)
    free = (f"{c}{n or ''}" for n in range(1000) for c in _LETTERS)
    return next(name for name in free if name not in used)


def block_name(body: Sequence[Step], taken: set[str]) -> str:
    """Return the name of a block by what it consists of."""
    kinds = [short(step) for step in body]
    callees = {step.callee for step in body}
    if len(kinds) <= 3 and all(re.fullmatch(r"[a-z_]+", k) for k in kinds):
        stem = "_".join(kinds)
    elif "softmax" in callees and "@" in callees:
        stem = "attention_unit"
    elif body[-1].callee == "+" or (len(body) > 1 and body[-2].callee == "+"):
        stem = "residual_unit"
    elif body[-1].callee == "concat":
        stem = "concat_unit"
    else:
        stem = "unit"
    stem = stem if len(stem) <= 30 else "unit"
    (made,) = unique([stem], taken)
    taken.add(made)
    return made
