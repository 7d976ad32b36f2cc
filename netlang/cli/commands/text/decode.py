"""netlang decode"""

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
)
from netlang.cli.arguments import command as make_command
from netlang.cli.output import echo, print_json

if TYPE_CHECKING:
    from netlang.backends import Backend

EXAMPLES = """
netlang decode seq2seq.net Translator --weights translator.safetensors --prompt "I'm home."
netlang decode seq2seq.net Translator --weights translator.safetensors -p "Go." -r "Va !" --beams 4
"""


@make_command(EXAMPLES)
@file_and_net
@click.option(
    "--weights", "-w", required=True, metavar="FILE", shell_complete=WEIGHTS,
    help="Load the parameters.",
)  # fmt: skip
@click.option(
    "--prompt", "-p", "prompts", multiple=True, required=True, metavar="TEXT",
    help="Text to decode. Repeatable.",
)  # fmt: skip
@click.option(
    "--reference", "-r", "references", multiple=True, metavar="TEXT",
    help="Correct result for each prompt, in order: also print the BLEU score.",
)  # fmt: skip
@click.option(
    "--beams", type=click.IntRange(1, 1_000), default=1, show_default=True,
    help="Width of the beam search; 1 is greedy search.",
)  # fmt: skip
@click.option(
    "--longest", type=click.IntRange(1, 10_000), default=50, show_default=True,
    help="Number of tokens after which decoding ends.",
)  # fmt: skip
@bind_option
@backend_option
@json_option
def command(
    file: str, net: str | None, weights: str, prompts: tuple[str, ...],
    references: tuple[str, ...], beams: int, longest: int, bind: dict[str, int],
    backend: Backend, as_json: bool,
) -> None:  # fmt: skip
    """Translate text with a sequence-to-sequence net."""
    if references and len(references) != len(prompts):
        raise click.UsageError(
            f"the number of references ({len(references)}) must be that of the prompts "
            f"({len(prompts)})"
        )
    network = netlang.load(file).network(net, bind).load(weights)
    found = [
        network.decode(text, beams=beams, longest=longest, backend=backend) for text in prompts
    ]
    scores = [each.bleu(text) for each, text in zip(found, references, strict=False)]
    if as_json:
        results: list[dict[str, object]] = [
            {"prompt": each.source, "text": each.text, "score": each.score} for each in found
        ]
        for result, score in zip(results, scores, strict=False):
            result["bleu"] = score
        print_json({"net": network.name, "results": results})
        return
    for number, each in enumerate(found):
        echo(f"{each.source} → {each}" + (f"  BLEU {scores[number]:.3f}" if scores else ""))
