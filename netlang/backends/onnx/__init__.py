"""Lowering to ONNX; the only package that knows the format."""

from netlang.backends.onnx import installed as installed
from netlang.backends.onnx.files import check as check
from netlang.backends.onnx.files import save as save
from netlang.backends.onnx.files import weight_bytes as weight_bytes
from netlang.backends.onnx.lowering import embed as embed
from netlang.backends.onnx.lowering import lower as lower
from netlang.backends.onnx.protos import Model as Model
from netlang.backends.onnx.protos import copying as copying
