"""netlang nearest"""

from __future__ import annotations

import click

import netlang
from netlang.cli.arguments import WEIGHTS, json_option, vocab_option
from netlang.cli.arguments import command as make_command
from netlang.cli.output import echo, print_json

EXAMPLES = """
netlang nearest skipgram.safetensors king --k 5
netlang nearest skipgram.safetensors king woman --minus man
netlang nearest skipgram.safetensors chip --table v --vocab ptb.vocab
"""


@make_command(EXAMPLES)
@click.argument("weights", shell_complete=WEIGHTS)
@click.argument("words", nargs=-1, required=True)
@click.option("--minus", "-m", multiple=True, metavar="WORD", help="Subtract the vector of WORD.")
@click.option("--k", type=click.IntRange(1), default=10, show_default=True, help="Words to show.")
@click.option("--table", metavar="NAME", help="The parameter that holds the vectors.")
@vocab_option
@json_option
def command(
    weights: str, words: tuple[str, ...], minus: tuple[str, ...], k: int, table: str | None,
    vocab: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Find the words with the most similar vectors, or solve an analogy."""
    found = netlang.nearest(weights, words, minus=minus, count=k, table=table, vocabulary=vocab)
    if as_json:
        print_json([{"word": near.word, "cosine": near.cosine} for near in found])
    else:
        width = max((len(near.word) for near in found), default=0)
        echo("\n".join(f"{near.word:<{width}}  {near.cosine:.3f}" for near in found))
