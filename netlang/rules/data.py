"""Rules about data: what a program says of it, and what is in the files."""

from __future__ import annotations

from netlang.rules.rule import Rule

_NET = """
        net Line(x: f32[N, 2]) -> y: f32[N, 1] = dense(x, 1)
"""
_TRAIN = """
        train line {
          data = points() |> batches(10)
          model = new Line()
          loss = mse(model(batch.x), batch.y)
          optimizer = sgd(0.1)
          run = 1 epochs
        }"""

RULES = (
    Rule(
        "dataset-without-place",
        "A dataset says where its rows are.",
        """
        The columns of a `dataset` are a promise about rows that are somewhere else. One of its
        fields names the place: a file, several, or a Python function.
        """,
        _NET + "        dataset points -> (x: f32[2], y: f32[1]) {}\n" + _TRAIN,
        _NET + '        dataset points -> (x: f32[2], y: f32[1]) { csv = "points.csv" }\n' + _TRAIN,
    ),
)
