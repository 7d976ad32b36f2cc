"""The settings of a train section, their types, and what they are called elsewhere."""

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

SETTING_SYNONYMS = {
    "epochs": "run",
    "num_epochs": "run",
    "steps": "run",
    "optim": "optimizer",
    "opt": "optimizer",
    "criterion": "loss",
    "objective": "loss",
    "validation": "valid",
    "val": "valid",
    "callbacks": "checkpoint",
    "early_stopping": "stop",
    "gradient_clip": "clip",
    "initializer": "init",
    "dataset": "data",
    "train_data": "data",
    "random_seed": "seed",
    "metric": "metrics",
    "save": "checkpoint",
}
"""What people call the settings elsewhere."""
