"""netlang generate"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from netlang.cli.arguments import (
    backend_option,
    bind_option,
    file_and_net,
    json_option,
    seed_option,
)
from netlang.cli.loading import given_weights, valid_graph
from netlang.cli.output import print_json, say

if TYPE_CHECKING:
    from netlang.backends import Backend

EPILOG = """\b
Examples:
  netlang generate char_lstm.net --weights char.safetensors --prompt "the time"
  netlang generate char_lstm.net --weights char.safetensors --prompt "the" --temperature 0
"""


@click.command(epilog=EPILOG)
@file_and_net
@click.option("--weights", "-w", required=True, metavar="FILE", help="Take the weights from here.")
@click.option("--vocab", metavar="FILE", help="Take the words from here, not beside the weights.")
@click.option("--prompt", "-p", required=True, help="Go on from this text.")
@click.option(
    "--length",
    "-n",
    type=click.IntRange(1, 1_000_000),
    default=200,
    show_default=True,
    help="Write so many characters or words.",
)
@click.option(
    "--temperature",
    "-t",
    type=click.FloatRange(0.0, 100.0),
    default=1.0,
    show_default=True,
    help="Be bold below 1, wild above; 0 always takes the likeliest.",
)
@click.option("--top", type=click.IntRange(1), help="Choose among so many only.")
@click.option("--window", type=click.IntRange(1), help="Look back so far, in a net without state.")
@seed_option("Draw from this seed.")
@bind_option
@backend_option
@json_option
def command(
    file: str, net: str | None, weights: str, vocab: str | None, prompt: str, length: int,
    temperature: float, top: int | None, window: int | None, seed: int, bind: dict[str, int],
    backend: Backend, as_json: bool,
) -> None:  # fmt: skip
    """Go on with a text, by a net from tokens to logits."""
    graph = valid_graph(file, net, bind, as_json=as_json)
    from netlang.inference.generation import Sampling, Speaker, generate
    from netlang.inference.runner import Runner
    from netlang.storage.vocabulary import require_room, vocabulary_for

    speaker = Speaker.of(graph)
    words = vocabulary_for(vocab, weights)
    require_room(words, speaker.words, f"`{graph.name}`")
    start = words.encode(prompt)
    runner = Runner(graph, given_weights(graph, weights), backend=backend)
    sampling = Sampling(temperature, top)
    tokens = generate(
        runner, start, length=length, sampling=sampling, seed=seed, window=window, words=len(words)
    )
    made = list(tokens)
    if as_json:
        print_json(
            {"net": graph.name, "prompt": prompt, "text": words.decode(made), "tokens": made}
        )
    else:
        say(words.decode([*start, *made]))
