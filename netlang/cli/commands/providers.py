"""netlang providers"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netlang.cli.arguments import command as make_command
from netlang.cli.arguments import json_option
from netlang.cli.output import columns, echo, print_json

if TYPE_CHECKING:
    from netlang.backends.ort.inventory import Inventory

EXAMPLES = """
netlang providers
netlang providers --json
"""

DETAILS = """
A provider is where onnxruntime computes: `--provider NAME`. Its options follow a colon, as
NAME=VALUE, with commas between them. A plug-in provider is named by its package,
`--provider onnxruntime-ep-webgpu`. `auto` takes the first that is available of cuda, migraphx,
rocm, directml, coreml, webgpu and cpu. With `--verbose`, the nodes that a provider leaves to the
CPU are listed.
"""


@make_command(EXAMPLES, DETAILS)
@json_option
def command(as_json: bool) -> None:
    """List the execution providers of onnxruntime: those that are here, and how to get others."""
    from netlang.backends.ort.inventory import inventory

    found = inventory()
    if as_json:
        print_json(found.json())
    else:
        echo(_shown(found))


def _shown(found: Inventory) -> str:
    packages = ", ".join(found.packages) or "a module without a package"
    lines = [f"onnxruntime {found.version} of {packages}"]
    if found.repair:
        lines += [
            f"warning: {len(found.packages)} packages install the same module, "
            "and the last one wins",
            f"  leave one: {found.repair}",
        ]
    here = [each for each in found.providers if each.available]
    lines += ["", columns((each.name, "available", each.hardware) for each in here)]
    if found.devices:
        lines += ["", *(f"device: {device}" for device in found.devices)]
    lines += ["", "not installed:"]
    lines.append(
        columns(
            (f"  {each.name}", each.hardware, each.install)
            for each in found.providers
            if not each.available
        )
    )
    return "\n".join(lines)
