"""One network: its analysis, its parameters, and what it computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from msgspec.structs import replace

from netlang.analysis import counts
from netlang.api.arguments import names
from netlang.api.display import Diagram, Profiles, Summary, Text, html
from netlang.api.errors import ProgramError, warn
from netlang.diagnostics.diagnostic import DiagnosticError
from netlang.diagnostics.errors import InputError, TooLargeError, require_at_least
from netlang.ir.types import F64

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from netlang.api.parameters import Parameters
    from netlang.api.predictions import Predictions
    from netlang.api.program import Program
    from netlang.backends import Backend, Lower, Provider
    from netlang.backends.compile import CompiledModel
    from netlang.data.fitted import Fitted
    from netlang.diagram.layout import Direction
    from netlang.diagram.outline import Outline
    from netlang.evaluate.context.values import Object
    from netlang.inference.fields import UnitField
    from netlang.inference.generation import Continuation
    from netlang.inference.runner import Runner
    from netlang.inference.translation import Translation
    from netlang.inference.verification import Comparison
    from netlang.ir.dims import Size
    from netlang.ir.graph import Graph
    from netlang.matching.loading import Dialect, NameSource
    from netlang.matching.matching import Matched
    from netlang.program import Net
    from netlang.storage.vocabulary import Vocabulary
    from netlang.system.numpy import Array


class Network:
    """One net of a program, with its parameters.

    Calling it computes its outputs, by name. A net with state continues from its last call until
    ``reset``. Parameters are initialized from ``seed`` unless they are loaded or assigned.
    ``fitted`` is what was determined by the data they were trained on, if their file has it: names
    of classes, statistics, and how inputs are preprocessed. ``matched`` is how the names of their
    file were matched, if they were other ones.

    >>> import netlang
    >>> double = netlang.loads("net Double(x: f32[N, 2]) -> y: f32[N, 2] = 2.0 * x")["Double"]
    >>> double([[1, 2]])
    {'y': array([[2., 4.]], dtype=float32)}
    """

    __slots__ = (
        "_file",
        "_net",
        "_parameters",
        "_program",
        "_runners",
        "_state",
        "_trained_in",
        "_values",
        "fitted",
        "graph",
        "matched",
        "seed",
    )  # fmt: skip

    def __init__(
        self,
        program: Program,
        net: Net,
        graph: Graph,
        *,
        values: Mapping[str, Object] | None = None,
        seed: int = 0,
    ) -> None:
        self.graph = graph
        self.seed = seed
        self.fitted: Fitted | None = None
        self.matched: Matched | None = None
        self._trained_in = ("", "")
        self._program = program
        self._net = net
        self._values = dict(values or {})
        self._parameters: Parameters | None = None
        self._file: str | None = None
        self._runners: dict[tuple[Backend, Provider], Runner] = {}
        self._state: dict[str, Array] = {}

    @property
    def name(self) -> str:
        """The name of the net."""
        return self.graph.name

    def bind(self, **sizes: float | str) -> Network:
        """Return the network with sizes or parameters of the net fixed, newly initialized.

        >>> import netlang
        >>> netlang.load("examples/unet.net")["UNet"].bind(H=224, W=224)
        UNet(image: f32[N, 3, 224, 224]) -> logits: f32[N, 2, 224, 224]
        """
        return self._program.bound(self._net, sizes, seed=self.seed)

    def __deepcopy__(self, memo: object) -> Network:
        copied = Network(self._program, self._net, self.graph, values=self._values, seed=self.seed)
        if self._parameters is not None and not self._parameters.initial:
            copied.parameters.replace(self._parameters.arrays(), copy=False)
        copied._file = self._file
        copied.fitted = self.fitted
        copied._trained_in = self._trained_in
        copied._state = dict(self._state)  # arrays of states and parameters are read-only
        return copied

    # Analysis.

    @property
    def trainable_parameters(self) -> Size:
        """The number of elements that training changes; a shared parameter counts once."""
        return counts.trained(self.graph)

    @property
    def non_trainable_parameters(self) -> Size:
        """The number of elements that are stored but not trained, such as running statistics."""
        return counts.running(self.graph)

    @property
    def macs(self) -> Size:
        """The multiply-adds of one example."""
        return counts.macs(self.graph)

    def summary(self, depth: int | None = None) -> Summary:
        """Return the table of layers, folded to the first ``depth`` names of each path."""
        from netlang.analysis.summary import summarize

        return Summary(summarize(self.graph, source_name=self._program.name), depth)

    def draw(
        self,
        inputs: Mapping[str, ArrayLike] | None = None,
        *,
        gradients: bool = False,
        depth: int | None = None,
        direction: Direction = "down",
        wrap: bool = True,
    ) -> Diagram:
        """Draw the network: ``net.draw().save("net.svg")``.

        Layers whose paths begin with the same ``depth`` names share a box. Data flows
        ``direction``: down or right. A deep network is in columns (or rows) that fit a page, unless
        ``wrap`` is false. With ``inputs``, each box has the value that it computes of them, or the
        least and the greatest of many numbers; with ``gradients``, those of the only output, a
        scalar, by that value, too.
        """
        from netlang.diagram.rendering import render
        from netlang.diagram.sketch import sketch, sketch_blocks

        require_at_least("depth", depth, 1)
        if inputs is None and gradients:
            raise InputError("gradients are those of an example: give the inputs, too")
        outline = sketch(self.graph, depth, merge=inputs is None)
        if inputs is not None:
            outline = self._annotated(outline, inputs, gradients=gradients)
            return Diagram(render(outline, direction, wrap=wrap), str(outline))

        def page(name: str) -> str:
            from netlang.diagram.interactive import interactive

            return interactive(*sketch_blocks(self.graph, depth), direction, wrap=wrap, name=name)

        return Diagram(render(outline, direction, wrap=wrap), str(outline), page)

    def profile(
        self, depth: int | None = None, *, runs: int | None = None, provider: Provider = "cpu",
        threads: int | None = None,
    ) -> Profiles:  # fmt: skip
        """Measure how long each layer takes on onnxruntime, on random inputs.

        The batch size is 1 and other free sizes are small; ``bind`` fixes them. Without ``runs``,
        the net runs for about a second. The layers are folded as those of ``summary``.
        """
        from netlang.profiling.measuring import profile_net

        arrays = self.parameters.arrays()
        found = profile_net(self.graph, arrays, runs=runs, provider=provider, threads=threads)
        return Profiles([found], depth)

    def _annotated(
        self, outline: Outline, inputs: Mapping[str, ArrayLike], *, gradients: bool
    ) -> Outline:
        """Return an outline with the values of an example in its boxes, and their gradients."""
        from netlang.diagram.outline import annotated
        from netlang.inference.inside import box_name, notes_of, with_values

        values = {box_name(number): value for number, value in outline.values.items()}
        graph = with_values(self.graph, values, gradients=gradients)
        found = self._inside(graph, {}, inputs, "onnxruntime", "cpu")
        return annotated(outline, notes_of(outline.values, found))

    def explain(self, layer: str) -> Text:
        """Show how the shapes, parameters and multiply-adds of one layer come about."""
        from netlang.manual.explain import explain_layer

        return Text(explain_layer(self.graph, layer))

    def show(self, *, after: str | None = None) -> Text:
        """Print the graph of primitive operators, or the graph after a compiler pass."""
        from netlang.ir.text import print_graph
        from netlang.passes.pipeline import transform_until

        graph = self.graph if after is None else transform_until(self.graph, after)
        return Text(print_graph(graph).removesuffix("\n"))

    def __repr__(self) -> str:
        inputs = ", ".join(f"{v.name}: {v.type}" for v in self.graph.inputs)
        outputs = ", ".join(f"{n}: {v.type}" for n, v in self.graph.outputs.items())
        return f"{self.name}({inputs}) -> {outputs}"

    def _repr_html_(self) -> str:
        return html(str(self.summary())) + self._drawn()

    def _drawn(self) -> str:
        """Return the diagram for a notebook, unless it would have too many boxes."""
        try:
            return self.draw()._repr_html_()  # pyright: ignore[reportPrivateUsage]
        except TooLargeError:
            return ""

    # Parameters.

    @property
    def parameters(self) -> Parameters:
        """The parameters by path, trainable or not; assigning one takes effect at the next call.

        Raises ``WeightsError`` for an array whose name, shape or element type does not fit.

        >>> import netlang
        >>> net = netlang.load("examples/lenet.net")["LeNet"]
        >>> net.parameters["logits.bias"] *= 0
        >>> net.parameters["logits.bias"].max()
        np.float32(0.0)
        """
        if self._parameters is None:
            from netlang.api.parameters import Parameters

            self._parameters = Parameters(self.graph, self.seed, self._runners.clear)
        return self._parameters

    @parameters.setter
    def parameters(self, parameters: Mapping[str, Array]) -> None:
        self.parameters.replace(parameters)

    def load(
        self, path: str | Path, *, dialect: Dialect = "netlang", mapping: str | Path | None = None
    ) -> Network:
        """Load the parameters from a safetensors or npz file, and return the network.

        With ``dialect`` "torch" the file has the names of PyTorch modules, and with "auto" any,
        also those of the initializers of an ONNX model; ``matched`` then says what was found to be
        what. ``mapping`` is a file that says so instead: see ``match``. Raises ``WeightsError`` for
        a file with other parameters, or one that fits in several ways; warns of values that are not
        finite, tensors that are not used, and layers that only their order and shapes tell.
        """
        from netlang.data.fitted import Fitted
        from netlang.storage.weights import (
            described,
            load_weights,
            not_finite,
            read_metadata,
            require,
        )

        self.matched = None
        if dialect != "netlang" or mapping is not None:
            from netlang.matching.loading import name_source

            arrays = self._load_renamed(Path(path), name_source(dialect, mapping))
        else:
            require(self.graph, described(Path(path)))
            arrays = load_weights(Path(path), {param.path for param in self.graph.params.values()})
        metadata = read_metadata(Path(path))
        self.fitted = Fitted.read(metadata, path)
        self._trained_in = metadata.get("section", ""), metadata.get("layer", "")
        self.parameters.replace(arrays, copy=False)
        for name, count in not_finite(self.parameters.arrays()).items():
            many = "value is" if count == 1 else "values are"
            warn(f"{count:,} {many} not finite in the parameter `{name}` of {path}")
        self._file = str(path)
        return self

    def _load_renamed(self, path: Path, names: NameSource) -> dict[str, Array]:
        from netlang.matching.flattening import flattened
        from netlang.matching.loading import load_file, remarks

        params = self.graph.params
        orders = flattened(self.graph.nodes, params)
        arrays, self.matched = load_file(path, params.values(), self.name, names, orders)
        for remark in remarks(self.matched, str(path)):
            warn(remark)
        return arrays

    def match(self, path: str | Path, *, save: str | Path | None = None) -> Matched:
        """Find which tensor of a file with other names is which parameter, without loading any.

        Prints as a table. ``save`` is a mapping file to write, which can be edited and given to
        ``load``.
        """
        from netlang.matching.loading import match_file, save_mapping

        matched = match_file(Path(path), self.graph)
        if save is not None:
            save_mapping(Path(save), matched, self.graph.params.values())
        return matched

    def save(self, path: str | Path) -> None:
        """Write the parameters by path as a safetensors file."""
        from netlang.storage.weights import save_weights

        known = {} if self.fitted is None else self.fitted.metadata()
        save_weights(Path(path), self.parameters.arrays(), {"net": self.name, **known})

    def diff(
        self, path: str | Path, *, dialect: Dialect = "netlang", mapping: str | Path | None = None
    ) -> list[str]:
        """List every difference between the parameters of the net and those in a file.

        ``dialect`` and ``mapping`` are those of ``load``.
        """
        from netlang.storage.weights import described, match

        if dialect != "netlang" or mapping is not None:
            from netlang.matching.loading import differences, name_source

            names = name_source(dialect, mapping)
            return differences(Path(path), self.graph.params.values(), names)
        return match(self.graph, described(Path(path)))

    # Computation.

    def __call__(
        self, /, *arrays: ArrayLike, provider: Provider = "cpu", **inputs: ArrayLike
    ) -> dict[str, Array]:
        """Compute the outputs on onnxruntime.

        Arrays are assigned to the inputs by position or by name. Raises ``InputError`` for an
        array that is missing, of the wrong shape, or not one of the inputs.
        """
        return self.run(self._named(arrays, inputs), provider=provider)

    def interpret(
        self, /, *arrays: ArrayLike, double: bool = False, **inputs: ArrayLike
    ) -> dict[str, Array]:
        """Compute the outputs with the NumPy interpreter, with ``double`` in double precision."""
        named = self._named(arrays, inputs)
        if not double:
            return self.run(named, backend="numpy")
        from netlang.backends import reference
        from netlang.backends.calls import prepare_call

        feeds = prepare_call(self.graph, self._feeds(named), wide=True)
        return self._advance(reference.run(self.graph, feeds, self.parameters.arrays(), dtype=F64))

    def run(
        self,
        inputs: Mapping[str, ArrayLike],
        *,
        backend: Backend = "onnxruntime",
        provider: Provider = "cpu",
    ) -> dict[str, Array]:
        """Compute the outputs from inputs, and states if given, by name."""
        from netlang.backends.calls import prepare_call
        from netlang.inference.memory import run_within_memory

        prepared = prepare_call(self.graph, self._feeds(inputs))
        first = (backend, provider) not in self._runners
        with run_within_memory(self.graph, prepared.sizes, warn) if first else nullcontext():
            return self._advance(self._runner(backend, provider).compute(prepared))

    def predict(self, source: object, *, batch: int = 64, resize: bool = False) -> Predictions:
        """Compute the outputs for many examples, a ``batch`` at a time, with the names of classes.

        ``source`` is a folder, a pattern such as ``photos/*.png``, a file, a list of files, or
        data: an array, images of Pillow, a list of texts for a net that takes texts, or columns by
        name. Files, images, texts, and columns with the names of a table are prepared as the data
        that the parameters were trained on; a net with state begins again with each batch.
        Raises ``FileError`` and ``InputError``.
        """
        from netlang.api.predictions import predict

        return predict(self, source, batch, resize)

    def at(
        self,
        path: str | Sequence[str],
        inputs: Mapping[str, ArrayLike] | None = None,
        *,
        backend: Backend = "onnxruntime",
        provider: Provider = "cpu",
    ) -> dict[str, Array]:
        """Compute intermediate values, by the paths of layers or the names in the net.

        The path of a parameter returns it; for parameters alone, ``inputs`` are not needed. Raises
        ``Error`` with similar names for a path that there is not.

        >>> import netlang
        >>> net = netlang.load("examples/lenet.net")["LeNet"]
        >>> net.at("c1.weight")["c1.weight"].shape
        (6, 1, 5, 5)
        """
        from netlang.inference.inside import with_outputs

        graph = with_outputs(self.graph, names(path))
        known = self.graph.params
        params = {p: known[v].path for p, v in graph.outputs.items() if v in known}
        return self._inside(graph, params, inputs or {}, backend, provider)

    def gradients(
        self,
        by: str | Sequence[str],
        inputs: Mapping[str, ArrayLike],
        *,
        of: str | None = None,
        backend: Backend = "onnxruntime",
        provider: Provider = "cpu",
    ) -> dict[str, Array]:
        """Compute the only output, or ``of`` an intermediate value, and its gradients.

        It must be a scalar. The gradient by an input, a parameter or a layer ``x`` is
        ``x.gradient``. Raises ``InputError`` where nothing depends on it.

        >>> import netlang
        >>> net = netlang.loads("net Bowl(x: f32[2]) -> y: f32[] = sum(x * x)")["Bowl"]
        >>> net.gradients("x", {"x": [1, 2]})["x.gradient"]
        array([2., 4.], dtype=float32)
        """
        from netlang.inference.inside import with_gradients, with_outputs

        graph = self.graph if of is None else with_outputs(self.graph, [of])
        return self._inside(with_gradients(graph, names(by)), {}, inputs, backend, provider)

    def receptive_field(
        self, unit: str, inputs: Mapping[str, ArrayLike]
    ) -> tuple[UnitField, Array]:
        """Return the part of an image on which a unit such as ``c2[4,4]`` depends, and the image.

        ``drawing`` of the result, called with the image, returns the two as one: ``u8[H, W, 3]``.
        """
        from netlang.inference.fields import unit_field

        known = [value.name for value in self.graph.inputs if value.type.rank == 4]
        if not known:
            raise InputError(f"`{self.name}` has no input that is an image, `[N, C, H, W]`")
        images = self._feeds(inputs)[known[0]]
        return unit_field(self.graph, unit, images, known[0]), images

    def _inside(
        self, graph: Graph, params: Mapping[str, str], inputs: Mapping[str, ArrayLike],
        backend: Backend, provider: Provider,
    ) -> dict[str, Array]:  # fmt: skip
        """Compute the outputs of a graph made from that of the net; ``params`` are looked up."""
        from netlang.inference.runner import Runner

        parameters = self.parameters.arrays()
        # An input may be among the outputs, under a name of its own.
        own = {f"{name}.value": name for name in graph.outputs if name not in params}
        computed: dict[str, Array] = {}
        if own:
            run = replace(graph, outputs={o: graph.outputs[name] for o, name in own.items()})
            runner = Runner(run, parameters, backend=backend, provider=provider)
            results = self._advance(runner.compute(self._feeds(inputs)))
            computed = {name: results[output] for output, name in own.items()}
        found = computed | {name: parameters[path] for name, path in params.items()}
        return {name: found[name] for name in graph.outputs}

    @property
    def state(self) -> Mapping[str, Array]:
        """The state that the next call continues from, by name; empty at the start.

        The arrays are read-only.
        """
        return dict(self._state)

    def reset(self, state: Mapping[str, Array] | None = None) -> None:
        """Return to the initial state of a recurrent net, or to a ``state`` from before."""
        self._state = {name: _stored(array) for name, array in (state or {}).items()}

    def load_state(self, path: str | Path) -> None:
        """Continue from the state in a .npz file, or from the initial state if there is no file.

        Raises ``InputError`` for a net without state, or the state of another one.
        """
        from netlang.storage.inputs import read_state

        self.reset(read_state(self.graph, Path(path)))

    def save_state(self, path: str | Path) -> None:
        """Write the state to a .npz file."""
        from netlang.storage.npy import write_npz

        write_npz(Path(path), self._state)

    def read_inputs(
        self, files: Mapping[str, str], *, resize: bool = False, prepared: bool = False
    ) -> dict[str, Array]:
        """Read inputs by name from files, folders, tables, or the text of their numbers.

        A source is ``"x.npy"``, ``"xs.npz:name"``, ``"photo.png"``, ``"photos/"``, ``"*.png"``,
        ``"rows.csv"``, ``"rows.csv:width,height"``, ``"5.1,3.5"``, ``"random(seed=0)"``, or a text
        in double quotes, which the vocabulary of the training encodes. Inputs are preprocessed as
        the data the parameters were trained on, unless they are ``prepared``. With ``resize``,
        images are resized to the size of the input. Raises ``FileError`` and ``InputError``.
        """
        from netlang.data.fitted import Fitted
        from netlang.inference import preprocessing

        fitted = (None if prepared else self._recovered()) or Fitted({})
        for name in files:
            if fitted.inputs.get(name) == "":
                warn(f"`{name}` is passed on as it is: the train section computes it from the data")
        return preprocessing.read_inputs(self.graph, fitted, files, resize=resize)

    def _recovered(self) -> Fitted | None:
        """Return what was fitted; an earlier version did not save it, but named its section."""
        section, layer = self._trained_in
        if self.fitted is None and section:
            why = f"{self._file} does not say how the inputs were prepared in the training"
            self.fitted = self._program.fitted_in_section(self._net, section, layer, why)
            self._trained_in = ("", "")
        return self.fitted

    def preprocess(self, /, **inputs: ArrayLike) -> dict[str, Array]:
        """Return raw examples as inputs, as the data the parameters were trained on.

        ``network(**network.preprocess(image=photo))`` computes the outputs for an image as the
        dataset stores it, such as ``u8[3, H, W]``. Raises ``InputError`` for arrays of another
        shape or range, and for parameters whose file does not say how inputs are preprocessed.
        """
        from netlang.data.fitted import Fitted
        from netlang.inference.preprocessing import preprocess_all

        return preprocess_all(self.graph, self._recovered() or Fitted({}), inputs)

    def compile(
        self,
        *,
        opset: int = 18,
        only: str | Sequence[str] | None = None,
        fold: bool = True,
        functions: bool = False,
        raw_input: bool = False,
        precision: Lower | None = None,
        section: str | None = None,
    ) -> CompiledModel:
        """Compile to ONNX with the parameters: ``net.compile().save("net.onnx")``.

        ``opset`` is 13 to 24, and ``only`` names the outputs to keep. With ``fold``, batch
        normalization is folded into the preceding layers, and recurrent weights are stored in
        ONNX's layout; without it, the model has exactly the ``parameters``. ``functions`` keeps
        each block of the program as an ONNX function. With ``raw_input``, the model takes examples
        as the dataset stores them, such as images of bytes, and prepares them as the data that the
        parameters were trained on. The result has the model as ``proto``,
        reports what was ``folded``, and returns a ``snippet`` that runs it.

        ``precision`` is "f16", "bf16" or "int8": the model is converted, and the metrics of the
        train ``section``, by default the one that the parameters come from, are measured before
        and after: ``conversion`` has them.
        """
        from netlang.backends.compile import compile_graph
        from netlang.data.fitted import Fitted
        from netlang.inference.raw_input import preparations, with_preprocessing

        graph, parameters = self.graph, self.parameters.arrays()
        fitted = (self._recovered() if raw_input else self.fitted) or Fitted({})
        if raw_input:
            graph, parameters = with_preprocessing(graph, parameters, fitted)
        compiled = compile_graph(
            graph,
            parameters,
            opset=opset,
            only=None if only is None else names(only),
            fold=fold,
            functions=functions,
            source=self._program.name,
            metadata=fitted.model_metadata(raw=raw_input) if fitted.columns else {},
            prepared=preparations(graph, fitted, raw=raw_input),
        )
        if precision is None:
            return compiled
        trained_in = self._trained_in if section in (None, self._trained_in[0]) else (section, "")
        whole = only is None and not functions and not raw_input
        return self._program.lowered(
            self._net, self.graph, compiled, precision, trained_in, whole=whole
        )

    def write_numpy(self, path: str | Path) -> tuple[Path, ...]:
        """Write the net as a Python program that needs only NumPy; return the files written.

        It has one function for each block. The parameters are stored next to it, in a ``.npz``
        file. Raises ``NetlangError`` for a path that does not end in ``.py``, or an extern op
        without a Python function.
        """
        from netlang.backends.targets import target_of
        from netlang.codegen.definitions import definition
        from netlang.codegen.numpy_program.output import write_program

        target_of(Path(path), "numpy")
        module = self._net.function.module
        return write_program(
            self.graph, self.parameters.arrays(), lambda name: definition(module, name), Path(path)
        )

    def write_pytorch(self, path: str | Path) -> tuple[Path, ...]:
        """Write the net as PyTorch modules; return the files written.

        There is one class for each block. The parameters are stored next to it, in a
        ``.safetensors`` file whose names are those of the ``state_dict``. Raises ``NetlangError``
        for a path that does not end in ``.py``, and ``ProgramError`` for a part of the net that
        has no form in PyTorch.
        """
        from netlang.backends.targets import target_of
        from netlang.codegen.pytorch.source import pytorch_source
        from netlang.system.files import write_atomically

        target_of(Path(path), "pytorch")
        observe = partial(self._net.program.observe, self._net.function, self._values)
        try:
            source = pytorch_source(self._net.function, observe)
        except DiagnosticError as rejected:
            raise ProgramError(self._program.name, [rejected.diagnostic]) from None
        weights = Path(path).with_suffix(".safetensors")
        self.save(weights)
        write_atomically(Path(path), [source.encode()])
        return Path(path), weights

    def verify(
        self, *, seed: int = 0, provider: Provider = "cpu", precision: Lower | None = None
    ) -> list[Comparison]:
        """Compare onnxruntime with NumPy on the same random input, output by output.

        Parameters that were neither loaded nor assigned are drawn so that every layer matters.
        In a lower ``precision`` onnxruntime may differ by more.
        """
        from netlang.inference.verification import verify

        unset = self._parameters is None or self._parameters.initial
        arrays = None if unset else self.parameters.arrays()
        return verify(self.graph, arrays, seed=seed, provider=provider, precision=precision)

    def generate(
        self,
        prompt: str,
        *,
        vocabulary: str | Path | None = None,
        length: int = 200,
        temperature: float = 1.0,
        top: int | None = None,
        window: int | None = None,
        seed: int = 0,
        backend: Backend = "onnxruntime",
    ) -> Continuation:
        """Continue a text with a net from tokens to logits.

        The vocabulary is the one in the file of the parameters, or next to it, unless it is given.
        ``top`` samples from the likeliest tokens only, ``window`` limits how many tokens a net
        without state reads. Raises ``InputError`` for a net of another kind.
        """
        from netlang.inference.generation import Sampling, Signature, continue_text
        from netlang.storage.vocabulary import Vocabulary, vocabulary_for

        tokens = Signature.of(self.graph).tokens
        column = self.fitted.input(tokens.name) if self.fitted is not None else None
        if vocabulary is None and column is not None and column.names:
            words = Vocabulary(column.names)
        else:
            words = vocabulary_for(None if vocabulary is None else str(vocabulary), self._file)
        return continue_text(
            self._runner(backend, "cpu"),
            words,
            prompt,
            length=length,
            sampling=Sampling(temperature, top),
            seed=seed,
            window=window,
        )

    def decode(
        self,
        text: str,
        *,
        beams: int = 1,
        longest: int = 50,
        alpha: float = 0.75,
        backend: Backend = "onnxruntime",
    ) -> Translation:
        """Translate a text with a net from a source and a target sequence to logits.

        With several ``beams``, that many sequences are followed, and compared by their score
        divided by length to the power ``alpha``. The vocabularies are those in the file of the
        parameters. Raises ``InputError`` for a net of another kind.
        """
        from netlang.inference.translation import Roles, translate

        roles = Roles.of(self.graph)
        vocabularies = self._vocabulary(roles.source.name), self._vocabulary(roles.target.name)
        return translate(
            self._runner(backend, "cpu"),
            vocabularies,
            text,
            width=beams,
            longest=longest,
            alpha=alpha,
        )

    def _vocabulary(self, name: str) -> Vocabulary:
        """Return the words of an input, as its parameters were trained with them."""
        from netlang.storage.vocabulary import Vocabulary

        column = self.fitted.input(name) if self.fitted is not None else None
        if column is None or not column.names:
            raise InputError(
                f"the parameters of `{self.name}` don't say which words `{name}` has",
                helps=["load parameters that `netlang train` wrote for data with texts"],
            )
        return Vocabulary(column.names)

    def _runner(self, backend: Backend, provider: Provider) -> Runner:
        if (backend, provider) not in self._runners:
            from netlang.inference.runner import Runner

            self._runners[backend, provider] = Runner(
                self.graph, self.parameters.arrays(), backend=backend, provider=provider
            )
        return self._runners[backend, provider]

    def _feeds(self, inputs: Mapping[str, ArrayLike]) -> dict[str, Array]:
        # The backends convert them, and name those that are not arrays of numbers.
        return {**self._state, **cast("Mapping[str, Array]", inputs)}

    def _advance(self, results: dict[str, Array]) -> dict[str, Array]:
        for state in self.graph.states:
            self._state[state.name] = _stored(results.pop(state.next_name))
        return results

    def _named(
        self, arrays: Sequence[ArrayLike], named: Mapping[str, ArrayLike]
    ) -> dict[str, ArrayLike]:
        """Assign positional arrays to inputs in order, as Python does for a function."""
        known = [value.name for value in self.graph.inputs]
        if len(arrays) > len(known):
            takes = f"{len(known)} input{'s' if len(known) != 1 else ''}"
            were = "was" if len(arrays) == 1 else "were"
            raise InputError(
                f"`{self.name}` takes {takes} but {len(arrays)} {were} given",
                notes=[f"its inputs are: {', '.join(f'`{name}`' for name in known) or 'none'}"],
            )
        positional = dict(zip(known, arrays, strict=False))
        for name in positional:
            if name in named:
                raise InputError(f"`{self.name}` got multiple values for input `{name}`")
        given = {**positional, **named}
        return {name: self.as_input(name, value) for name, value in given.items()}

    def as_input(self, name: str, value: ArrayLike) -> ArrayLike:
        """Return images and columns of frames as arrays; images are prepared as in training."""
        if isinstance(value, (int, float)) or hasattr(value, "__array_namespace__"):
            return value
        from netlang.api.conversion import as_input

        return as_input(self, name, value)


def _stored(array: Array) -> Array:
    """Return a read-only copy, which shares no memory with inputs or results."""
    from netlang.system.numpy import np

    copied = np.array(array)
    copied.setflags(write=False)
    return copied
