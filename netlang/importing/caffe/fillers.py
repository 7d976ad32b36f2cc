"""How parameters of Caffe are initialized, as expressions of the language."""

from __future__ import annotations

from math import sqrt

from netlang.importing.caffe.fields import Fields
from netlang.importing.caffe.text import PrototxtError, shown
from netlang.importing.structure.printing import number
from netlang.ir.initializers import fans

BILINEAR = "bilinear_kernel()"
_FANS = ("FAN_IN", "FAN_OUT", "AVERAGE")


def initializer(fields: Fields, name: str, sizes: tuple[int, ...], usual: float = 0.0) -> str:
    """Return the initializer that a field describes; by default the number ``usual``."""
    if name not in fields:
        return written(usual)
    filler = fields.message(name)
    kind = filler.text("type", "constant")
    value = filler.number("value", 0.0)
    low, high = filler.number("min", 0.0), filler.number("max", 1.0)
    mean, std = filler.number("mean", 0.0), filler.number("std", 1.0, least=0.0)
    norm = filler.word("variance_norm", _FANS, "FAN_IN")
    sparse = filler.whole("sparse", -1, least=-1)
    filler.reject_unread(f"`{name}`")
    fan_out = fans(sizes)[1]
    match kind:
        case "constant":
            return written(value)
        case "uniform":
            return f"uniform({written(low)}, {written(high)})"
        case "gaussian" if sparse < 0:
            return (
                f"normal({written(std)})"
                if mean == 0
                else f"normal({written(std)}, {written(mean)})"
            )
        case "xavier":
            bound = sqrt(3 / max(1, fan_out))
            return {
                "FAN_IN": "kaiming_uniform(1.0)",
                "AVERAGE": "xavier_uniform()",
                "FAN_OUT": f"uniform({written(-bound)}, {written(bound)})",
            }[norm]
        case "msra":
            return {
                "FAN_IN": "kaiming_normal()",
                "AVERAGE": f"xavier_normal({written(sqrt(2))})",
                "FAN_OUT": f"normal({written(sqrt(2 / max(1, fan_out)))})",
            }[norm]
        case "bilinear":
            if len(sizes) < 3:
                raise PrototxtError("a bilinear filler needs kernels", filler.at)
            return BILINEAR
        case _:
            what = "a sparse gaussian" if kind == "gaussian" else f"`{shown(kind)}`"
            raise PrototxtError(f"the filler {what} has no counterpart", filler.span("type"))


def written(value: float) -> str:
    """Return a number as a float of the language."""
    return number(float(f"{value:.9g}"))
