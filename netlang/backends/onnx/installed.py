"""The installed ONNX library; its version is checked before anything of it is used."""

import onnx

from netlang.system.versions import check_version

check_version("onnx", onnx.__version__)
