"""The arguments of a call, as the forms of PyTorch read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from netlang.codegen.pytorch.printing.text import Text, literal
from netlang.ir.graph import Value


class Arguments(Struct):
    """The arguments of a call: their texts and their values, by the names of the parameters.

    ``texts`` has the arguments that the program passes, ``values`` those of one call, defaults
    included. ``training`` is the text of whether the module is being trained, ``device`` that of
    where new tensors belong. ``helper`` returns
    the name of a function of ``HELPERS``, which is then part of the module.
    """

    texts: Mapping[str, Text]
    values: Mapping[str, object]
    every: Sequence[Mapping[str, object]]
    """The values of each of the calls that have this text."""
    training: Callable[[], Text]
    device: Callable[[], Text]
    helper: Callable[[str], str]

    def __getitem__(self, name: str) -> Text:
        if name in self.texts:
            return self.texts[name]
        shown = literal(self.values[name])
        assert shown is not None, name
        return shown

    def rank(self, name: str) -> int:
        """Return the rank of a tensor."""
        value = self.values[name]
        assert isinstance(value, Value)
        return value.type.rank

    def _is_other(self, name: str, default: object) -> bool:
        """Return whether an argument is not a default in at least one of the calls."""
        if name in self.texts and not _is_literal(self.texts[name]):
            return True
        return self.values[name] != default

    def options(self, **defaults: object) -> str:
        """Return the arguments that are not the defaults of PyTorch, as ``, name=value``."""
        given = {n: self[n] for n, d in defaults.items() if self._is_other(n, d)}
        return "".join(f", {NAMES.get(n, n)}={given[n]}" for n in given)


NAMES = {"pad": "padding", "keep": "keepdim", "axis": "dim", "ceil": "ceil_mode",
         "count_pad": "count_include_pad", "out_pad": "output_padding"}  # fmt: skip
"""What PyTorch calls a parameter."""


def _is_literal(shown: str) -> bool:
    return shown in ("True", "False", "None") or shown[:1].isdigit()


class NoFormError(Exception):
    """Arguments for which an operator has no form in PyTorch."""
