"""netlang summary"""

from __future__ import annotations

import netlang
from netlang.cli.arguments import bind_option, depth_option, file_and_net, json_option
from netlang.cli.arguments import command as make_command
from netlang.cli.output import colorful, echo, page_width, print_json

EXAMPLES = """
netlang summary lenet.net
netlang summary resnet.net ResNet50 --depth 1
netlang summary unet.net --bind H=224 --bind W=224 --json
netlang summary resnet50.onnx --depth 1
"""


@make_command(EXAMPLES)
@file_and_net
@depth_option
@bind_option
@json_option
def command(
    file: str, net: str | None, depth: int | None, bind: dict[str, float], as_json: bool
) -> None:
    """Summarize the layers of a net: output shape, parameters, multiply-adds and memory."""
    summary = netlang.load(file).network(net, bind).summary(depth)
    if as_json:
        print_json(summary.layers.json())
    else:
        echo(summary.render(color=colorful(), width=page_width()), styled=True)
