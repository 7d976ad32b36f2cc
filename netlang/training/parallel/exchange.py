"""What the ranks of a run tell each other after each update: everything in one sum.

The sum is over one flat array, of the element type of the gradients. It has the gradients, the
running statistics, the sums of the metrics, and flags.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Protocol

from netlang.analysis.accumulators import BATCH
from netlang.ir.dims import bind, symbols
from netlang.system.numpy import Array, np
from netlang.system.ranks import Ranks
from netlang.training.step.graphs import StepGraph, Training
from netlang.training.totals import Totals

Arrays = Mapping[str, Array]


class Stateful(Protocol):
    """What has the state of a step."""

    def read(self, names: Iterable[str]) -> Mapping[str, Array]: ...
    def assign(self, state: Arrays) -> None: ...


@dataclass(frozen=True, slots=True)
class Flags:
    """What one rank tells the others besides its results, or what all know then.

    ``interrupted`` and ``failed`` are whether any rank is; ``seconds`` is how long ago rank 0 saved
    a checkpoint; ``taking_part`` whether this rank has a part of the batches, or how many ranks do.
    """

    interrupted: bool = False
    failed: bool = False
    seconds: float = 0.0
    taking_part: int = 0


_FLAGS = 4


class Exchange:
    """The sum over all ranks after each update of one step of a section."""

    def __init__(self, ranks: Ranks, training: Training, chosen: StepGraph) -> None:
        assert chosen.gathering is not None
        self._ranks = ranks
        carried = {state.name for state in training.carried}
        states = {s.name: s.value for s in chosen.gathering.states if s.name not in carried}
        sums = [f"{path}/sum" for path in chosen.update.paths]
        self._sums = {name: _shape(states.pop(name).type.shape) for name in sums}
        self._statistics = {name: _shape(value.type.shape) for name, value in states.items()}
        added = {n: a for n, a in chosen.measures.accumulators.items() if a.kind != "examples"}
        self._measured = {name: _shape(a.value.type.shape) for name, a in added.items()}
        self._counted = [name for name, a in added.items() if a.kind == "mean"]
        self._stores = len(added) < len(chosen.measures.accumulators)
        parts = (self._sums, self._statistics, self._measured)
        sizes = [prod(shape) for shapes in parts for shape in shapes.values()]
        self.elements = sum(sizes) + len(self._counted) + _FLAGS
        self._buffer = np.zeros(self.elements, np.float64 if training.double else np.float32)

    def combine(
        self, engine: Stateful, totals: Totals, flags: Flags, examples: int
    ) -> tuple[Totals, Flags]:
        """Add up over all ranks; return the totals and the flags of all.

        The engine then has the sums of the gradients and the means of the statistics of all ranks
        with a part of the ``examples``. ``totals`` are those of this rank. If a rank failed, the
        state of the engine is as it was.
        """
        views = self._views()
        state = {**views[0], **views[1]}
        if not flags.taking_part or flags.failed:
            self._buffer[:] = 0.0
        else:
            for name, array in engine.read(state).items():
                state[name][...] = array
            for name, view in views[2].items():
                view[...] = totals.sums[name]
        counts, told = self._buffer[-_FLAGS - len(self._counted) : -_FLAGS], self._buffer[-_FLAGS:]
        counts[:] = [totals.counts.get(name, 0) for name in self._counted]
        told[:] = (flags.interrupted, flags.failed, flags.seconds, flags.taking_part)
        self._ranks.add(self._buffer)
        known = Flags(bool(told[0]), bool(told[1]), float(told[2]), round(told[3]))
        if known.failed:
            return totals, known
        # The buffer is overwritten before the statistics are: the engine gets copies.
        parts = max(1, known.taking_part)
        means = {name: np.asarray(v / parts, v.dtype) for name, v in views[1].items()}
        engine.assign({**views[0], **means})
        whole = replace(
            totals,
            sums={name: view.astype(np.float64) for name, view in views[2].items()},
            counts={n: round(c) for n, c in zip(self._counted, counts.tolist(), strict=True)},
            stored={},
            examples=examples,
        )
        if self._stores:
            # Few metrics compare examples: these are sent apart.
            for stored in self._ranks.gather(lambda: totals.stored):
                whole.merge(replace(totals, sums={}, counts={}, stored=stored, examples=0))
        return whole, known

    def _views(self) -> list[dict[str, Array]]:
        """Return the parts of the buffer by name: gradients, statistics, sums of metrics."""
        views: list[dict[str, Array]] = []
        at = 0
        for shapes in (self._sums, self._statistics, self._measured):
            own: dict[str, Array] = {}
            for name, shape in shapes.items():
                own[name] = self._buffer[at : at + prod(shape)].reshape(shape)
                at += prod(shape)
            views.append(own)
        return views


def _shape(shape: Sequence[object]) -> tuple[int, ...]:
    return tuple(size for size in shape if isinstance(size, int))


def merged(ranks: Ranks, whole: Totals, add: Callable[[Totals], None]) -> Totals:
    """Return the totals over the batches of all ranks, in the order of the ranks.

    ``add`` adds those of this rank; a ``NetlangError`` that it raises is raised on all of them.
    ``whole`` is empty, and becomes the result.
    """
    own = replace(whole, sums={}, counts={}, stored={})

    def make() -> tuple[dict[str, Array], dict[str, int], dict[str, list[Array]], int]:
        add(own)
        return own.sums, own.counts, own.stored, own.examples

    for sums, counts, stored, examples in ranks.gather(make):
        whole.merge(replace(own, sums=sums, counts=counts, stored=stored, examples=examples))
    return whole


def all_counts(
    ranks: Ranks, chosen: StepGraph, own: Mapping[str, int], parts: Sequence[int]
) -> Mapping[str, int]:
    """Return how many elements a share is a share of, by its name.

    ``own`` are those of this rank's batches, ``parts`` how many examples each part has.
    """
    if all({*symbols(count)} <= {BATCH} for count in chosen.shares.values()):
        return {
            name: sum(bind(count, {BATCH: examples}) for examples in parts if examples)
            for name, count in chosen.shares.items()
        }
    # The lengths of texts are known to the rank that has them only.
    gathered = ranks.gather(lambda: own)
    return {name: sum(each[name] for each in gathered) for name in own}
