"""ONNX models run by onnxruntime, on the CPU or on another device."""

from netlang.backends import Provider as Provider
from netlang.backends.ort.memory import Held as Held
from netlang.backends.ort.memory import held as held
from netlang.backends.ort.session import ExecutionError as ExecutionError
from netlang.backends.ort.session import NoKernel as NoKernel
from netlang.backends.ort.session import Session as Session
from netlang.backends.providers import ProviderError as ProviderError
