"""Padding of convolutions: what the modules of PyTorch do themselves, and what is done before."""

from __future__ import annotations

from netlang.codegen.pytorch.printing.text import Text
from netlang.codegen.pytorch.tables.arguments import Arguments
from netlang.evaluate.context.values import Word
from netlang.ops.arguments import integers, items, pair
from netlang.ops.windows.windows import per_axis


def module_padding(args: Arguments) -> str:
    """Return the argument ``padding`` of a convolution, ``""`` where it is 0."""
    value = args.values["pad"]
    if "pad" not in args.texts or value == 0:
        return "" if value == 0 and args.texts.get("pad", "0") == "0" else f"padding={args['pad']}"
    match value:
        case int():
            return f"padding={args['pad']}"
        case Word(text="half"):
            sizes = per_axis({"kernel": args.values["kernel"]}, "kernel", args.rank("x") - 2, 1)
            return f"padding={tuple(size // 2 for size in sizes)}"
        case Word(text="same") if not _strided(args):
            return f"padding={args['pad']}"
        case Word(text="valid"):
            return f"padding={args['pad']}"
        case list() | tuple() if all(isinstance(side, int) for side in items(args.values["pad"])):
            return f"padding={tuple(integers(args.values, 'pad'))}"
        case _:
            return ""


def _strided(args: Arguments) -> bool:
    """Return whether a padding depends on the size of the operand, as it does with a stride."""
    return any(v["pad"] == Word("same") and v["stride"] != 1 for v in args.every)


def padded_operand(operand: Text, args: Arguments) -> str:
    """Return the operand of a module, padded where the module cannot do that itself."""
    match args.values.get("pad"):
        case Word(text="same") if _strided(args):
            helper = args.helper("pad_same")
            dilated = "" if args.values["dilation"] == 1 else f", {args['dilation']}"
            return f"{helper}({operand}, {args['kernel']}, {args['stride']}{dilated})"
        case Word(text="causal"):
            (kernel,) = per_axis({"kernel": args.values["kernel"]}, "kernel", 1, 1)
            (dilation,) = per_axis({"dilation": args.values["dilation"]}, "dilation", 1, 1)
            return f"F.pad({operand}, ({(kernel - 1) * dilation}, 0))"
        case list() | tuple() if not all(isinstance(s, int) for s in items(args.values["pad"])):
            sides = [pair(side, "pad") for side in items(args.values["pad"])]
            amounts = [str(n) for side in reversed(sides) for n in side]
            return f"F.pad({operand}, ({', '.join(amounts)}))"
        case _:
            return str(operand)
