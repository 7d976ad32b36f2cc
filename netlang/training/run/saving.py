"""Weights of a training in files, named as a net names its own, in the elements it declares."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from netlang.data.source import Source
from netlang.evaluate.context.selections import root
from netlang.evaluate.context.values import Layer, Object, Part
from netlang.ir.arrays import numpy_dtype
from netlang.storage.vocabulary import Vocabulary, vocabulary_path
from netlang.storage.weights import save_weights
from netlang.system.numpy import Array
from netlang.training.run.engine import Engine
from netlang.training.step.step import Training


def save_part(training: Training, engine: Engine, what: Object, path: Path) -> None:
    """Write the weights of a layer, or of a part of one, by their paths in the layer."""
    layer = what.layer if isinstance(what, Part) else what
    assert isinstance(layer, Layer)
    _save(training, engine, training.weights.chosen(what), root(layer), path)


def save_whole(training: Training, engine: Engine, folder: Path) -> list[Path]:
    """Write the weights of every layer of a section, each into a file of its name."""
    written: list[Path] = []
    for name, paths in by_layer(training.weights.by_path).items():
        path = folder / f"{name}.safetensors"
        _save(training, engine, paths, name, path)
        written.append(path)
    return written


def save_words(source: Source, weights: Path) -> list[Path]:
    """Write the words of a text beside weights trained on it, for what reads and writes by them.

    Where columns have words of their own, as a sentence and its translation do, each is written
    under the name of its column.
    """
    words: dict[tuple[str, ...], str] = {}
    for column, names in source.names.items():
        # A single number, such as a label, is no part of a text.
        if source.columns[column].rank > 0:
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
    """Sort paths of weights by the layer they are in.

    >>> by_layer(["gen.a.weight", "disc.b.weight", "gen.c.bias"])
    {'gen': ['gen.a.weight', 'gen.c.bias'], 'disc': ['disc.b.weight']}
    """
    found: dict[str, list[str]] = {}
    for path in paths:
        found.setdefault(path.partition(".")[0], []).append(path)
    return found


def _save(training: Training, engine: Engine, paths: Iterable[str], layer: str, path: Path) -> None:
    state = engine.state()
    own: dict[str, Array] = {}
    for whole in paths:
        value = training.weights.by_path[whole]
        # A run in f64 keeps that in its checkpoints; what a net reads is what it asks for.
        array = state[value.name].astype(numpy_dtype(value.type.dtype), copy=False)
        own[whole.removeprefix(f"{layer}.")] = array
    save_weights(path, own, {"section": training.plan.name, "layer": layer})
