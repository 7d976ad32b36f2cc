"""Our names for the layers and functions of other frameworks, or what to write instead."""

from __future__ import annotations

import re
from collections.abc import Collection

from netlang.advice.tables import definitions
from netlang.diagnostics.suggestions import folded, nearest


def ours_of(name: str) -> str | None:
    """Return our name for what other frameworks call ``name``.

    >>> ours_of("Convolution2D"), ours_of("deconv"), ours_of("relu")
    ('conv', 'conv_transpose', None)
    """
    aliases = definitions().aliases
    return aliases.get(folded(name)) or aliases.get(undimensioned(name))


_SHORTEST = 5
"""The letters of the shortest name that is compared with those of other frameworks."""


def misspelled(name: str, known: Collection[str]) -> str | None:
    """Return our name for what other frameworks call by a name similar to ``name``.

    >>> misspelled("nll_los", ["nll"]), misspelled("nll_los", ["mse"])
    ('nll', None)
    """
    if len(name) < _SHORTEST:
        return None
    there = {theirs: ours for theirs, ours in definitions().aliases.items() if ours in known}
    near = nearest(folded(name), there)
    return there[near] if near is not None else None


def advice_for(name: str) -> str | None:
    """Return what to do instead of calling ``name``."""
    advice = definitions().advice
    return advice.get(folded(name)) or advice.get(undimensioned(name))


def undimensioned(name: str) -> str:
    """Return a name without the number of axes, and without ``lazy`` in front.

    >>> undimensioned("LazyConv2d"), undimensioned("Conv3DTranspose")
    ('conv', 'convtranspose')
    """
    return re.sub(r"[123]d(?=transpose$|withindices$|$)", "", folded(name)).removeprefix("lazy")
