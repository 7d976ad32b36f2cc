"""Arguments of the Python interface as the rest of the package takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def plain(value: object) -> object:
    """Return a NumPy scalar as the Python number it holds, and anything else as it is."""
    item = getattr(value, "item", None)
    return item() if item is not None and getattr(value, "ndim", None) == 0 else value


def names(given: str | Sequence[str]) -> tuple[str, ...]:
    """Return one name or several as a tuple, as a string is a sequence of its letters.

    >>> names("logits"), names(["a", "b"])
    (('logits',), ('a', 'b'))
    """
    return (given,) if isinstance(given, str) else tuple(given)


def texts(settings: Mapping[str, object]) -> dict[str, str]:
    """Return the values of settings as the language writes them.

    >>> texts({"lr": 0.1, "shuffle": True, "clip": None, "name": "digits"})
    {'lr': '0.1', 'shuffle': 'true', 'clip': 'none', 'name': 'digits'}
    """
    return {name: _text(plain(value)) for name, value in settings.items()}


def _text(value: object) -> str:
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)
