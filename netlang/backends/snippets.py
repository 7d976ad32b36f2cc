"""A few lines of another language that run a compiled model with onnxruntime."""

from __future__ import annotations

import json
import keyword
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Literal, NamedTuple, get_args

from netlang.diagnostics import rules
from netlang.diagnostics.errors import USAGE, NetlangError
from netlang.ir.dims import bind, symbols
from netlang.ir.graph import Graph
from netlang.ir.types import DType, TensorType
from netlang.storage.pixels import Pixels

Language = Literal["python", "js"]

_OF_IMAGES, _OTHER = 224, 16
"""Values of symbolic sizes, which are rounded up to what a size is a multiple of."""

_NUMPY = {
    DType.F16: "float16", DType.F32: "float32", DType.F64: "float64", DType.I8: "int8",
    DType.I16: "int16", DType.I32: "int32", DType.I64: "int64", DType.U8: "uint8",
    DType.BOOL: "bool",
}  # fmt: skip
_JS_ARRAYS = {
    DType.F16: "Float16Array", DType.F32: "Float32Array", DType.F64: "Float64Array",
    DType.I8: "Int8Array", DType.I16: "Int16Array", DType.I32: "Int32Array",
    DType.I64: "BigInt64Array", DType.U8: "Uint8Array", DType.BOOL: "Uint8Array",
}  # fmt: skip
_PYTHON_NAMES = {
    *keyword.kwlist, "Image", "array", "left", "name", "np", "ort", "outputs", "photo", "scale",
    "size", "top",
}  # fmt: skip
_JS_NAMES = """
array await break canvas case catch class console const continue debugger default delete do else
enum export extends false finally for function if import in instanceof let name new null ort outputs
return session super switch this throw true try typeof var void while with yield
"""
"""The names that a snippet needs for something else."""


class Preparation(NamedTuple):
    """What is done to a raw example before it is an input, as text.

    ``image`` is whether the text is only about the size of an image, so that it can be read, as
    ``pixels``.
    """

    text: str
    image: bool
    pixels: Pixels | None = None


@dataclass(frozen=True, slots=True)
class _Input:
    """An input or a state, with its shape for one example; ``start`` is the value of a state."""

    name: str
    type: TensorType
    shape: tuple[int, ...]
    start: float | None
    prepared: Preparation | None = None

    @property
    def is_image(self) -> bool:
        if self.prepared is not None and not self.prepared.image:
            return False
        fits = len(self.shape) == 4 and self.shape[1] in (1, 3) and self.start is None
        return fits and self.type.dtype in (DType.F32, DType.U8)

    @property
    def pixels(self) -> Pixels | None:
        """How the training read images."""
        return None if self.prepared is None else self.prepared.pixels

    @property
    def comment(self) -> str:
        """What the input is, after its name."""
        if self.start is not None:
            return f"{self.name}: {self.type}, a state: feed {self.name}_next to the next call"
        unit = "0 to 1" if self.type.dtype.is_float else "0 to 255"
        prepared = f"; {self.prepared.text}" if self.prepared is not None else ""
        return f"{self.name}: {self.type}{f', {unit}' if self.is_image else ''}{prepared}"


def snippet(
    graph: Graph,
    inputs: Sequence[str],
    path: str,
    language: Language,
    prepared: Mapping[str, Preparation],
) -> str:
    """Return a program that runs the model in the file ``path`` on one example.

    ``graph`` is what the model computes, and ``inputs`` are the names of those that it has. Images
    are read as ``netlang run`` does, and a comment says what else is ``prepared``; other inputs are
    zeros of a shape that fits. Raises ``NetlangError`` for an unknown language.
    """
    if language not in get_args(Language):
        raise NetlangError(
            rules.USAGE,
            f"there is no snippet in `{language}`",
            notes=[f"the languages are: {', '.join(get_args(Language))}"],
            exit_code=USAGE,
        )
    read = [each for each in _inputs(graph, prepared) if each.name in inputs]
    write = _python if language == "python" else _js
    return "\n".join(write(read, list(graph.results), path))


def _inputs(graph: Graph, prepared: Mapping[str, Preparation]) -> Iterator[_Input]:
    starts = {s.value: s.start for s in graph.states}
    values = (*graph.inputs, *starts)
    sizes = _sizes([value.type for value in values])
    for value in values:
        shape = tuple(bind(size, sizes) for size in value.type.shape)
        ready = prepared.get(value.name)
        read = _Input(value.name, value.type, shape, starts.get(value), ready)
        if read.is_image and read.pixels is not None:
            # A size that is free is that of the training.
            free = [not isinstance(size, int) for size in value.type.shape[2:]]
            sizes_read = zip(free, read.pixels.size, shape[2:], strict=True)
            own = (size if is_free else known for is_free, size, known in sizes_read)
            read = replace(read, shape=(*shape[:2], *own))
        yield read


def _sizes(types: Sequence[TensorType]) -> Mapping[str, int]:
    """Choose a size for each symbol, 1 or a little more for that of a first axis."""
    found: dict[str, int] = {}
    for type in types:
        for axis, size in enumerate(type.shape):
            for name, unit in symbols(size).items():
                least = 1 if axis == 0 else _OF_IMAGES if type.rank == 4 else _OTHER
                chosen = -(-least // unit) * unit
                found[name] = min(found.get(name, chosen), chosen)
    return found


def _variables(inputs: Sequence[_Input], taken: Collection[str]) -> list[str]:
    return [f"{each.name}_" if each.name in taken else each.name for each in inputs]


def _python(inputs: Sequence[_Input], outputs: Sequence[str], path: str) -> Iterator[str]:
    variables = _variables(inputs, _PYTHON_NAMES)
    yield "import numpy as np"
    yield "import onnxruntime as ort"
    if any(each.is_image for each in inputs):
        yield "from PIL import Image"
    yield ""
    yield f"session = ort.InferenceSession({json.dumps(path)})"
    for each, variable in zip(inputs, variables, strict=True):
        yield ""
        yield f"# {each.comment}"
        yield from _python_array(each, variable)
    pairs = zip(inputs, variables, strict=True)
    feeds = ", ".join(f'"{each.name}": {variable}' for each, variable in pairs)
    names = f"[{', '.join(map(json.dumps, outputs))}]"
    yield ""
    yield f"outputs = session.run({names}, {{{feeds}}})"
    yield f"for name, array in zip({names}, outputs):"
    yield "    print(name, array.shape)"


def _python_array(each: _Input, variable: str) -> Iterator[str]:
    dtype = f"np.{_NUMPY.get(each.type.dtype, 'float32')}"
    if not each.is_image:
        value = f"{each.start!r}, " if each.start else ""
        yield f"{variable} = np.{'full' if value else 'zeros'}({each.shape}, {value}{dtype})"
        return
    _, channels, rows, columns = each.shape
    mode, axes = ("L", "[None, None]") if channels == 1 else ("RGB", ".transpose(2, 0, 1)[None]")
    scale = " / 255" if each.type.dtype.is_float else ""
    opened = f'photo = Image.open("{each.name}.png").convert("{mode}")'
    if each.pixels is not None and each.pixels.how == "crop" and rows == columns:
        yield opened
        yield f"scale = {rows} / min(photo.size)"
        yield f"size = [max({rows}, round(n * scale)) for n in photo.size]"
        yield "photo = photo.resize(size, Image.BILINEAR)"
        yield f"left, top = (photo.width - {rows}) // 2, (photo.height - {rows}) // 2"
        yield f"photo = photo.crop((left, top, left + {rows}, top + {rows}))"
    else:
        yield f"{opened}.resize(({columns}, {rows}), Image.BILINEAR)"
    yield f"{variable} = np.asarray(photo, {dtype}){axes}{scale}"


def _js(inputs: Sequence[_Input], outputs: Sequence[str], path: str) -> Iterator[str]:
    variables = _variables(inputs, _JS_NAMES.split())
    yield 'import * as ort from "onnxruntime-web";'
    yield ""
    yield f"const session = await ort.InferenceSession.create({json.dumps(path)});"
    for each, variable in zip(inputs, variables, strict=True):
        yield ""
        yield f"// {each.comment}"
        yield from _js_array(each, variable)
    pairs = zip(inputs, variables, strict=True)
    feeds = ", ".join(i.name if i.name == name else f"{i.name}: {name}" for i, name in pairs)
    names = f"[{', '.join(map(json.dumps, outputs))}]"
    yield ""
    yield f"const outputs = await session.run({{ {feeds} }});"
    yield f"for (const name of {names}) console.log(name, outputs[name].dims);"


def _js_array(each: _Input, variable: str) -> Iterator[str]:
    array = _JS_ARRAYS.get(each.type.dtype, "Float32Array")
    element = _NUMPY.get(each.type.dtype, "float32")
    shape = f"[{', '.join(map(str, each.shape))}]"
    if not each.is_image:
        fill = f".fill({each.start})" if each.start else ""
        made = f"new {array}({prod(each.shape)}){fill}"
        yield f'const {variable} = new ort.Tensor("{element}", {made}, {shape});'
        return
    _, channels, rows, columns = each.shape
    area = rows * columns
    scale = " / 255" if each.type.dtype.is_float else ""
    pixels = f'canvas.getContext("2d").getImageData(0, 0, {columns}, {rows}).data'
    yield f"const {variable}Pixels = {pixels};"
    yield f"const {variable}Values = {array}.from("
    yield f"  {{ length: {channels * area} }},"
    yield f"  (_, i) => {variable}Pixels[4 * (i % {area}) + Math.floor(i / {area})]{scale},"
    yield ");"
    yield f'const {variable} = new ort.Tensor("{element}", {variable}Values, {shape});'
