"""Which tensor of a file is which parameter of a net."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct

from netlang.matching.alignment import Alignment, Ambiguous, Reason
from netlang.matching.files import TensorFile
from netlang.matching.flattening import Orders
from netlang.matching.pieces import Layer, Piece, Signature, layers_of
from netlang.matching.rules import Shapes, read_names, reordered
from netlang.matching.trees import Tree

_BECAUSE: Mapping[Reason, str] = {
    "name": "by name", "shape": "by shape and parent", "analogy": "as in other blocks",
    "number": "by number", "order": "by order and shape only",
}  # fmt: skip
"""Why two layers are the same, in words."""


class Matched(Struct, frozen=True, eq=False):
    """What each parameter is made of, and what is left.

    ``reasons`` are those of layers: of the file and of the net by name. ``unused`` are tensors
    that no parameter is made of, of which ``buffers`` are not parameters by their names.
    ``missing`` are parameters that the file does not have, and ``ambiguous`` are layers of which
    several may be the same.
    """

    pieces: Mapping[str, Piece]
    reasons: Mapping[tuple[str, str], Reason]
    rules: Sequence[str] = ()
    unused: Sequence[str] = ()
    buffers: Collection[str] = ()
    missing: Sequence[str] = ()
    ambiguous: Sequence[Ambiguous] = ()

    @property
    def complete(self) -> bool:
        """Whether every parameter is made of something."""
        return not self.missing and not self.ambiguous

    @property
    def by_order(self) -> list[tuple[str, str]]:
        """The layers that are matched by their order and shapes alone."""
        return [names for names, reason in self.reasons.items() if reason == "order"]

    @property
    def left_over(self) -> list[str]:
        """The tensors that are not used, and are not buffers."""
        return [name for name in self.unused if name not in self.buffers]

    def __str__(self) -> str:
        """Return a line for each layer, and how many were matched for which reason."""
        width = max((len(theirs) for theirs, _ in self.reasons), default=0)
        lines = [
            f"{theirs.ljust(width)}  is  {ours}  ({_BECAUSE[reason]})"
            for (theirs, ours), reason in self.reasons.items()
        ]
        lines += [f"missing: {path}" for path in self.missing]
        for each in self.ambiguous:
            lines += [f"ambiguous: {way}" for way in ways(each)]
        lines += [f"not used: {name}" for name in self.left_over]
        return "\n".join([*lines, self.summary])

    def json(self) -> dict[str, object]:
        """Return the mapping as a mapping file has it, and what is left."""
        return {
            "parameters": {path: piece.json() for path, piece in self.pieces.items()},
            "unused": list(self.unused),
            "missing": list(self.missing),
            "ambiguous": [
                {"theirs": theirs, "ours": ours}
                for theirs, ours in (each.names for each in self.ambiguous)
            ],
        }

    @property
    def summary(self) -> str:
        """The number of layers for each reason, in one line."""
        counts = Counter(self.reasons.values())
        each = [f"{n:,} {_BECAUSE[r]}" for r in _BECAUSE if (n := counts[r])]
        layers = "layer" if len(self.reasons) == 1 else "layers"
        return f"{len(self.reasons):,} {layers} matched: {', '.join(each) or 'none'}"


def match_names(
    params: Shapes, file: TensorFile, *, torch: bool = False, orders: Orders | None = None
) -> Matched:
    """Match the tensors of a file with the parameters of a net.

    ``params`` are the shapes of the parameters by path, in the order of the program. With
    ``torch``, the names are those of PyTorch, and no others. ``orders`` are those of parameters
    along whose axes are flattened maps.
    """
    shapes = file.shapes
    own = all(shapes.get(path) == shape for path, shape in params.items())
    if own and not torch and not file.pieces:
        same: dict[tuple[str, str], Reason] = {(path, path): "name" for path in params}
        unused = [name for name in shapes if name not in params]
        return Matched({path: Piece(path) for path in params}, same, unused=unused)
    ours = layers_of({path: (path, shape) for path, shape in params.items()})
    wanted = Counter(layer.signature for layer in ours)
    read = read_names(file, frozenset(wanted), torch=torch)
    theirs = list(read.layers)
    given = Counter(layer.signature for layer in theirs)
    part = _parts_like(theirs, wanted) if given != wanted else []
    used = list(part[0].layers) if len(part) == 1 else _without_extra(theirs, wanted)
    more = _without_extra(ours, given)
    alignment = Alignment()
    ambiguous = _uneven(used, more)
    if not ambiguous:
        alignment.align(used, more)
        ambiguous = alignment.ambiguous
    found: dict[str, Piece] = {}
    for match in alignment.matches:
        for leaf, path in match.ours.tensors.items():
            piece = match.theirs.tensors[leaf]
            assert isinstance(path, str)
            assert isinstance(piece, Piece)
            found[path] = piece
    ordered = {path: found[path] for path in params if path in found}
    rules = [*read.rules, *reordered(ordered, orders or {}, torch=torch)]
    read_from = {piece.source for piece in ordered.values()}
    open_ones = {name for a in ambiguous for tree in a.theirs for name in sources(tree)}
    return Matched(
        ordered,
        {
            (m.theirs.name, m.ours.name): m.reason
            for m in sorted(alignment.matches, key=lambda m: more.index(m.ours))
        },
        rules,
        [name for name in shapes if name not in read_from and name not in open_ones],
        read.ignored,
        [str(p) for layer in ours if layer not in more for p in layer.tensors.values()],
        ambiguous,
    )


def sources(layers: Sequence[Layer]) -> list[str]:
    """Return the tensors of a file that layers are made of."""
    return [p.source for layer in layers for p in layer.tensors.values() if isinstance(p, Piece)]


def _parts_like(layers: Sequence[Layer], wanted: Counter[Signature]) -> list[Tree]:
    """Return the largest trees that have the layers of the net, such as all but a head."""
    found: list[Tree] = []

    def visit(tree: Tree) -> None:
        if tree.counts == wanted:
            found.append(tree)
        elif tree.leaf is None and tree.counts >= wanted:
            for part in tree.parts():
                visit(part)

    if layers:
        visit(Tree((), layers))
    return found


def _without_extra(layers: Sequence[Layer], wanted: Mapping[Signature, int]) -> list[Layer]:
    """Leave out trees that the other side lacks: with a layer of a kind that it does not have."""
    excess = Counter(layer.signature for layer in layers)
    excess.subtract(wanted)
    left_out: set[Layer] = set()

    def visit(tree: Tree) -> None:
        counts = tree.counts
        alone = any(not wanted.get(kind) for kind in counts)
        if alone and all(excess[kind] >= n for kind, n in counts.items()):
            excess.subtract(counts)
            left_out.update(tree.layers)
        elif tree.leaf is None:
            for part in tree.parts():
                visit(part)

    if layers:
        visit(Tree((), layers))
    return [layer for layer in layers if layer not in left_out]


def _uneven(theirs: Sequence[Layer], ours: Sequence[Layer]) -> list[Ambiguous]:
    """Return the kinds of layers of which one side has more than the other."""
    given, wanted = (Counter(layer.signature for layer in side) for side in (theirs, ours))
    return [
        Ambiguous(
            [[layer] for layer in theirs if layer.signature == kind],
            [[layer] for layer in ours if layer.signature == kind],
        )
        for kind in sorted({*given, *wanted})
        if given[kind] != wanted[kind]
    ]


def ways(ambiguous: Ambiguous) -> list[str]:
    """Return two interpretations of layers that may be each other's."""
    mine, yours = ambiguous.names
    if len(mine) != len(yours):
        return [
            f"{len(mine)} layers of the file, {_listed(mine)}, have the shapes of "
            f"{len(yours)} of the net, {_listed(yours)}"
        ]
    other = [yours[1], yours[0], *yours[2:]]
    return [
        f"{word} {_listed(f'{t}` is `{o}' for t, o in zip(mine, names, strict=True))}"
        for word, names in (("either", yours), ("or", other))
    ]


_MOST_SHOWN = 6


def _listed(names: Iterable[str]) -> str:
    shown = [f"`{name}`" for name in names]
    more = f", and {len(shown) - _MOST_SHOWN} more" if len(shown) > _MOST_SHOWN else ""
    return ", ".join(shown[:_MOST_SHOWN]) + more
