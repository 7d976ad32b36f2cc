"""What the installed onnxruntime can compute on, and what else there is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib.util import find_spec

import onnxruntime  # pyright: ignore[reportMissingTypeStubs]

from netlang.backends.ort.selection import available, ep_devices, module_of
from netlang.backends.providers import KNOWN, distributions, known, replacing, short_name


@dataclass(frozen=True, slots=True)
class Listed:
    """A provider; ``install`` is the command that adds it where it is not ``available``."""

    name: str
    available: bool
    hardware: str
    needs: str
    install: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """The providers of a machine, those that are available first.

    ``packages`` have the module onnxruntime; where there are several, ``repair`` is the command
    that leaves one. ``devices`` are those that onnxruntime tells of.
    """

    version: str
    packages: list[str]
    repair: str
    providers: list[Listed]
    devices: list[str]

    def json(self) -> object:
        """Return the inventory as plain values."""
        return asdict(self)


def inventory() -> Inventory:
    """Look up which providers there are."""
    packages = distributions()
    here = available()
    plugins = [k.package for k in KNOWN if k.is_plugin and _installed(k.package)]
    names = [*here, *(k.name for k in KNOWN if k.name not in here)]
    return Inventory(
        str(onnxruntime.__version__),
        packages,
        replacing(max(packages, key=len)) if len(packages) > 1 else "",
        [_listed(name, name in here, plugins) for name in names],
        [
            f"{each.device.vendor} {str(each.device.type).rpartition('.')[2]} "
            f"{each.device.device_id}, for {short_name(each.ep_name)}"
            for each in ep_devices()
        ],
    )


def _listed(name: str, here: bool, plugins: list[str]) -> Listed:
    about = known(name)
    if about is None:
        return Listed(name, here, "", "", "")
    install = "" if here else about.install
    if about.package in plugins:
        install = f"`--provider {about.package}` uses the installed package"
    return Listed(name, here, about.hardware, about.needs, install)


def _installed(package: str) -> bool:
    return find_spec(module_of(package)) is not None
