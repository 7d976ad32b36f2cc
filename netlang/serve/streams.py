"""What a run reports while it continues, and what a trained network predicts, as messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

from netlang.serve.messages.answers import Error, RunMessage
from netlang.serve.messages.text_answers import Problem

STOP = "stop"
"""What the process is sent to end a run after its step."""

END = "end"
"""What the process is sent to end once its run is over."""

NEWS, BEGAN, ENDED = "news", "began", "ended"

Sent = tuple[str, bytes]
"""What the process sends: whether the run began or ended with it, and a line of JSON."""


class Preparing(RunMessage, frozen=True, kw_only=True, tag="preparing"):
    """The data are read; ``reading`` names them."""

    section: str
    reading: Sequence[str]


class Prepared(RunMessage, frozen=True, kw_only=True, tag="prepared"):
    """The run is about to begin; ``text`` says so in a line."""

    section: str
    folder: str
    parameters: int | str
    examples: int
    valid_examples: int
    steps_per_epoch: int
    steps: int
    epochs: int
    text: str


CellKind = Literal["image", "class", "text", "numbers"]


class Pixels(Struct, frozen=True):
    """An image: its bytes row by row, the channels of a pixel together."""

    width: int
    height: int
    channels: int
    pixels: bytes


class Words(Struct, frozen=True):
    text: str


class Column(Struct, frozen=True):
    name: str
    type: str
    kind: CellKind


class Samples(RunMessage, frozen=True, kw_only=True, tag="samples"):
    """The first examples after all transforms, each a cell for every column."""

    columns: Sequence[Column]
    examples: Sequence[Mapping[str, Pixels | Words]]


class Point(Struct, frozen=True):
    """What a step measured; ``epoch`` counts up to and with it."""

    step: int
    epoch: float
    train: Mapping[str, float]


class Steps(RunMessage, frozen=True, kw_only=True, tag="steps"):
    """The newest step, and the points of the curves since the message before."""

    step: int
    points: Sequence[Point]


class Epoch(RunMessage, frozen=True, kw_only=True, tag="epoch"):
    """An epoch is over; ``line`` is that of the log, ``text`` what a terminal shows."""

    epoch: int
    step: int
    train: Mapping[str, float]
    valid: Mapping[str, float]
    rate: float
    seconds: float
    line: str
    text: str


class Confusion(RunMessage, frozen=True, kw_only=True, tag="confusion"):
    """How many examples of each class, a row, are predicted as each class, a column."""

    epoch: int
    of: str
    column: str
    names: Sequence[str]
    counts: Sequence[Sequence[int]]
    actual: Sequence[int]


class Remark(RunMessage, frozen=True, kw_only=True, tag="remark"):
    text: str


class Input(Struct, frozen=True):
    """What a network takes: an image of a shape, or numbers."""

    name: str
    shape: Sequence[int]
    kind: Literal["image", "numbers"]


class Predicts(Struct, frozen=True):
    """The network that answers predictions, and the classes that it scores."""

    layer: str
    input: Input
    classes: Sequence[str]


class Ended(RunMessage, frozen=True, kw_only=True):
    step: int
    folder: str
    remarks: Sequence[str]
    networks: Sequence[str]
    predicts: Predicts | None


class Finished(Ended, frozen=True, kw_only=True, tag="finished"):
    """The run came to its end."""


class Stopped(Ended, frozen=True, kw_only=True, tag="stopped"):
    """The run was stopped; ``netlang train --resume`` continues it."""


class RunFailed(RunMessage, frozen=True, kw_only=True, tag="failed"):
    """The run could not begin, or failed; ``problems`` are those of the program."""

    error: Error
    problems: Sequence[Problem] = ()


class Share(Struct, frozen=True):
    name: str
    probability: float


class Predicted(RunMessage, frozen=True, kw_only=True, tag="predicted"):
    """What a network computes: the best classes, or else the first numbers of each output."""

    output: str
    classes: Sequence[Share]
    values: Mapping[str, Sequence[float]]
    seen: Pixels | None
