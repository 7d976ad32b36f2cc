"""A program: its networks, its train sections, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, cast

from netlang import program as programs
from netlang.api.arguments import names, plain, texts
from netlang.api.display import Diagram, Profiles, Text
from netlang.api.errors import ProgramError, ProgramWarning, warn
from netlang.api.network import Network
from netlang.diagnostics.diagnostic import Diagnostic, Diagnostics
from netlang.diagnostics.errors import InputError
from netlang.diagnostics.render import render_all

if TYPE_CHECKING:
    from netlang.api.sweeps import Begin, Sweep
    from netlang.api.training import ParameterSource, Run
    from netlang.backends import Backend, Lower, Provider
    from netlang.backends.compile import CompiledModel
    from netlang.data.fitted import Fitted
    from netlang.diagram.layout import Direction
    from netlang.evaluate.context.values import Object
    from netlang.importing.operands import Stored
    from netlang.ir.graph import Graph
    from netlang.plan.plan import Plan
    from netlang.program import Net
    from netlang.system.ranks import Parallel, Ranks
    from netlang.training.conversion import ConvertedModel
    from netlang.training.history.reports import Report
    from netlang.training.run.dry_run import DryRun
    from netlang.training.run.evaluation import Evaluation
    from netlang.training.run.preparation import Choices
    from netlang.training.run.runs import Display
    from netlang.training.section_data import SectionData


class Program(Mapping[str, Network]):
    """A program: its networks by name, its train sections, and its diagnostics.

    Loading a program raises nothing for errors in it: they are in ``diagnostics``. Using a net or
    train section that has errors raises ``ProgramError``, which shows them.
    """

    def __init__(self, checked: programs.Program, stored: Sequence[Stored] = ()) -> None:
        self.checked = checked
        self._stored = stored
        """The parameters of the only net, of a program that was read from a model."""
        self._readable = not checked.diagnostics.failed
        self._complete = False

    @property
    def name(self) -> str:
        """The path the program was loaded from, or the name given to its text."""
        return self.checked.name

    def __getitem__(self, name: str) -> Network:
        return self.network(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.checked.nets)

    def __len__(self) -> int:
        return len(self.checked.nets)

    def __contains__(self, name: object) -> bool:
        return name in self.checked.nets or name in self.checked.imported_nets()

    def __repr__(self) -> str:
        return f"{self.name}: {', '.join(self) or 'no net'}"

    def network(
        self,
        name: str | None = None,
        sizes: Mapping[str, float | str] | None = None,
        *,
        seed: int = 0,
    ) -> Network:
        """Return the net with a name, or the only one, with some sizes or parameters fixed.

        ``seed`` is that of the initial parameters. Raises ``ProgramError`` if the net has errors.
        """
        self.require_readable()
        return self.bound(self.checked.net(name), sizes or {}, seed=seed)

    def bound(self, net: Net, values: Mapping[str, Object], *, seed: int = 0) -> Network:
        """Return a net with values, which may be numbers of NumPy; raises ``ProgramError``."""
        found = Diagnostics()
        given = {name: cast("Object", plain(v)) for name, v in values.items()}
        graph = net.build(given, found)
        if graph is None:
            raise ProgramError(self.name, self._with(found).sorted())
        network = Network(self, net, graph, values=given, seed=seed)
        if self._stored:
            from netlang.importing.reading import by_path

            arrays = {path: s.array for path, s in by_path(graph, self._stored).items()}
            network.parameters.replace(arrays, copy=False)
        return network

    # Diagnostics.

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """The errors and warnings of the whole program, in the order of the text."""
        if not self._complete:
            self.checked.check()
            self._complete = True
        return tuple(self.checked.diagnostics.sorted())

    @property
    def problems(self) -> Text:
        """The errors and warnings, as ``netlang check`` prints them."""
        return Text(render_all(self.diagnostics))

    def check(self, *, strict: bool = False) -> Program:
        """Check the whole program and return it.

        Raises ``ProgramError`` if there are errors; ``strict`` treats warnings as errors.
        """
        if any(strict or found.is_error for found in self.diagnostics):
            raise self._error()
        return self

    def show(self) -> Text:
        """Print the program with every default written out."""
        from netlang.manual.defaults import with_defaults

        self.require_readable()
        return Text(with_defaults(self.checked).removesuffix("\n"))

    # Train sections.

    def draw(
        self,
        section: str | None = None,
        *,
        settings: Mapping[str, object] | None = None,
        direction: Direction = "down",
        wrap: bool = True,
    ) -> Diagram:
        """Draw a train section: its data, nets, losses and optimizers.

        The section is the only one unless it is named; the other arguments are those of ``train``
        and of ``Network.draw``.
        """
        from netlang.diagram.rendering import render
        from netlang.training.section_diagram import outline_of

        outline = outline_of(self.plan(section, texts(settings or {})))
        return Diagram(render(outline, direction, wrap=wrap), str(outline))

    def train(
        self,
        section: str | None = None,
        *,
        settings: Mapping[str, object] | None = None,
        folder: str | Path | None = None,
        resume: bool = False,
        override: str | Sequence[str] = (),
        seed: int | None = None,
        backend: Backend = "onnxruntime",
        provider: Provider = "cpu",
        threads: int | None = None,
        pause: float = 60.0,
        png: bool = False,
        record: str | Sequence[str] = (),
        record_every: int | None = None,
        callback: Display | None = None,
        watch: Callable[[Report], object] | None = None,
        interrupted: Callable[[], bool] = lambda: False,
        data: object = None,
        valid: object = None,
        parallel: Parallel | None = None,
        **parameters: object,
    ) -> Run:
        """Train the model described by a train section, the only one unless it is named.

        ``parameters`` are values for parameters of the section by name; ``settings`` are, too, and
        may have the name of another argument. ``data`` and ``valid`` are columns in memory in place
        of the examples that the section names: a mapping of arrays, lists or images of Pillow, or a
        frame of pandas or polars. What the section does to its examples is done to them.

        The run is stored in ``folder``, by default the next of ``runs/NAME-1``, ``-2``, ...;
        ``runs/NAME`` is the newest of them. ``resume`` continues the run in ``folder``, or the
        newest; settings that may then differ are named in ``override``. Checkpoints are at least
        ``pause`` seconds apart. ``callback`` follows the progress: see ``Callback``; ``watch`` is
        called with the ``history`` entry of each epoch. Without either, a notebook shows the
        curves. If ``interrupted()`` is true after a step, the run is saved and ends.

        ``record`` names what is recorded of about a hundred steps, or of every
        ``record_every``-th: ``"gradients"`` and ``"activations"``, the norms of each layer, and the
        paths of small parameters.

        With ``parallel="mpi"``, every process of the job that ``mpiexec`` started must call this:
        each computes its part of every batch, and the first one writes the folder. Results are
        those of one process that accumulates the gradients of the parts. An error of one process
        ends all of them.

        Raises ``ProgramError`` for a section with errors, and ``Error`` for data that is missing
        or does not fit, or a loss that is not finite.

        >>> import netlang
        >>> run = netlang.load("examples/linear_regression.net").train(folder=tmp / "run")
        >>> run.history[-1].epoch, run.history[-1].train["loss"] < 0.001
        (3, True)
        """
        from netlang.api.callbacks import Watch
        from netlang.api.training import Given, Options, train
        from netlang.training.parallel.joining import joined

        path = None if folder is None else Path(folder)
        values = {**(settings or {}), **parameters}
        options = Options(
            values, path, resume, names(override), pause, png, names(record), record_every
        )
        if callback is not None and watch is not None:
            raise InputError("a run has a `callback` or a `watch`, not both")
        shown = callback if watch is None else Watch(watch)
        given = Given(data, valid)
        with joined(parallel) as ranks:
            choices = self.choices(seed, backend, provider, threads, ranks)
            return train(self, section, options, choices, shown, interrupted, given)

    def sweep(
        self,
        over: Mapping[str, Sequence[object]],
        section: str | None = None,
        *,
        settings: Mapping[str, object] | None = None,
        folder: str | Path | None = None,
        resume: bool = False,
        seed: int | None = None,
        backend: Backend = "onnxruntime",
        provider: Provider = "cpu",
        threads: int | None = None,
        pause: float = 60.0,
        png: bool = False,
        record: str | Sequence[str] = (),
        record_every: int | None = None,
        callback: Display | None = None,
        interrupted: Callable[[], bool] = lambda: False,
        begin: Begin | None = None,
    ) -> Sweep:
        """Train once with each value of a parameter, or each combination of several.

        The folder, by default the next of ``runs/NAME-sweep-1``, ..., has an ordinary run for each,
        and a plot of them all. A run whose loss is not finite is reported with the others.
        ``begin`` is called before each run; the other arguments are those of ``train``.

        >>> import netlang
        >>> program = netlang.load("examples/train_digits.net")
        >>> found = program.sweep({"lr": [0.0001, 0.01]}, folder=tmp / "sweep")
        >>> list(found.runs), found.comparison.best.name
        (['lr=0.0001', 'lr=0.01'], 'lr=0.01')
        """
        from netlang.api.sweeps import sweep
        from netlang.api.training import Options

        path = None if folder is None else Path(folder)
        options = Options(settings or {}, path, resume, (), pause, png, names(record), record_every)
        choices = self.choices(seed, backend, provider, threads)
        return sweep(self, section, over, options, choices, callback, interrupted, begin)

    def evaluate(
        self,
        parameters: ParameterSource | Mapping[str, ParameterSource],
        section: str | None = None,
        *,
        settings: Mapping[str, object] | None = None,
        backend: Backend = "onnxruntime",
        provider: Provider = "cpu",
        data: object = None,
    ) -> Evaluation:
        """Compute the loss and the metrics of a train section on its ``valid`` data.

        ``data`` are columns in memory to evaluate on instead, as ``train`` takes them: all of them,
        transformed as the section does it and read with what is fitted on the training data.
        ``parameters`` are a file or a ``Network``, or one for each layer of the section by name.
        The result also has the ``confusions`` of classes, and the ``predictions`` for the examples,
        which ``predictions.save("predictions.csv", by_loss=True)`` writes.
        """
        from netlang.api.training import evaluate

        choices = self.choices(None, backend, provider)
        return evaluate(self, section, parameters, settings or {}, choices, data)

    def describe_data(
        self,
        name: str | None = None,
        *,
        settings: Mapping[str, object] | None = None,
        images: int = 0,
    ) -> SectionData:
        """Return what the data of a train section are, before anything trains.

        ``name`` is a section, or a dataset that one uses; it may be left out where there is one
        section. All examples are read, or the first of those that take long. ``images`` is how many
        to keep of each column of images. What a run would reject is in the result, and not raised.
        """
        from netlang.api.training import section_using
        from netlang.training.section_data import describe

        plan = section_using(self, name, texts(settings or {}))
        return describe(plan, self.choices(), images)

    def fitted_in_section(self, net: Net, section: str, layer: str, why: str) -> Fitted | None:
        """Return what the data of a section determine for one of its layers, if that is a net.

        Warns that they are read, or cannot be, and ``why``.
        """
        from netlang.api.training import fitted_in_section

        return fitted_in_section(self, net, section, layer, why)

    def lowered(
        self, net: Net, graph: Graph, compiled: CompiledModel, precision: Lower,
        trained_in: tuple[str, str], *, whole: bool,
    ) -> ConvertedModel:  # fmt: skip
        """Convert a compiled net to a lower precision, as ``Network.compile`` documents it."""
        from netlang.api.training import lowered

        return lowered(self, net, graph, compiled, precision, trained_in, whole=whole)

    def forecast(
        self,
        section: str | None = None,
        *,
        settings: Mapping[str, object] | None = None,
        seed: int | None = None,
    ) -> DryRun:
        """Return what a run would take: steps, memory and learning rates; trains nothing."""
        from netlang.training.run.dry_run import dry_run

        plan = self.plan(section, texts(settings or {}))
        return dry_run(plan, self.choices(seed), warn)

    def profile(
        self,
        section: str | None = None,
        *,
        depth: int | None = None,
        runs: int | None = None,
        settings: Mapping[str, object] | None = None,
        seed: int | None = None,
        provider: Provider = "cpu",
        threads: int | None = None,
    ) -> Profiles:
        """Measure how long each layer takes in a step of a train section, on its first batch.

        The time of a step is divided into forward, backward and update. Without ``runs``, each
        step of the section runs for about a second; no parameter is changed.
        """
        from netlang.profiling.measuring import profile_section

        plan = self.plan(section, texts(settings or {}))
        choices = self.choices(seed, provider=provider, threads=threads)
        return Profiles(profile_section(plan, choices, runs=runs), depth)

    def compile_step(
        self,
        output: str | Path,
        section: str | None = None,
        *,
        opset: int = 18,
        seed: int | None = None,
    ) -> tuple[Path, ...]:
        """Write the training step of a section as an ONNX model, and return the files.

        The initial state is stored next to it, as safetensors. The model describes its inputs and
        outputs in its metadata, under ``netlang.contract``.
        """
        from netlang.api.training import compile_step

        plan = self.plan(section)
        return compile_step(plan, self.choices(seed), Path(output), opset, self.name)

    def plan(self, section: str | None, settings: Mapping[str, str] | None = None) -> Plan:
        """Return a checked train section; raises ``ProgramError`` and issues its warnings."""
        self.require_readable()
        found = Diagnostics()
        plan = self.checked.plan(section, settings, found)
        known = self._with(found).sorted()
        if plan is None or found.failed:
            raise ProgramError(self.name, known)
        if warnings := [each for each in known if not each.is_error]:
            warn(ProgramWarning(warnings))
        return plan

    def _with(self, found: Diagnostics) -> Diagnostics:
        """Return the diagnostics of the program, and those of one use of it."""
        merged = Diagnostics()
        for each in (*self.checked.diagnostics.items, *found.items):
            merged.report(each)
        return merged

    def choices(
        self,
        seed: int | None = None,
        backend: Backend = "onnxruntime",
        provider: Provider = "cpu",
        threads: int | None = None,
        ranks: Ranks | None = None,
    ) -> Choices:
        """Return how a run of a section of the program is computed."""
        from netlang.ops.extern import PYTHON_ALLOWED
        from netlang.system.ranks import ALONE
        from netlang.training.run.preparation import Choices

        folder, all = self.checked.path.parent, ranks or ALONE
        threads = all.threads if threads is None else threads
        return Choices(folder, seed, backend, provider, threads, PYTHON_ALLOWED.get(), all)

    def require_readable(self) -> None:
        """Raise ``ProgramError`` for errors that are found without evaluating anything."""
        if not self._readable:
            raise self._error()

    def _error(self) -> ProgramError:
        return ProgramError(self.name, self.checked.diagnostics.sorted())


def load(path: str | Path) -> Program:
    """Read a program from a file.

    An ONNX model is read as the program that ``read_onnx`` makes of it, whose net has its
    parameters. Raises ``Error`` for a file that cannot be read, but not for errors in the program:
    they are in ``Program.diagnostics``.

    >>> import netlang
    >>> netlang.load("examples/lenet.net")["LeNet"].trainable_parameters
    61706
    """
    if Path(path).suffix.lower() != ".onnx":
        return Program(programs.open_program(path))
    from netlang.importing.reading import read_model

    model = read_model(Path(path))
    for note in model.notes:
        warn(f"{path}: {note}")
    return Program(programs.open_program(path, model.text), model.weights)


def loads(text: str, name: str = "<text>") -> Program:
    """Read a program from a string; ``name`` is the path that messages show and imports start at.

    >>> import netlang
    >>> netlang.loads("net Halve(x: f32[N, 4]) -> y: f32[N, 2] = dense(x, 2)")
    <text>: Halve
    """
    return Program(programs.open_program(name, StringIO(text, newline=None).read()))
