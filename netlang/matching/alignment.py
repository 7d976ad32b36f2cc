"""Two trees of layers side by side: which layer of a file is which layer of a net.

Two trees may be the same if they have equal numbers of layers of each kind. Where several may be,
what the same names were found to mean elsewhere decides, then the names, then numbers in them. What
is left is ambiguous: nothing is assumed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct, field

from netlang.matching.pieces import Layer, Path, Signature
from netlang.matching.trees import Tree, meanings, series

Reason = Literal["name", "shape", "analogy", "number", "order"]


class Match(Struct, frozen=True, eq=False):
    """A layer of a file and one of a net, and why they are the same."""

    theirs: Layer
    ours: Layer
    reason: Reason


class Ambiguous(Struct, frozen=True, eq=False):
    """Trees that may be each other's in several ways, as the layers of each."""

    theirs: Sequence[Sequence[Layer]]
    ours: Sequence[Sequence[Layer]]

    @property
    def names(self) -> tuple[list[str], list[str]]:
        """The names of the trees of the file, and of those of the net."""
        return [_name(tree) for tree in self.theirs], [_name(tree) for tree in self.ours]


def _name(layers: Sequence[Layer]) -> str:
    """Return what the names of layers begin with."""
    first, last = (pick([layer.name.split(".") for layer in layers]) for pick in (min, max))
    same = [one for one, other in zip(first, last, strict=False) if one == other]
    return ".".join(same) or layers[0].name


class _Context(Struct, frozen=True, eq=False):
    """Two trees that are the same: the names below them, and what is known to be what."""

    theirs: frozenset[Path]
    ours: frozenset[Path]
    known: dict[Path, Path]

    def contradicts(self, other: _Context) -> bool:
        """Return whether a name means something else in another one."""
        both = self.known.keys() & other.known.keys()
        return any(self.known[name] != other.known[name] for name in both)

    def like(self, other: _Context) -> bool:
        """Return whether the names are the same in another one, or one is known in both."""
        same = (self.theirs, self.ours) == (other.theirs, other.ours)
        return same or not self.known.keys().isdisjoint(other.known)


class _Choice(Struct, frozen=True, eq=False):
    """Trees of equal layers, as many in the file as in the net, below two that are the same."""

    theirs: list[Tree]
    ours: list[Tree]
    roots: Sequence[tuple[Path, Path]]
    reason: Reason

    def below(self) -> tuple[list[Path], list[Path]]:
        mine, yours = self.roots[-1]
        return [t.below(mine) for t in self.theirs], [t.below(yours) for t in self.ours]


class Alignment(Struct, eq=False):
    """What is found, step by step."""

    matches: list[Match] = field(default_factory=list[Match])
    ambiguous: list[Ambiguous] = field(default_factory=list[Ambiguous])
    _open: list[_Choice] = field(default_factory=list[_Choice])
    _contexts: dict[tuple[Path, Path], _Context] = field(
        default_factory=dict[tuple[Path, Path], _Context]
    )

    def align(self, theirs: Sequence[Layer], ours: Sequence[Layer]) -> None:
        """Match layers of a file, sorted by name, with those of a net, in the order of its text.

        There must be as many of each kind.
        """
        self._pair(Tree((), theirs), Tree((), ours), [], "shape")
        while self._open:
            if any(self._decide(c, certain=True) for c in list(self._open)):
                continue
            # Numbers of one choice at a time: what it contains may decide the others by name.
            if not any(self._decide(c, certain=False) for c in list(self._open)):
                break
        for choice in self._open:
            self.ambiguous.append(
                Ambiguous([t.layers for t in choice.theirs], [t.layers for t in choice.ours])
            )

    # ---- trees ---------------------------------------------------------------------------

    def _descend(
        self, theirs: list[Tree], ours: list[Tree], roots: Sequence[tuple[Path, Path]],
        reason: Reason,
    ) -> None:  # fmt: skip
        """Pair the trees of two forests whose layers are the same."""
        while theirs:
            settled = _settled(theirs, ours)
            if settled is not None:
                mine, yours = settled
                theirs = [t for t in theirs if t not in mine]
                ours = [t for t in ours if t not in yours]
                if len(mine) == 1:
                    self._pair(mine[0], yours[0], roots, reason)
                else:
                    self._open.append(_Choice(mine, yours, roots, reason))
                continue
            theirs, ours = _taken_apart(theirs, ours)

    def _pair(
        self, mine: Tree, yours: Tree, roots: Sequence[tuple[Path, Path]], reason: Reason
    ) -> None:
        for root in roots:
            self._contexts[root].known[mine.below(root[0])] = yours.below(root[1])
        if len(mine.layers) == 1:
            name = "name" if mine.layers[0].path == yours.layers[0].path else reason
            self.matches.append(Match(mine.layers[0], yours.layers[0], name))
            return
        root = (mine.path, yours.path)
        self._contexts.setdefault(
            root,
            _Context(
                frozenset(layer.path[len(mine.path) :] for layer in mine.layers),
                frozenset(layer.path[len(yours.path) :] for layer in yours.layers),
                {},
            ),
        )
        self._descend(mine.parts(), yours.parts(), [*roots, root], reason)

    # ---- choices -------------------------------------------------------------------------

    def _decide(self, choice: _Choice, *, certain: bool) -> bool:
        """Pair trees of a choice; return whether some were."""
        mine, yours = choice.below()
        ways: tuple[tuple[Reason, list[tuple[int, int]]], ...] = (
            (
                ("analogy", self._analogous(choice)),
                ("name", _same_names(mine, yours)),
                ("name", _related(mine, yours)),
            )
            if certain
            else _numbered(mine, yours)
        )
        for reason, pairs in ways:
            if pairs:
                self._settle(choice, pairs, reason)
                return True
        return False

    def _settle(self, choice: _Choice, pairs: list[tuple[int, int]], reason: Reason) -> None:
        self._open.remove(choice)
        gone, away = {i for i, _ in pairs}, {j for _, j in pairs}
        theirs = [t for i, t in enumerate(choice.theirs) if i not in gone]
        ours = [t for j, t in enumerate(choice.ours) if j not in away]
        for i, j in pairs:
            self._pair(choice.theirs[i], choice.ours[j], choice.roots, reason)
        if theirs:
            self._descend(theirs, ours, choice.roots, reason)

    def _analogous(self, choice: _Choice) -> list[tuple[int, int]]:
        """Return the pairs whose names mean the same in other trees of the same names."""
        mine, yours = choice.below()
        here = self._contexts[choice.roots[-1]]
        others = [c for c in self._contexts.values() if c is not here and not c.contradicts(here)]
        alike = [c for c in others if c.like(here)]
        # A name that is more than a number may tell something wherever it is.
        telling = [path for path in mine if not all(part.isdecimal() for part in path)]
        for contexts, names in ((alike, mine), (others, telling)):
            pairs: list[tuple[int, int]] = []
            for path in names:
                found = {c.known[path] for c in contexts if path in c.known}
                if len(found) == 1 and (other := found.pop()) in yours:
                    pairs.append((mine.index(path), yours.index(other)))
            if pairs := _once(pairs):
                return pairs
        return []


def _settled(theirs: list[Tree], ours: list[Tree]) -> tuple[list[Tree], list[Tree]] | None:
    """Return trees that can only be each other's: a layer in them is in no other tree.

    Without such a layer two trees of one kind might be made of parts of others.
    """
    total = sum((t.counts for t in theirs), Counter[Signature]())
    for first in theirs:
        mine = [t for t in theirs if t.key == first.key]
        yours = [t for t in ours if t.key == first.key]
        if len(mine) == len(yours) and any(
            total[kind] == n * len(mine) for kind, n in first.counts.items()
        ):
            return mine, yours
    return None


def _taken_apart(theirs: list[Tree], ours: list[Tree]) -> tuple[list[Tree], list[Tree]]:
    """Return forests with the largest tree, and those of its kind, replaced by their parts."""
    balance = Counter(t.key for t in theirs)
    balance.subtract(t.key for t in ours)
    inner = [t for t in (*theirs, *ours) if t.leaf is None]
    uneven = [t for t in inner if balance[t.key]]
    largest = max(uneven or inner, key=lambda tree: len(tree.layers))

    def apart(trees: list[Tree]) -> list[Tree]:
        return [p for t in trees for p in (t.parts() if t.key == largest.key else [t])]

    return apart(theirs), apart(ours)


def _same_names(mine: list[Path], yours: list[Path]) -> list[tuple[int, int]]:
    """Return all pairs where the names of both sides are the same."""
    if set(mine) != set(yours) or len(set(mine)) < len(mine):
        # Numbers may begin with 0 on one side and with 1 on the other.
        return []
    if all(part.isdecimal() for path in mine for part in path):
        return []
    return [(i, yours.index(path)) for i, path in enumerate(mine)]


def _related(mine: list[Path], yours: list[Path]) -> list[tuple[int, int]]:
    """Return the pairs that alone share a word which the other names do not have."""
    theirs, ours = _distinct(map(meanings, mine)), _distinct(map(meanings, yours))
    pairs: list[tuple[int, int]] = []
    for i, words in enumerate(theirs):
        found = [j for j, others in enumerate(ours) if words & others]
        if len(found) == 1:
            pairs.append((i, found[0]))
    return _once(pairs)


def _distinct(names: Iterable[frozenset[str]]) -> list[frozenset[str]]:
    """Return the words that not all names have."""
    listed = list(names)
    common = listed[0].intersection(*listed)
    return [words - common for words in listed]


def _once(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the pairs whose second number occurs in no other one."""
    uses = Counter(j for _, j in pairs)
    return [(i, j) for i, j in pairs if uses[j] == 1]


def _numbered(
    mine: list[Path], yours: list[Path]
) -> tuple[tuple[Reason, list[tuple[int, int]]], ...]:
    """Return the pairs in the order of the numbers in the names of the file, if it has them."""
    values = series(mine)
    if values is None:
        return ()
    order = sorted(range(len(mine)), key=lambda i: values[i])
    numbered = series(yours)
    if numbered is None:
        return (("order", [(i, j) for j, i in enumerate(order)]),)
    other = sorted(range(len(yours)), key=lambda j: numbered[j])
    if other != list(range(len(yours))):
        return ()  # the numbers say one thing, and the order of the program another
    return (("number", list(zip(order, other, strict=True))),)
