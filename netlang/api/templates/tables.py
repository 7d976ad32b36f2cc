"""Programs for tables: classes, numbers, and the classes of texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from netlang.api.errors import warn
from netlang.api.templates.inspection import Table, TableColumn
from netlang.diagnostics.errors import InputError
from netlang.diagnostics.suggestions import did_you_mean
from netlang.syntax.keywords import RESERVED

_LISTED = 20
"""The most columns that a message lists."""
_LABELS = (
    "label", "class", "target", "y", "category", "sentiment", "species", "outcome", "survived",
)  # fmt: skip
_TAKEN = frozenset(
    {
        "numbers",
        "table",
        "rows",
        "rest",
        "data",
        "valid",
        "model",
        "batch",
        "N",
        "T",
        "x",
        "h",
        "logits",
        "relu",
    }
)
_FEW_ROWS, _MOST_CLASSES = 1000, 20


@dataclass(frozen=True, slots=True)
class Names:
    """What a program and its parts are called."""

    name: str
    path: str
    """The data, from the folder of the program."""

    @property
    def table(self) -> str:
        return f"{self.name}_table"

    @property
    def net(self) -> str:
        return "".join(part.capitalize() for part in self.name.split("_"))


def target_of(table: Table, wanted: str | None, kind: str) -> TableColumn:
    """Return the column to predict; raises ``InputError`` for one that does not fit.

    ``kind`` is that of the column. It is the one that is ``wanted``, one that is called as labels
    often are, or else the last, of classes the last with few values.
    """
    if wanted is not None:
        found = table.column(wanted)
        if found is None:
            names = [each.name for each in table.columns]
            raise InputError(
                f"{table.path} has no column `{wanted}`",
                notes=[f"its columns are: {', '.join(names)}"],
                helps=did_you_mean(wanted, names),
            )
    else:
        fitting = [c for c in table.columns if c.useful and (kind == "category" or c.kind == kind)]
        named = [c for c in fitting if c.name.lower() in _LABELS]
        if not fitting:
            raise InputError(
                f"{table.path} has no column {'of numbers ' if kind == 'number' else ''}to predict",
                notes=[f"`{each.name}` is {_what(each)}" for each in table.columns[:_LISTED]],
            )
        # A number with many values is rarely a class.
        few = [c for c in fitting if kind == "number" or len(c.texts) <= _MOST_CLASSES]
        found = (named or few or fitting)[-1]
    if (kind == "number" and found.kind != "number") or not found.useful:
        raise InputError(
            f"`{found.name}` of {table.path} cannot be predicted: it is {_what(found)}",
            helps=["name the column to predict: `--target COLUMN`"],
        )
    return found


def _what(column: TableColumn) -> str:
    """Return what a column is, in a sentence."""
    known = {"category": "categories", "text": "text of its own in most rows", "number": "numbers"}
    return known.get(column.kind, column.kind)


def _gaps(target: TableColumn, filling: str) -> list[str]:
    """Return the comment on rows that lack what is to be predicted."""
    if not target.missing:
        return []
    return [f"  # {_rows(target.missing)} without it, where it is {filling}: better remove them."]


def _warn_of_gaps(table: Table, target: TableColumn, filling: str) -> None:
    if target.missing:
        warn(
            f"{table.path} has {_rows(target.missing)} without `{target.name}`, which is to be "
            f"predicted, and now is {filling} there: better remove them from the file"
        )


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def classifier(names: Names, table: Table, target: TableColumn) -> str:
    """Return a program that predicts the class of each row."""
    if len(target.texts) > 1000:
        raise InputError(
            f"`{target.name}` of {table.path} has {len(target.texts):,} different values",
            helps=["to predict a number: `netlang new regression`"],
        )
    inputs = _Inputs.of(table, target)
    label = _identifier(target.name, {*_TAKEN, *inputs.names})
    classes = len(target.texts)
    fill = ", fill=most_frequent" if target.missing else ""
    _warn_of_gaps(table, target, "the most frequent one")
    lines = [
        f"## Predicts `{_commented(target.name)}`, one of {classes} classes, from the other "
        "columns.",
        *_usage(names, inputs.arguments(names.path)),
        "",
        f"dataset {names.table} -> ({', '.join(inputs.types())}, {label}: i64[]) {{",
        *_file(names, table),
        *inputs.columns(),
        *_gaps(target, "the most frequent one"),
        f"  {label} = column({_quoted(target.name)}{fill}) |> categories",
        "}",
        "",
        f"net {names.net}({inputs.signature()}) -> logits: f32[N, {classes}] {{",
        *inputs.hidden(),
        f"  logits = dense(h, {classes})",
        "}",
        "",
        f"train {names.name}(lr: float = 0.003) {{",
        "  # Four fifths of the rows, each class alike; the others are for tests.",
        f'  rows, rest = {names.table}() |> split(0.8, by="{label}", seed=0)',
        f"  data = rows |> batches({_batch(table)}, shuffle=true)",
        "  valid = rest |> batches(200)",
        "",
        f"  model = new {names.net}()",
        f"  logits = model({inputs.call()})",
        "",
        f"  loss = cross_entropy(logits, batch.{label})",
        f"  metrics = [accuracy(logits, batch.{label})]",
        f"  optimizer = adam(lr |> cosine({_epochs(table)} epochs))",
        f"  run = {_epochs(table)} epochs",
        "}",
        "",
    ]
    return "\n".join(lines)


def regression(names: Names, table: Table, target: TableColumn) -> str:
    """Return a program that predicts a number for each row."""
    inputs = _Inputs.of(table, target)
    own = _identifier(target.name, {*_TAKEN, *inputs.names})
    mean, std = _number(target.mean), _number(target.std)
    fill = ", fill=mean" if target.missing else ""
    _warn_of_gaps(table, target, "the mean")
    lines = [
        f"## Predicts the number `{_commented(target.name)}` from the other columns.",
        *_usage(names, inputs.arguments(names.path)),
        "",
        f"dataset {names.table} -> ({', '.join(inputs.types())}, {own}: f32[1]) {{",
        *_file(names, table),
        *inputs.columns(),
        *_gaps(target, "the mean"),
        f"  {own} = column({_quoted(target.name)}{fill})",
        "}",
        "",
        f"net {names.net}({inputs.signature()}) -> {own}: f32[N, 1] {{",
        *inputs.hidden(),
        f"  # The mean and the standard deviation of `{_commented(target.name)}`,",
        "  # so that the layers need not learn them.",
        f"  {own} = {mean} + {std} * dense(h, 1)",
        "}",
        "",
        f"train {names.name}(lr: float = 0.003) {{",
        "  # Four fifths of the rows; the others are for tests.",
        f"  rows, rest = {names.table}() |> split(0.8, seed=0)",
        f"  data = rows |> batches({_batch(table)}, shuffle=true)",
        "  valid = rest |> batches(200)",
        "",
        f"  model = new {names.net}()",
        f"  found = model({inputs.call()})",
        "",
        "  # In units of the variance, so that a learning rate suits any data.",
        f"  loss = mse(found, batch.{own}) / {std} / {std}",
        f"  metrics = [r2(found, batch.{own}), mae(found, batch.{own})]",
        f"  optimizer = adam(lr |> cosine({_epochs(table)} epochs))",
        f"  run = {_epochs(table)} epochs",
        "}",
        "",
    ]
    return "\n".join(lines)


def text(names: Names, table: Table, target: TableColumn) -> str:
    """Return a program that predicts the class of each text."""
    texts = [c for c in table.columns if c is not target and c.kind in ("text", "category")]
    if not texts:
        raise InputError(
            f"{table.path} has no column of texts",
            helps=["for other tables: `netlang new classifier`"],
        )
    longest = max(texts, key=lambda column: column.length)
    label = _identifier(target.name, {*_TAKEN, "text", "length"})
    classes = len(target.texts)
    fill = ', fill=""' if longest.missing else ""
    words = f"column({_quoted(longest.name)}{fill}) |> words(vocab=10_000, longest=200)"
    given = f"-i 'text={names.path}' -i 'length={names.path}'"
    lines = [
        f"## Predicts `{_commented(target.name)}`, one of {classes} classes, from the text "
        f"`{_commented(longest.name)}`.",
        *_usage(names, given),
        "",
        f"dataset {names.table} -> (text: i64[T], length: i64[], {label}: i64[]) {{",
        *_file(names, table),
        "  # The most frequent words, and at most the first 200 of a text.",
        f"  text, length = {words}",
        f"  {label} = column({_quoted(target.name)}) |> categories",
        "}",
        "",
        f"net {names.net}(text: i64[N, T], length: i64[N]) -> logits: f32[N, {classes}] {{",
        "  states = embedding(text, 10_000, 64) |> lstm(64, length=length)",
        f"  logits = states.h |> dropout(0.3) |> dense({classes})",
        "}",
        "",
        f"train {names.name}(lr: float = 0.003) {{",
        "  # Four fifths of the texts, each class alike; the others are for tests.",
        f'  rows, rest = {names.table}() |> split(0.8, by="{label}", seed=0)',
        f"  data = rows |> batches({_batch(table)}, shuffle=true)",
        "  valid = rest |> batches(100)",
        "",
        f"  model = new {names.net}()",
        "  logits = model(batch.text, batch.length)",
        "",
        f"  loss = cross_entropy(logits, batch.{label})",
        f"  metrics = [accuracy(logits, batch.{label})]",
        "  optimizer = adam(lr)",
        "  run = 10 epochs",
        "}",
        "",
    ]
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class _Inputs:
    """The columns that a net predicts from: numbers, categories by their names, and the others."""

    numbers: Sequence[TableColumn]
    categories: Sequence[tuple[str, TableColumn]]
    others: Sequence[TableColumn]

    @classmethod
    def of(cls, table: Table, target: TableColumn) -> _Inputs:
        rest = [column for column in table.columns if column is not target]
        numbers = [column for column in rest if column.kind == "number"]
        taken = {*_TAKEN}
        categories: list[tuple[str, TableColumn]] = []
        for column in rest:
            if column.kind == "category":
                own = _identifier(column.name, taken)
                taken.add(own)
                categories.append((own, column))
        if not numbers and not categories:
            raise InputError(f"{table.path} has no columns to predict `{target.name}` from")
        return cls(numbers, categories, [column for column in rest if not column.useful])

    @property
    def names(self) -> list[str]:
        return [*(["numbers"] if self.numbers else []), *(name for name, _ in self.categories)]

    def _sizes(self) -> list[int]:
        numbers = [len(self.numbers)] if self.numbers else []
        return numbers + [len(column.texts) for _, column in self.categories]

    def types(self) -> list[str]:
        pairs = zip(self.names, self._sizes(), strict=True)
        return [f"{name}: f32[{size}]" for name, size in pairs]

    def signature(self) -> str:
        pairs = zip(self.names, self._sizes(), strict=True)
        return ", ".join(f"{name}: f32[N, {size}]" for name, size in pairs)

    def call(self) -> str:
        return ", ".join(f"batch.{name}" for name in self.names)

    def arguments(self, path: str) -> str:
        return " ".join(f"-i '{name}={path}'" for name in self.names)

    def columns(self) -> list[str]:
        """Return the lines that say where the columns are in the file."""
        lines: list[str] = []
        if self.others:
            lines.append("  # Left out:")
            lines += [f"  #   {_commented(c.name) or 'a column'}: {_what(c)}" for c in self.others]
        if self.numbers:
            listed = ", ".join(_quoted(column.name) for column in self.numbers)
            fill = ", fill=mean" if any(column.missing for column in self.numbers) else ""
            lines.append("  # Brought to the mean 0 and the standard deviation 1.")
            lines.append(f"  numbers = columns([{listed}]{fill}) |> normalize")
        for name, column in self.categories:
            fill = ", fill=most_frequent" if column.missing else ""
            source = f"column({_quoted(column.name)}{fill})"
            lines.append(f"  {name} = {source} |> categories(one_hot=true)")
        return lines

    def hidden(self) -> list[str]:
        """Return the lines of a net up to its last layer."""
        single = len(self.names) == 1
        first = self.names[0] if single else f"concat([{', '.join(self.names)}], axis=1)"
        return [f"  x = {first}", "  h = x |> dense(64) |> relu |> dense(64) |> relu"]


def _usage(names: Names, given: str) -> list[str]:
    """Return the comments on what to do with a program."""
    weights = f"-w runs/{names.name}/model.safetensors"
    return [
        "##",
        f"## netlang data {names.name}.net",
        f"## netlang train {names.name}.net",
        f"## netlang evaluate {names.name}.net {weights}",
        f"## netlang run {names.name}.net {given} {weights} -o predictions.csv",
    ]


def _file(names: Names, table: Table) -> list[str]:
    lines = [f"  csv = {_quoted(names.path)}"]
    suffix = names.path.lower().removesuffix(".gz").rpartition(".")[2]
    if table.separator != ("\t" if suffix in ("tsv", "tab") else ","):
        lines.append(f"  separator = {_quoted(table.separator)}")
    if table.encoding:
        lines.append(f"  encoding = {_quoted(table.encoding)}")
    return lines


def _identifier(name: str, taken: set[str] | frozenset[str]) -> str:
    """Return a name of the language for a column of a file, other than those that are taken."""
    found = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "column"
    found = f"column_{found}" if found[0].isdigit() or found in RESERVED else found
    while found in taken:
        found += "_"
    return found


def _quoted(text: str) -> str:
    """Return a string of the language."""
    return f'"{"".join(_ESCAPES.get(letter, letter) for letter in text)}"'


_ESCAPES = {"\\": "\\\\", '"': '\\"', "\t": "\\t", "\n": "\\n", "\r": "\\r"}


def _commented(name: str) -> str:
    """Return the name of a column for a comment, which is one line."""
    return " ".join(name.split())


def _number(value: float) -> str:
    text = f"{value:.6g}"
    return text if any(mark in text for mark in ".e") else f"{text}.0"


def _batch(table: Table) -> int:
    return 16 if table.rows < _FEW_ROWS else 64


def _epochs(table: Table) -> int:
    return 60 if table.rows < _FEW_ROWS else 20
