"""Providers by their names, what is said of those that are missing, and plug-ins.

Tests ``netlang.backends.providers`` and ``netlang.backends.ort``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import onnxruntime
import pytest
from commands import said

from netlang.backends import providers
from netlang.backends.ort import inventory, selection
from netlang.backends.providers import OnCpu, Placement, ProviderError, requested

REPLACED = (
    'pip uninstall -y onnxruntime onnxruntime-gpu && pip install "onnxruntime-gpu[cuda,cudnn]"'
)


def test_options_follow_a_colon() -> None:
    assert requested("cuda:device_id=1,use_tf32=1").options == {"device_id": "1", "use_tf32": "1"}
    assert requested("openvino:device_type=HETERO:GPU,CPU,num_streams=2").options == {
        "device_type": "HETERO:GPU,CPU",
        "num_streams": "2",
    }


@pytest.mark.parametrize(
    ("name", "message", "helps"),
    [
        ("gpu", "there is no provider `{}`", "did you mean `cuda`?"),
        ("CUDAExecutionProvider", "there is no provider `{}`", "did you mean `cuda`?"),
        ("mps", "there is no provider `{}`", "did you mean `coreml`?"),
        ("DmlExecutionProvider", "there is no provider `{}`", "did you mean `directml`?"),
        (
            "cuda:0", "`{}`: an option of a provider is written NAME=VALUE",
            "write `cuda:device_id=0`",
        ),
        (
            "auto:device_id=1", "`auto` takes no options: each provider has its own",
            "name the provider: `cuda:device_id=1`",
        ),
    ],
)  # fmt: skip
def test_other_spellings_are_answered_with_the_name(name: str, message: str, helps: str) -> None:
    with pytest.raises(ProviderError) as caught:
        requested(name)
    assert (caught.value.message, caught.value.helps) == (message.format(name), (helps,))
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("name", "message", "helps"),
    [
        ("cuda", "the provider `cuda` is not available", (
            "the provider `auto` takes the best there is",
            f"`cuda` needs the package onnxruntime-gpu and a driver of NVIDIA: {REPLACED}",
        )),
        ("opnvino", "there is no provider `opnvino`", ("did you mean `openvino`?",)),
        ("onnxruntime-ep-nothing", "the provider `onnxruntime-ep-nothing` is not available", (
            "install it: pip install onnxruntime-ep-nothing",
        )),
    ],
)  # fmt: skip
def test_a_missing_provider_is_an_error_that_says_what_to_install(
    name: str, message: str, helps: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    monkeypatch.setattr(providers, "distributions", lambda: ["onnxruntime"])
    with pytest.raises(ProviderError) as caught:
        selection.selection(name)
    assert (caught.value.message, caught.value.helps) == (message, helps)


def test_auto_takes_the_first_of_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    full = ["WebGpuExecutionProvider", "MIGraphXExecutionProvider", "OpenVINOExecutionProvider"]
    monkeypatch.setattr(
        onnxruntime, "get_available_providers", lambda: [*full, "CPUExecutionProvider"]
    )
    assert [each.name for each in selection.selection("auto")] == ["migraphx", "webgpu", "cpu"]


class Options:
    """What a session would be opened with."""

    def __init__(self) -> None:
        self.entries: dict[str, str] = {}
        self.added: list[Any] = []

    def add_session_config_entry(self, key: str, value: str) -> None:
        self.entries[key] = value

    def add_provider_for_devices(self, devices: Sequence[object], options: object) -> None:
        self.added.append((list(devices), options))


def test_a_plug_in_is_registered_and_runs_on_the_device_of_its_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = SimpleNamespace(get_library_path=lambda: "/mine.so", get_ep_name=lambda: "MyEP")
    registered: list[tuple[str, str]] = []
    devices = [SimpleNamespace(ep_name=name) for name in ("CPUExecutionProvider", "MyEP", "MyEP")]
    monkeypatch.setitem(sys.modules, "onnxruntime_ep_mine", module)
    monkeypatch.setattr(onnxruntime, "get_ep_devices", lambda: devices)
    monkeypatch.setattr(
        onnxruntime,
        "register_execution_provider_library",
        lambda name, path: registered.append((name, path)),
    )
    (chosen,) = selection.selection("onnxruntime-ep-mine:device_id=1,fast=1")
    selection.selection("onnxruntime-ep-mine")
    assert registered == [("onnxruntime-ep-mine", "/mine.so")]
    options = Options()
    assert chosen.configure(options, None) is None
    assert options.added == [([devices[2]], {"fast": "1"})]
    with pytest.raises(ProviderError) as caught:
        selection.selection("onnxruntime-ep-mine:device_id=2")
    assert caught.value.message == "the provider `onnxruntime-ep-mine` has no device 2"
    monkeypatch.setattr(onnxruntime, "get_ep_devices", lambda: devices[:1])
    with pytest.raises(ProviderError) as caught:
        selection.selection("onnxruntime-ep-mine")
    assert caught.value.notes == ("it finds no device of this machine that it runs on",)


def test_options_reach_the_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    full = ["CUDAExecutionProvider", "WebGpuExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: full)
    (cuda,) = selection.selection("cuda:device_id=1")
    assert cuda.configure(Options(), None) == [
        (full[0], {"use_tf32": "0", "device_id": "1"}),
        full[2],
    ]
    options = Options()
    (webgpu,) = selection.selection("webgpu:powerPreference=low-power")
    assert webgpu.configure(options, None) == full[1:]
    assert options.entries["ep.webgpuexecutionprovider.preferredLayout"] == "NCHW"
    assert options.entries["ep.webgpuexecutionprovider.powerPreference"] == "low-power"


def test_two_packages_of_one_module_are_reported_with_the_repair(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    both = ["onnxruntime", "onnxruntime-gpu"]
    for module in (inventory, providers):
        monkeypatch.setattr(module, "distributions", lambda: both)
    code, out, _ = said(capsys, "providers")
    assert code == 0
    assert "warning: 2 packages install the same module, and the last one wins\n" in out
    command = "pip uninstall -y onnxruntime onnxruntime-gpu && pip install onnxruntime-gpu"
    assert f"  leave one: {command}\n" in out
    _, out, _ = said(capsys, "providers", "--json")
    found = json.loads(out)
    assert (found["packages"], found["repair"]) == (both, command)
    assert found["providers"][0]["name"] in {"cpu", "cuda"}


def test_a_placement_counts_the_nodes_on_the_cpu() -> None:
    placement = Placement("webgpu", 12, [OnCpu("a", "Conv", "it.net:3")])
    assert str(placement) == ("1 of 12 nodes run on the CPU: `webgpu` has no kernels for them")
