"""Parameters of a training in files, with the names and the element types of a net."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from netlang.data.fitted import Fitted
from netlang.data.source import Source
from netlang.diagnostics import rules
from netlang.diagnostics.errors import NON_FINITE, NetlangError
from netlang.ir.arrays import contains_nonfinite, numpy_dtype
from netlang.plan.initialization import Selection
from netlang.storage.vocabulary import Vocabulary, vocabulary_path
from netlang.storage.weights import save_weights
from netlang.system.numpy import Array
from netlang.training.preprocessing import of_layer
from netlang.training.run.engine import Arrays
from netlang.training.step.graphs import Training


def save_selection(
    training: Training, state: Arrays, fitted: Fitted, what: Selection, path: Path
) -> None:
    """Write the parameters of a layer, or of a part of one, by their paths in the layer."""
    _save(training, state, fitted, what.paths, what.layer, path)


def save_layers(training: Training, state: Arrays, fitted: Fitted, folder: Path) -> list[Path]:
    """Write the parameters of every layer of a section, each into a file of its name."""
    written: list[Path] = []
    for name, paths in by_layer(training.parameters).items():
        path = folder / f"{name}.safetensors"
        _save(training, state, fitted, paths, name, path)
        written.append(path)
    return written


def check_finite(training: Training, state: Arrays, step: int) -> None:
    """Raise ``NetlangError`` where an update made a parameter NaN or infinite: it is not written.

    A step shows it in its loss, but not before the step after the update.
    """
    states = (s.value.name for graph in training.graphs for s in graph.states)
    changed = set(states) & {value.name for value in training.parameters.values()}
    bad = [name for name in sorted(changed) if contains_nonfinite(state[name])]
    if bad:
        raise NetlangError(
            rules.NOT_FINITE,
            f"`{bad[0]}` contains NaN or infinity after step {step:,}",
            notes=[f"{len(bad):,} parameters do"] if len(bad) > 1 else [],
            helps=["lower the learning rate; the last good checkpoint is kept"],
            exit_code=NON_FINITE,
        )


def save_vocabularies(source: Source, weights: Path) -> list[Path]:
    """Write the vocabulary of a text next to the parameters trained on it.

    Where columns have vocabularies of their own, as a sentence and its translation do, each is
    written under the name of its column.
    """
    words: dict[tuple[str, ...], str] = {}
    for column, names in source.names.items():
        # A scalar, such as a label, is not part of a text, and neither is a one-hot vector.
        if source.columns[column].rank > 0 and source.columns[column].dtype.is_integer:
            words.setdefault(tuple(names), column)
    written: list[Path] = []
    for names, column in words.items():
        path = (
            vocabulary_path(weights) if len(words) == 1 else weights.with_suffix(f".{column}.vocab")
        )
        Vocabulary(names).save(path)
        written.append(path)
    return written


def by_layer(paths: Iterable[str]) -> dict[str, list[str]]:
    """Group paths of parameters by the layer they are in.

    >>> by_layer(["gen.a.weight", "disc.b.weight", "gen.c.bias"])
    {'gen': ['gen.a.weight', 'gen.c.bias'], 'disc': ['disc.b.weight']}
    """
    found: dict[str, list[str]] = {}
    for path in paths:
        found.setdefault(path.partition(".")[0], []).append(path)
    return found


def _save(
    training: Training, state: Arrays, fitted: Fitted, paths: Iterable[str], layer: str, path: Path
) -> None:
    own: dict[str, Array] = {}
    for whole in paths:
        value = training.parameters[whole]
        # A run in f64 has f64 in its checkpoints; a net reads the element types it declares.
        array = state[value.name].astype(numpy_dtype(value.type.dtype), copy=False)
        own[whole.removeprefix(f"{layer}.")] = array
    known = of_layer(fitted, training.plan.computation, layer)
    save_weights(path, own, {"section": training.plan.name, "layer": layer, **known.metadata()})
