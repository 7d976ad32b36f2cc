"""netlang nearest"""

from __future__ import annotations

from pathlib import Path

import click

from netlang.cli.arguments import json_option
from netlang.cli.output import print_json, say

EPILOG = """\b
Examples:
  netlang nearest skipgram.safetensors king --k 5
  netlang nearest skipgram.safetensors king woman --minus man
  netlang nearest skipgram.safetensors chip --table v --vocab ptb.vocab
"""


@click.command(epilog=EPILOG)
@click.argument("weights")
@click.argument("words", nargs=-1, required=True)
@click.option("--minus", "-m", multiple=True, metavar="WORD", help="Take this word's vector away.")
@click.option("--k", type=click.IntRange(1), default=10, show_default=True, help="Show so many.")
@click.option("--table", metavar="NAME", help="The weight that holds the vectors.")
@click.option("--vocab", metavar="FILE", help="Take the words from here, not beside the weights.")
@json_option
def command(
    weights: str, words: tuple[str, ...], minus: tuple[str, ...], k: int, table: str | None,
    vocab: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Show the words whose vectors point the same way, or solve an analogy."""
    from netlang.inference.vectors import Vectors, choose_table
    from netlang.storage.vocabulary import vocabulary_for
    from netlang.storage.weights import load_weights

    known = vocabulary_for(vocab, weights)
    vectors = Vectors(known, choose_table(load_weights(Path(weights)), table, len(known)))
    found = vectors.combined(words, minus, k)
    if as_json:
        print_json([{"word": near.word, "cosine": near.cosine} for near in found])
    else:
        width = max((len(near.word) for near in found), default=0)
        say("\n".join(f"{near.word:<{width}}  {near.cosine:.3f}" for near in found))
