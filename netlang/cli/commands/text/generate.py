"""netlang generate"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

import netlang
from netlang.cli.arguments import (
    WEIGHTS,
    backend_option,
    bind_option,
    file_and_net,
    json_option,
    seed_option,
    vocab_option,
)
from netlang.cli.arguments import command as make_command
from netlang.cli.output import echo, print_json

if TYPE_CHECKING:
    from netlang.backends import Backend

EXAMPLES = """
netlang generate char_lstm.net --weights char.safetensors --prompt "the time"
netlang generate char_lstm.net --weights char.safetensors --prompt "the" --temperature 0
"""


@make_command(EXAMPLES)
@file_and_net
@click.option(
    "--weights", "-w", required=True, metavar="FILE", shell_complete=WEIGHTS,
    help="Load the parameters.",
)  # fmt: skip
@vocab_option
@click.option("--prompt", "-p", required=True, help="Text to continue.")
@click.option(
    "--length", "-n", type=click.IntRange(1, 1_000_000), default=200, show_default=True,
    help="Number of characters or words to generate.",
)  # fmt: skip
@click.option(
    "--temperature", "-t", type=click.FloatRange(0.0, 100.0), default=1.0, show_default=True,
    help="Sampling temperature; 0 always chooses the likeliest token.",
)  # fmt: skip
@click.option("--top", type=click.IntRange(1), help="Sample from the N likeliest tokens only.")
@click.option(
    "--window", type=click.IntRange(1), help="Number of tokens that a net without state reads."
)
@seed_option("Random seed of the sampling.")
@bind_option
@backend_option
@json_option
def command(
    file: str, net: str | None, weights: str, vocab: str | None, prompt: str, length: int,
    temperature: float, top: int | None, window: int | None, seed: int, bind: dict[str, float],
    backend: Backend, as_json: bool,
) -> None:  # fmt: skip
    """Generate text with a net from tokens to logits."""
    network = netlang.load(file).network(net, bind).load(weights)
    text = network.generate(
        prompt, vocabulary=vocab, length=length, temperature=temperature, top=top, window=window,
        seed=seed, backend=backend,
    )  # fmt: skip
    if as_json:
        made = {"prompt": prompt, "text": text.text, "tokens": list(text.tokens)}
        print_json({"net": network.name, **made})
    else:
        echo(str(text))
