"""Layers as a tree of the parts of their names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cached_property

from netlang.matching.pieces import Layer, Path, Signature


class Tree:
    """Layers below one name: ``layer`` is that of the name itself, if there is one."""

    def __init__(self, path: Path, layers: Sequence[Layer]) -> None:
        self.path = path
        self.layers = layers

    @cached_property
    def counts(self) -> Counter[Signature]:
        """How many layers of each kind there are."""
        return Counter(layer.signature for layer in self.layers)

    @cached_property
    def key(self) -> frozenset[tuple[Signature, int]]:
        """Equal for two trees that may be the same."""
        return frozenset(self.counts.items())

    @property
    def leaf(self) -> Layer | None:
        """The layer that is the whole tree."""
        (only, *others) = self.layers
        return only if not others and only.path == self.path else None

    def parts(self) -> list[Tree]:
        """Return the trees below, in order; a layer of the name itself is one without any below."""
        depth = len(self.path)
        below: dict[Path, list[Layer]] = {}
        own = [layer for layer in self.layers if len(layer.path) == depth]
        for layer in self.layers:
            if len(layer.path) > depth:
                below.setdefault(layer.path[: depth + 1], []).append(layer)
        return [Tree(self.path, own)] * bool(own) + [
            Tree(path, layers) for path, layers in below.items()
        ]

    def below(self, root: Path) -> Path:
        """Return the path from the tree with another one."""
        return self.path[len(root) :]


_NUMBER = re.compile(r"\d+|(?<![A-Za-z])[A-Za-z](?![A-Za-z])")


def natural(path: Path) -> list[tuple[int, str, int]]:
    """Return what sorts names with numbers: `b2` before `b10`."""
    parts = re.split(r"(\d+)", ".".join(path))
    return [(1, "", int(p)) if p.isdecimal() else (0, p, 0) for p in parts]


def numbers(path: Path) -> tuple[str, tuple[int, ...]]:
    """Return a name without its numbers, and these; a single letter is one, too."""
    text = ".".join(path)
    found = tuple(int(n) if n.isdecimal() else ord(n.lower()) for n in _NUMBER.findall(text))
    return _NUMBER.sub("#", text), found


def series(paths: Sequence[Path]) -> list[tuple[int, ...]] | None:
    """Return the numbers of names that differ in nothing else; ``None`` for other names."""
    found = [numbers(path) for path in paths]
    values = [number for _, number in found]
    one = len({stem for stem, _ in found}) == 1
    if not one or len(set(values)) < len(values):
        return None
    letters = any(
        part.isalpha() and len(part) == 1
        for path in paths
        for part in re.split(r"[\W_\d]+", ".".join(path))
    )
    if letters and any(
        len(set(c)) > 1 and max(c) - min(c) >= len(paths) for c in zip(*values, strict=True)
    ):
        return None  # `q`, `k`, `v` are not the numbers of anything.
    return values


_MEANINGS = (
    "q query queries to_q", "k key keys to_k", "v value values to_v",
    "out o output merge to_out o_proj out_proj attn_out", "skip downsample shortcut identity",
    "attn attention self_attn self_attention selfattn", "cross cross_attn multihead_attn",
    "norm bn batch_norm batchnorm layer_norm layernorm ln", "se squeeze_excite",
    "conv convolution", "dense linear fc", "reverse backward", "forward fw",
    "head classifier logits fc", "stem conv_stem", "reduce conv_reduce",
    "expand conv_expand", "depthwise conv_dw dw", "pointwise conv_pw pw",
    "word token tok wte", "place position positions pos wpe", "encoder", "decoder",
    "grow c_fc intermediate widen", "shrink narrow",
    "project conv_pwl",
)  # fmt: skip
_MEANING: dict[str, set[str]] = {}
for _line in _MEANINGS:
    for _word in _line.split():
        _MEANING.setdefault(_word, set()).add(_line.split()[0])


def meanings(path: Path) -> frozenset[str]:
    """Return what a name says, in one word each for what has several."""
    found: set[str] = set()
    for part in path:
        if part.isdecimal():
            continue
        words = [part, *part.split("_"), re.sub(r"_?\d+$", "", part)]
        found.update(m for w in words for m in _MEANING.get(w.lower(), {w.lower()}))
    return frozenset(word for word in found if not word.isdecimal())
