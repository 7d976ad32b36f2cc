"""The layers of a prototxt file in the order of computation, whatever version of Caffe wrote it.

Files of the first versions have `layers { type: CONVOLUTION }`, and those before them a `layer`
inside of each of these; both are read as the layers that they became.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Struct

from netlang.diagnostics.source import Span
from netlang.importing.caffe.fields import Fields
from netlang.importing.caffe.text import Field, Message, PrototxtError, Scalar, shown

MOST_LAYERS = 10_000
PHASES = ("TRAIN", "TEST")


class Rate(Struct, frozen=True):
    """How a parameter of a layer is trained, and the name that shares it with other layers."""

    lr: float = 1.0
    decay: float = 1.0
    name: str = ""


class Layer(Struct, frozen=True, eq=False):
    """A layer; ``reads`` are its inputs and ``makes`` its results, as versions of blobs.

    A layer whose result has the name of its input makes the next version of the blob.
    """

    name: str
    kind: str
    reads: tuple[tuple[str, int], ...]
    makes: tuple[tuple[str, int], ...]
    phases: frozenset[str]
    rates: tuple[Rate, ...]
    loss_weights: tuple[float, ...]
    kept: tuple[bool, ...]
    """Whether gradients flow to each input, where the file says so."""
    fields: Fields
    at: Span

    @property
    def described(self) -> str:
        return f"the layer `{shown(self.name)}`" if self.name else f"this {self.kind} layer"


class Inputs(Struct, frozen=True, eq=False):
    """An input that the network has without a layer; the first size is that of the batch."""

    name: str
    shape: tuple[int, ...]
    at: Span


class Described(Struct, frozen=True, eq=False):
    """What a prototxt file says."""

    name: str
    inputs: Sequence[Inputs]
    layers: Sequence[Layer]
    uses: Mapping[tuple[str, int], int]
    """How many layers read each version of a blob."""


def read_layers(message: Message, at: Span) -> Described:
    """Return the layers of a network; raises ``PrototxtError`` for what is not one."""
    net = Fields(message, "net", at)
    net.skip("force_backward", "state", "debug_info")
    name, given = net.text("name"), _inputs(net)
    found = [*net.all("layer"), *net.all("layers")]
    if len(found) > MOST_LAYERS:
        raise PrototxtError(
            f"the network has {len(found):,} layers", at, f"{MOST_LAYERS:,} is the most"
        )
    versions = _Versions(given)
    layers = [made for f in found if (made := _layer(f, versions)) is not None]
    net.reject_unread("the network")
    if not found:
        raise PrototxtError("there is no layer in this file", at)
    uses = Counter(blob for layer in layers for blob in layer.reads)
    return Described(name, given, layers, uses)


def _inputs(net: Fields) -> list[Inputs]:
    names = net.texts("input")
    shapes = [tuple(s.wholes("dim", least=1)) for s in net.messages("input_shape")]
    flat = net.wholes("input_dim", least=1)
    if flat:
        shapes = [tuple(flat[at : at + 4]) for at in range(0, len(flat), 4)]
    if len(shapes) != len(names):
        raise PrototxtError(
            f"there are {len(names)} inputs and {len(shapes)} shapes", net.span("input"),
            helps=["write an `input_shape` for each `input`"],
        )  # fmt: skip
    at = [f.span for f in net.all("input")]
    return [Inputs(*each) for each in zip(names, shapes, at, strict=True)]


class _Versions:
    """The versions of blobs so far, and in which phases the first one is made."""

    def __init__(self, given: Sequence[Inputs]) -> None:
        self.latest = {i.name: 1 for i in given}
        self._phases: dict[str, frozenset[str]] = {i.name: frozenset(PHASES) for i in given}

    def read(self, name: str) -> tuple[str, int]:
        """Return the current version; 0 for a blob that nothing has made."""
        return name, self.latest.get(name, 0)

    def made(
        self, name: str, bottoms: Sequence[str], phases: frozenset[str], at: Span
    ) -> tuple[str, int]:
        if name not in self.latest:
            self._phases[name] = phases
            self.latest[name] = 1
        elif name in bottoms:
            self.latest[name] += 1
        elif self._phases[name] & phases:
            raise PrototxtError(f"a layer before this one makes `{shown(name)}`, too", at)
        else:
            self._phases[name] |= phases
        return name, self.latest[name]


def _layer(field: Field, versions: _Versions) -> Layer | None:
    """Return a layer, unless it belongs to no phase."""
    if not isinstance(field.value, Message):
        raise PrototxtError(f"`{field.name}` must be a message", field.span)
    fields = Fields(field.value, field.name, field.span)
    if "layer" in fields:
        fields = upgraded(fields)
    kind, at = _kind(fields, field)
    phases = _phases(fields)
    if not phases:
        return None
    bottoms = fields.texts("bottom")
    reads = tuple(versions.read(name) for name in bottoms)
    makes = tuple(versions.made(name, bottoms, phases, at) for name in fields.texts("top"))
    kept = tuple(f.text == "true" for f in _scalars(fields.all("propagate_down")))
    return Layer(
        fields.text("name"), kind, reads, makes, phases, _rates(fields),
        tuple(fields.numbers("loss_weight")), kept, fields, at,
    )  # fmt: skip


def _scalars(found: Sequence[Field]) -> list[Scalar]:
    return [f.value for f in found if isinstance(f.value, Scalar)]


def _kind(fields: Fields, field: Field) -> tuple[str, Span]:
    found = fields.last("type")
    if found is None or not isinstance(found.value, Scalar):
        raise PrototxtError("this layer lacks a `type`", field.span, helps=['add `type: "..."`'])
    text = found.value.text
    return V1.get(text, text) if found.value.kind == "word" else text, found.value.span


def _phases(fields: Fields) -> frozenset[str]:
    """Return the phases that a layer is part of, as its rules say."""
    own = fields.word("phase", PHASES, "")
    include, exclude = fields.messages("include"), fields.messages("exclude")
    if include and exclude:
        raise PrototxtError("a layer has either `include` or `exclude`", exclude[0].at)
    phases = [own] if own else list(PHASES)
    if include:
        return frozenset(p for p in phases if any(_met(rule, p) for rule in include))
    return frozenset(p for p in phases if not any(_met(rule, p) for rule in exclude))


def _met(rule: Fields, phase: str) -> bool:
    """Return whether a rule holds for a phase, at level 0 and in no stage."""
    wanted = rule.word("phase", PHASES, phase)
    levels = rule.whole("min_level", 0, least=-99) <= 0 <= rule.whole("max_level", 0, least=-99)
    rule.skip("not_stage")
    stages = rule.texts("stage")
    rule.reject_unread("a rule")
    return wanted == phase and levels and not stages


def _rates(fields: Fields) -> tuple[Rate, ...]:
    """Return the settings of each parameter, in the order of the layer."""
    rates: list[Rate] = []
    for field in fields.all("param"):
        if isinstance(field.value, Scalar):  # the name of a shared parameter, in files of V1
            rates.append(Rate(name=field.value.text))
            continue
        param = Fields(field.value, "param", field.span)
        param.skip("share_mode")
        lr, decay = param.number("lr_mult", 1.0, least=0), param.number("decay_mult", 1.0, least=0)
        rates.append(Rate(lr, decay, param.text("name")))
        param.reject_unread("`param`")
    lrs, decays = fields.numbers("blobs_lr"), fields.numbers("weight_decay")
    for at in range(max(len(lrs), len(decays))):
        name = rates[at].name if at < len(rates) else ""
        lr = lrs[at] if at < len(lrs) else 1.0
        rates[at : at + 1] = [Rate(lr, decays[at] if at < len(decays) else 1.0, name)]
    return tuple(rates)


V1: Mapping[str, str] = {
    "ABSVAL": "AbsVal", "ACCURACY": "Accuracy", "ARGMAX": "ArgMax", "BNLL": "BNLL",
    "CONCAT": "Concat", "CONTRASTIVE_LOSS": "ContrastiveLoss", "CONVOLUTION": "Convolution",
    "DATA": "Data", "DECONVOLUTION": "Deconvolution", "DROPOUT": "Dropout",
    "DUMMY_DATA": "DummyData", "EUCLIDEAN_LOSS": "EuclideanLoss", "ELTWISE": "Eltwise",
    "EXP": "Exp", "FLATTEN": "Flatten", "HDF5_DATA": "HDF5Data", "HDF5_OUTPUT": "HDF5Output",
    "HINGE_LOSS": "HingeLoss", "IM2COL": "Im2col", "IMAGE_DATA": "ImageData",
    "INFOGAIN_LOSS": "InfogainLoss", "INNER_PRODUCT": "InnerProduct", "LRN": "LRN",
    "MEMORY_DATA": "MemoryData", "MULTINOMIAL_LOGISTIC_LOSS": "MultinomialLogisticLoss",
    "MVN": "MVN", "POOLING": "Pooling", "POWER": "Power", "RELU": "ReLU", "SIGMOID": "Sigmoid",
    "SIGMOID_CROSS_ENTROPY_LOSS": "SigmoidCrossEntropyLoss", "SILENCE": "Silence",
    "SLICE": "Slice", "SOFTMAX": "Softmax", "SOFTMAX_LOSS": "SoftmaxWithLoss", "SPLIT": "Split",
    "TANH": "TanH", "THRESHOLD": "Threshold", "WINDOW_DATA": "WindowData",
}  # fmt: skip
"""The names of layers in files of V1, which are words without quotes."""

_V0: Mapping[str, tuple[str, str]] = {
    "accuracy": ("Accuracy", ""), "bnll": ("BNLL", ""), "concat": ("Concat", "concat_param"),
    "conv": ("Convolution", "convolution_param"), "data": ("Data", "data_param"),
    "dropout": ("Dropout", "dropout_param"), "euclidean_loss": ("EuclideanLoss", ""),
    "flatten": ("Flatten", ""), "hinge_loss": ("HingeLoss", ""),
    "images": ("ImageData", "image_data_param"),
    "innerproduct": ("InnerProduct", "inner_product_param"), "lrn": ("LRN", "lrn_param"),
    "multinomial_logistic_loss": ("MultinomialLogisticLoss", ""),
    "pool": ("Pooling", "pooling_param"), "relu": ("ReLU", ""), "sigmoid": ("Sigmoid", ""),
    "softmax": ("Softmax", ""), "softmax_loss": ("SoftmaxWithLoss", ""), "split": ("Split", ""),
    "tanh": ("TanH", ""),
}  # fmt: skip
_V0_NAMES: Mapping[str, str] = {
    "biasterm": "bias_term",
    "kernelsize": "kernel_size",
    "batchsize": "batch_size",
    "cropsize": "crop_size",
    "meanfile": "mean_file",
}
_OF_THE_LAYER = ("name", "blobs_lr", "weight_decay")
_OF_TRANSFORMS = ("scale", "meanfile", "cropsize", "mirror")


def upgraded(whole: Fields) -> Fields:
    """Return a layer of the oldest files as later ones have it: settings in a message of its kind.

    Raises ``PrototxtError`` for a kind that has no later name.
    """
    (inner,) = whole.messages("layer")[-1:]
    type_field = inner.last("type")
    text = inner.text("type")
    if type_field is None or text not in _V0:
        raise PrototxtError(f"the layer type `{shown(text)}` has no counterpart", inner.at)
    kind, param = _V0[text]
    assert isinstance(type_field.value, Scalar)
    made: list[Field] = [
        Field("type", Scalar("text", kind, type_field.value.span), type_field.span),
        *whole.all("bottom"), *whole.all("top"),
    ]  # fmt: skip
    settings: list[Field] = []
    transforms: list[Field] = []
    for field in inner.unread():
        renamed = Field(_V0_NAMES.get(field.name, field.name), field.value, field.span)
        of_data = field.name in _OF_TRANSFORMS and kind in ("Data", "ImageData")
        place = made if field.name in _OF_THE_LAYER else transforms if of_data else settings
        place.append(renamed)
    for name, fields in ((param or "settings", settings), ("transform_param", transforms)):
        if fields:
            made.append(Field(name, Message(tuple(fields), inner.at, 2), inner.at))
    return Fields(Message(tuple(made), whole.at, 3), "layer", whole.at)
