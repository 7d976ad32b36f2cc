"""Train sections with settings nobody would write. Each number gives one program.

Every setting, and every parameter of every function that makes the value of a setting, is given
values of every type. Run as ``python train_settings.py FIRST COUNT`` it checks programs in one
process, and prints a line of JSON for each that was not answered. ``train_settings.py 0 10000``
found numbers beyond the range of f32 that NumPy warned of, and names of 100,000 letters in full;
since then, nothing: no traceback, no exit code 70, no signal, none over 2 s or 300 MiB.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from running import command, main, within_time

from netlang.evaluate.context.source_text import source_text
from netlang.plan.settings import SETTINGS, STEP_SETTINGS
from netlang.syntax import ast
from netlang.syntax.library import defined_names, definition, library_files

NUMBERS = (
    "0", "1", "-1", "2", "3", "7", "100_003", "1_000_000", "9_223_372_036_854_775_807",
    "-9_223_372_036_854_775_807", "2 ** 62", "9_223_372_036_854_775_807 + 1", "0.0", "-0.0", "0.5",
    "1.0", "-0.5", "1e-3", "1e-45", "1e-300", "1e308", "-1e308", "1e999", "1e308 * 10.0",
    "0.0 / 0.0", "log(0.0)", "sqrt(-1.0)", "exp(1000.0)", "1 / 3", "N", "2 * N",
)  # fmt: skip
STRINGS = (
    '""', '"a"', '"min"', '"max"', '"f64"', '"bf16"', '"train"', '"test"', '"**"', '"y.weight"',
    '"best.safetensors"', '"model.safetensors"', '"{epoch}.safetensors"', '"{step}-{epoch}"',
    '"{oops}"', '"{"', '"../x.safetensors"', '"/etc/passwd"', '"a/b"', '"lock"', '"log.jsonl"',
    '"x.npz"', '"\\n"', '"é"', f'"{"a" * 300}"', f'"{"a*" * 50}"', "long",
)  # fmt: skip
LISTS = (
    "[]", "[1]", "[0.5]", "[[]]", "[[1, 2], [3]]", "[none]", '["a"]', "(1, 2)", "((1, 2), 3)",
    "[model]", "[model, model]", "[loss]", "[1 epochs, 2 epochs]", "[true, 1]", "1..3", "0..1",
    "1..900_000", "[1 for i in 1..30_000]", "[0.1 for i in 1..300]", "many", "[batch.x]",
)  # fmt: skip
DURATIONS = (
    "1 epochs", "2 epochs", "0 epochs", "0.5 epochs", "0.000001 epochs", "1 steps",
    "3 steps", "0 steps", "0.5 steps", "1_000_000_000 steps", "9_223_372_036_854_775_807 epochs",
)  # fmt: skip
LAYERS = ("model", "other", "model.y", "model.a", "new H()", "H", "dense", "relu", "H(batch.x)")
TENSORS = (
    "loss", "right", "out", "batch.x", "batch.label", "batch.x * 2.0", "mean(batch.x)",
    "cast(batch.label, f32)", "model(batch.x)", "model.y.weight", "sum(batch.x) / 0.0",
    "mean(log(batch.x))", "random_normal([2, 2])", "l2(weights(model))",
)  # fmt: skip
OTHERS = (
    "none", "true", "false", "f32", "i64", "same", "causal", "batch", "data", "t", "lr", "nowhere",
    "if lr > 0.0 then 1 else 2", "batch.nowhere", "sgd", "cosine", "early_stop", "weights",
)  # fmt: skip
EVERYTHING = (NUMBERS, STRINGS, LISTS, DURATIONS, LAYERS, TENSORS, OTHERS)
KINDS = {
    "int": NUMBERS, "float": NUMBERS, "number": NUMBERS, "schedule": NUMBERS, "init": NUMBERS,
    "str": STRINGS, "list": LISTS, "any": LISTS, "duration": DURATIONS, "layer": LAYERS,
    "selection": LAYERS, "net": LAYERS, "block": LAYERS, "bool": ("true", "false"),
    "rows": ("two_moons(8)", "data", "gaussian_clouds(8)", "digits()"),
}  # fmt: skip
USUAL = {
    "int": ("1", "2", "4"), "float": ("0.1", "0.5", "0.9", "0.999"), "duration": ("1 epochs",),
    "schedule": ("0.1", "lr", "1e-3"), "layer": ("model", "model.y"), "f32[]": ("loss", "right"),
    "selection": ("model", "model.y", "model.y.weight"), "init": ("0.0", "normal(0.1)"),
    "rows": ("two_moons(8)", "data"), "str": ('"a.safetensors"', '"b-{epoch}.safetensors"'),
}  # fmt: skip
"""Values that fit, so that many a section has no error."""
HEAD = """\
long = for i in 1..17 with s = "a" { next s = s + s }
many = for i in 1..12 with xs = [1] { next xs = [xs, xs] }
net H(x: f32[N, 2]) -> y: f32[N, 2] {
  a = dense(x, 4, bias=false) |> batch_norm |> relu |> dropout(0.5)
  y = dense(a, 2)
}
"""
PLAIN = {
    "data": "two_moons(8) |> batches(4)",
    "loss": "cross_entropy(out, batch.label)",
    "optimizer": "sgd(lr)",
    "run": "1 epochs",
}
ITEMS = {"init": "init_rule", "freeze": "selection", "checkpoint": "checkpoint", "update": "layer"}
"""What the items of a setting are, where it is a list."""


@cache
def makers() -> dict[str, tuple[ast.Definition | ast.Extern, ...]]:
    """Return the functions of the library whose results are of the types of settings, by type."""
    found: dict[str, list[ast.Definition | ast.Extern]] = {}
    for file in library_files():
        for name in () if "/" in file else defined_names(file):
            made = definition(file, name)
            match made:
                case ast.Definition(kind="optimizer" | "schedule" as kind):
                    found.setdefault(kind, []).append(made)
                case ast.Extern(outs=[ast.Out(type=ast.NameType(name=kind))]):
                    found.setdefault(kind, []).append(made)
                case ast.Extern(kind="dataset"):
                    found.setdefault("rows", []).append(made)
                case _:
                    pass
    return {kind: tuple(made) for kind, made in found.items()}


def program(number: int) -> str:
    """Return the program of a number: the same one on every machine."""
    return _Writer(random.Random(number)).program()


class _Writer:
    """Writes a section in which some settings have other values."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def program(self) -> str:
        settings = dict(PLAIN)
        for _ in range(self.chance.choice((1, 1, 1, 2, 3, 5))):
            name = self.chance.choice([*SETTINGS, "lr", "init", "freeze", "checkpoint", "update"])
            settings[name] = self.setting(name)
        if self.chance.random() < 0.1:
            settings.pop(self.chance.choice([*settings]))
        lr = settings.pop("lr", "0.1")
        lines = [f"  data = {settings.pop('data')}"] if "data" in settings else []
        values = " ".join(settings.values())
        lines += ["  model = new H()", "  out = model(batch.x)"]
        lines += ["  other = new H()"] if re.search(r"\bother\b", values) else []
        lines += [f"  loss = {settings.pop('loss')}"] if "loss" in settings else []
        lines += ["  right = accuracy(out, batch.label)"] if "right" in values else []
        if self.chance.random() < 0.2:
            lines += self.step(settings)
        lines += [f"  {name} = {value}" for name, value in settings.items()]
        if self.chance.random() < 0.05:
            lines.append(self.chance.choice(lines))
        typed = self.chance.choice((*["schedule"] * 15, "float", "int", "str", "list"))
        return HEAD + f"train t(lr: {typed} = {lr}) {{\n" + "\n".join(lines) + "\n}\n"

    def step(self, settings: dict[str, str]) -> list[str]:
        """Move what a step can have into one, and change some of it."""
        own = {"loss": "loss * 2.0", "update": "[model]", "optimizer": "sgd(lr)"}
        settings.pop("optimizer", None)
        for name in self.chance.sample(sorted(STEP_SETTINGS), self.chance.choice((1, 1, 2))):
            own[name] = self.setting(name)
        return ["  step s {", *(f"    {name} = {value}" for name, value in own.items()), "  }"]

    def setting(self, name: str) -> str:
        """Return a value for a setting, mostly one of its type."""
        kind = ITEMS.get(name, SETTINGS.get(name, "schedule" if name == "lr" else "int"))
        if name in ITEMS and self.chance.random() < 0.8:
            many = self.chance.choice((0, 1, 1, 1, 2, 3))
            return f"[{', '.join(self.value(kind, 2) for _ in range(many))}]"
        if kind == "rows" and self.chance.random() < 0.8:
            stages = " |> ".join(self.stage() for _ in range(self.chance.randint(0, 2)))
            chosen = self.value(kind, 1) + (f" |> {stages}" if stages else "")
            return f"{chosen} |> batches({self.given(_batches(), 1)})"
        return self.value(kind, 3)

    def stage(self) -> str:
        """Return a step of a pipeline of data."""
        transforms = ", ".join(self.value("transform", 1) for _ in range(self.chance.randint(0, 2)))
        return self.chance.choice(
            (
                f"map({self.chance.choice(('x', 'label', 'image', 'nowhere'))}=[{transforms}])",
                f"together({self.anything()}, [{transforms}])",
                f"part({self.anything()})",
                f"map(x={self.anything()})",
            )
        )

    def value(self, kind: str, depth: int) -> str:
        """Return a value, mostly of a type."""
        if self.chance.random() < 0.08:
            return self.anything()
        if kind in USUAL and self.chance.random() < 0.4:
            return self.chance.choice(USUAL[kind])
        if kind.startswith("["):
            many = self.chance.choice((0, 1, 2, 2, 3))
            return f"[{', '.join(self.value(kind[1:-1], depth - 1) for _ in range(many))}]"
        if kind.startswith("f32"):
            return self.chance.choice(TENSORS)
        made = makers().get(kind, ())
        if made and depth > 0 and (kind not in KINDS or self.chance.random() < 0.5):
            chosen = self.chance.choice(made)
            name = chosen.name.text
            public = name.removeprefix("_").removesuffix("_image") if name[0] == "_" else name
            return f"{public}({self.given(chosen.params, depth - 1)})"
        return self.chance.choice(KINDS.get(kind) or self.chance.choice(EVERYTHING))

    def given(self, params: Sequence[ast.Param], depth: int) -> str:
        """Return arguments for parameters: all that are needed, and some of the others."""
        parts: list[str] = []
        for param in params:
            if param.default is not None and self.chance.random() < 0.5:
                continue
            type = param.type
            while isinstance(type, ast.OptionalType):
                type = type.inner
            kind = source_text(type) if type is not None else ""
            parts.append(f"{param.name.text}={self.value(kind, depth)}")
        if parts and self.chance.random() < 0.05:
            parts.pop(self.chance.randrange(len(parts)))
        return ", ".join(parts)

    def anything(self) -> str:
        """Return a value of any type."""
        if self.chance.random() < 0.2:
            kind = self.chance.choice(sorted(makers()))
            return self.value(kind, 1) if kind != "rows" else "two_moons(8)"
        return self.chance.choice(self.chance.choice(EVERYTHING))


@cache
def _batches() -> Sequence[ast.Param]:
    """Return the parameters of ``batches`` after the examples."""
    found = next(made for made in makers()["rows"] if made.name.text == "batches")
    return found.params[1:]


def answer(number: int, folder: Path) -> str | None:
    """Check one program, and run it if it is short; return what netlang got wrong, if anything."""
    text = program(number)
    path = folder / "fuzz.net"
    path.write_text(text, "utf-8")

    def use() -> None:
        if command("check", path) or f"  data = {PLAIN['data']}\n" not in text:
            return
        command("train", path, "--dry-run")
        if f"  run = {PLAIN['run']}\n" in text:
            command("train", path, "--backend", "numpy", "--run", folder / f"run{number}")

    return within_time(use)


if __name__ == "__main__":
    main(answer)
