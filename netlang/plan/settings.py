"""The settings of a train section, and their types."""

from __future__ import annotations

SETTINGS = {
    "data": "rows",
    "valid": "rows",
    "loss": "f32[]",
    "metrics": "list",
    "optimizer": "optimizer",
    "init": "list",
    "freeze": "list",
    "clip": "clip",
    "run": "duration",
    "stop": "stop",
    "checkpoint": "list",
    "seed": "int",
    "precision": "str",
    "accumulate": "int",
    "carry_state": "bool",
}
STEP_SETTINGS = frozenset({"loss", "update", "optimizer", "clip", "repeat"})
