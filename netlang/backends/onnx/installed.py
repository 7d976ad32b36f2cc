"""The ONNX library that is there, looked at before anything in it is asked for."""

import onnx

from netlang.system.versions import check_version

check_version("onnx", onnx.__version__)
