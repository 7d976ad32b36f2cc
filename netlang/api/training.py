"""Runs of train sections and what comes out of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from netlang.api.arguments import texts
from netlang.api.callbacks import Callback
from netlang.api.errors import warn
from netlang.api.network import Network
from netlang.backends import LOWER
from netlang.backends.targets import target_of
from netlang.data.fitted import Fitted
from netlang.data.pipeline import Pipeline, Transformation, data_paths
from netlang.diagnostics import rules
from netlang.diagnostics.errors import (
    ENVIRONMENT,
    USAGE,
    InputError,
    NetlangError,
    require_at_least,
)
from netlang.evaluate.context.values import Object
from netlang.manual.defaults import with_defaults
from netlang.plan.plan import Plan
from netlang.program import Net
from netlang.system.files import protect_inputs
from netlang.system.numpy import Array
from netlang.training.export import export, state_file
from netlang.training.history.reports import Report
from netlang.training.parallel.division import divided
from netlang.training.preprocessing import fitted_on, of_layer
from netlang.training.run.comparison import recorded
from netlang.training.run.evaluation import Evaluation, Parameters
from netlang.training.run.evaluation import evaluate as evaluate_plan
from netlang.training.run.folder import RunFolder, new_folder, old_folder
from netlang.training.run.initial_parameters import parameter_files
from netlang.training.run.preparation import Choices, open_data
from netlang.training.run.runs import Display, Outcome, Request
from netlang.training.run.runs import train as carry_out

if TYPE_CHECKING:
    from netlang.api.program import Program
    from netlang.backends import Lower
    from netlang.backends.compile import CompiledModel
    from netlang.ir.graph import Graph
    from netlang.training.conversion import ConvertedModel

ParameterSource = str | Path | Network
"""A file of parameters, or the network that has them."""


@dataclass(frozen=True, slots=True)
class Given:
    """Columns that take the place of the examples that a section names, where there are any."""

    data: object = None
    valid: object = None

    def __call__(self, plan: Plan) -> Plan:
        """Return a section with these examples; raises ``Error`` for what is not columns."""
        return structs.replace(
            plan,
            data=self._pipeline(plan, "data", plan.data, self.data),
            valid=self._pipeline(plan, "valid", plan.valid, self.valid),
        )

    def for_evaluation(self, plan: Plan) -> Plan:
        """Return a section that is evaluated on all of ``data``, which is transformed as there."""
        what, named = ("data", plan.data) if plan.valid is None else ("valid", plan.valid)
        given = self._pipeline(plan, what, named, self.data)
        if given is None:
            return plan
        kept = tuple(step for step in given.steps if isinstance(step, Transformation))
        whole = structs.replace(given, steps=kept)
        return structs.replace(plan, **{what: whole})

    def _pipeline(
        self, plan: Plan, what: str, named: Pipeline | None, values: object
    ) -> Pipeline | None:
        if values is None:
            return named
        from netlang.api.conversion import columns_of
        from netlang.data.memory import in_memory

        if named is None:
            raise InputError(
                f"the train section `{plan.name}` has no `{what}`",
                helps=[f"declare the columns in a dataset, and add `{what} = … |> batches(32)`"],
            )
        columns = columns_of(values, what)
        return structs.replace(named, dataset=in_memory(named.dataset, columns))


@dataclass(frozen=True, slots=True)
class Options:
    """What a run depends on besides the program and the choice of backend."""

    settings: Mapping[str, object]
    folder: Path | None
    resume: bool
    override: Collection[str]
    pause: float
    png: bool
    record: Sequence[str] = ()
    record_every: int | None = None

    def __post_init__(self) -> None:
        require_at_least("pause", self.pause, 0)
        require_at_least("record_every", self.record_every, 1)


class Networks(Mapping[str, Network]):
    """The trained networks of a run by the name of their layer, loaded when they are needed."""

    def __init__(
        self, program: Program, nets: Mapping[str, tuple[Net, Mapping[str, Object]]], folder: Path
    ) -> None:
        self._program = program
        self._nets = nets
        self._folder = folder

    def __getitem__(self, layer: str) -> Network:
        net, values = self._nets[layer]
        return self._program.bound(net, values).load(self._folder / f"{layer}.safetensors")

    def __iter__(self) -> Iterator[str]:
        return iter(self._nets)

    def __len__(self) -> int:
        return len(self._nets)

    def __repr__(self) -> str:
        return repr(list(self._nets))


@dataclass(frozen=True, slots=True)
class Run:
    """A run that ended.

    ``finished`` is false if it was interrupted; it can then be resumed. ``history`` has the metrics
    of every epoch, ``networks`` the trained networks by the name of their layer in the section.
    ``remarks`` say why it stopped early, and which epoch the networks are of, if not of the last.
    """

    section: str
    folder: Path
    step: int
    finished: bool
    history: tuple[Report, ...]
    networks: Mapping[str, Network]
    remarks: tuple[str, ...] = ()

    @property
    def best(self) -> Report | None:
        """The epoch that the networks are of, or that of the lowest loss."""
        return recorded(self.folder, self.section).best

    @property
    def model(self) -> Network:
        """The only trained network; raises ``Error`` where there are several."""
        if len(self.networks) != 1:
            listed = ", ".join(f'`networks["{name}"]`' for name in self.networks) or "none"
            raise InputError(
                f"`{self.section}` trains {len(self.networks)} networks",
                notes=[f"they are {listed}"],
            )
        return next(iter(self.networks.values()))

    @property
    def weights(self) -> Mapping[str, Array]:
        """The parameters of the only trained network by path."""
        return self.model.parameters


def train(
    program: Program,
    section: str | None,
    options: Options,
    choices: Choices,
    callback: Display | None,
    interrupted: Callable[[], bool],
    examples: Given = Given(),
) -> Run:
    """Train as ``Program.train`` documents it."""
    if options.override and not options.resume:
        raise NetlangError(rules.USAGE, "`override` requires `resume`", exit_code=USAGE)
    if options.png:
        _require_pillow()
    program.require_readable()
    name = program.checked.section(section).name.text
    given, ranks = texts(options.settings), choices.ranks
    plans: list[Plan] = []

    def planned(values: Mapping[str, str]) -> Plan:
        if not plans:
            plans.append(divided(examples(program.plan(name, values)), ranks.count))
        return plans[0]

    # A program with errors gets no folder; a resumed run may have been given parameters.
    if not options.resume:
        planned(given)

    request = Request(
        planned, partial(with_defaults, program.checked), given, options.resume, options.override,
        options.pause, options.png, options.record, options.record_every, warn,
    )  # fmt: skip
    open_folder = old_folder if options.resume else new_folder
    opened: list[RunFolder] = []

    def open_path() -> Path:
        opened.append(open_folder(options.folder, name))
        return opened[0].path

    path = ranks.share(open_path)
    folder = opened[0] if opened else None
    with folder or nullcontext():
        display = Callback() if folder is None else callback or _display(name)
        outcome = carry_out(request, choices, folder, display, interrupted)
        history, remarks = ranks.share(lambda: _result(folder, outcome))
    networks = Networks(program, _nets(program, plans[0]), path)
    return Run(name, path, outcome.step, outcome.over, history, networks, remarks)


def _result(
    folder: RunFolder | None, outcome: Outcome
) -> tuple[tuple[Report, ...], tuple[str, ...]]:
    """Return the history of a run, and its remarks."""
    history = () if folder is None else folder.reports(10**9)
    return tuple(history), tuple(outcome.remarks)


def _display(title: str) -> Callback:
    """Return what shows a run that has no callback: curves in a notebook, elsewhere nothing."""
    from netlang.api.notebooks import LiveCurves, notebook

    shell = notebook()
    return Callback() if shell is None else LiveCurves(shell, title)


def _nets(program: Program, plan: Plan) -> dict[str, tuple[Net, Mapping[str, Object]]]:
    """Return the nets among the layers of a section, with the arguments they were made with."""
    own = {param.path.partition(".")[0] for param in plan.computation.params.values()}
    return {
        layer.path: (
            Net(layer.function.name, layer.function, program.checked),
            {name: given.value for name, given in layer.arguments.items()},
        )
        for layer in plan.layers.values()
        if layer.function.kind == "net" and layer.path in own
    }


def fitted_in_section(
    program: Program, net: Net, section: str, layer: str, why: str
) -> Fitted | None:
    """Return what the data of a section determine for one of its layers, if that is the net.

    Warns that it comes from the data as they are now, or of the error that opening them raises;
    ``why`` is the reason to do so.
    """
    try:
        plan = program.plan(section)
        found = plan.layers.get(layer)
        if found is None or found.function.definition is not net.function.definition:
            return None
        data, valid = open_data(plan, program.choices())
    except NetlangError as error:
        warn(f"{why}, and they are passed on as they are: {error.message}")
        return None
    warn(f"{why}: they are prepared as in the train section `{section}`")
    fitted = fitted_on(data.source, None if valid is None else valid.source, plan.data)
    return of_layer(fitted, plan.computation, layer)


def evaluate(
    program: Program,
    section: str | None,
    parameters: ParameterSource | Mapping[str, ParameterSource],
    settings: Mapping[str, object],
    choices: Choices,
    data: object = None,
) -> Evaluation:
    """Evaluate as ``Program.evaluate`` documents it."""
    sources = parameters if isinstance(parameters, Mapping) else {"": parameters}
    plan = program.plan(section, texts(settings))
    if data is not None:
        plan = Given(data).for_evaluation(plan)
    return evaluate_plan(plan, choices, {layer: _parameters(s) for layer, s in sources.items()})


def _parameters(source: ParameterSource) -> Parameters:
    if isinstance(source, Network):
        return Parameters(source.parameters.arrays(), source.fitted, "the network")
    return Parameters.read(Path(source))


def section_using(program: Program, name: str | None, settings: Mapping[str, str]) -> Plan:
    """Return a section by its name, or by that of a dataset in it; raises ``Error`` for neither."""
    sections = program.checked.sections
    if name is not None and name not in sections:
        for section in sections:
            plan = program.plan(section, settings)
            used = (plan.settings.get(own, "") for own in ("data", "valid"))
            if any(text.partition("(")[0].rpartition("[")[2] == name for text in used):
                return plan
    return program.plan(name, settings)


def compile_step(
    plan: Plan, choices: Choices, output: Path, opset: int, source: str
) -> tuple[Path, ...]:
    """Compile as ``Program.compile_step`` documents it."""
    target_of(output, "onnx")
    state = state_file(output)
    inputs = [source, *parameter_files(plan, choices.folder)]
    for pipeline in (plan.data, plan.valid):
        inputs += data_paths(pipeline, choices.folder) if pipeline is not None else []
    protect_inputs(output, *inputs)
    protect_inputs(state, *inputs)
    return tuple(export(plan, choices, output, opset=opset, source=source))


def lowered(
    program: Program, net: Net, graph: Graph, compiled: CompiledModel, precision: Lower,
    trained_in: tuple[str, str], *, whole: bool,
) -> ConvertedModel:  # fmt: skip
    """Convert a compiled net as ``Network.compile`` documents it.

    ``trained_in`` has the section and the layer of the parameters; ``whole`` is whether the model
    has the inputs and the outputs of the net. Warns of metrics that drop.
    """
    from netlang.backends.precision import converted, is_dynamic
    from netlang.training.conversion import convert, convert_for

    if precision not in LOWER:
        raise InputError(
            f"`{precision}` is not a precision", helps=[f"take one of {', '.join(LOWER)}"]
        )
    if not whole:
        raise InputError(
            f"{precision} is for a whole net: without functions, raw input, and a choice of outputs"
        )
    model, (section, layer) = compiled.proto, trained_in
    if not section and precision == "int8" and not is_dynamic(model):
        section = _only_section_of(program, net)
        if not section:
            raise InputError(
                "int8 needs examples, to determine the ranges of the values between layers",
                helps=["name a train section whose data has some: `--section NAME`"],
            )
    if not section:
        return convert(compiled, precision, converted(model, precision))
    plan = program.plan(section)
    layers = [n for n, f in plan.layers.items() if f.function.definition is net.function.definition]
    if not layers:
        raise InputError(f"the train section `{section}` does not train `{graph.name}`")
    chosen = layer if layer in layers else layers[0]
    found = convert_for(plan, chosen, graph, model, precision, program.choices())
    for name in found.dropped:
        before, after = found.before.metrics[name], found.after.metrics[name]
        even = ", even with the first and the last product in f32" if found.kept else ""
        warn(f"`{name}` is {after:.4f} in {precision} and {before:.4f} in f32{even}")
    return convert(compiled, precision, found.model, found)


def _only_section_of(program: Program, net: Net) -> str:
    """Return the train section of a program, if it has just one and that trains a net."""
    names = list(program.checked.sections)
    if len(names) != 1:
        return ""
    layers = program.plan(names[0]).layers.values()
    trained = any(layer.function.definition is net.function.definition for layer in layers)
    return names[0] if trained else ""


def _require_pillow() -> None:
    """Reject at once what could not be drawn after hours of training."""
    if find_spec("PIL") is None:
        raise NetlangError(
            rules.PILLOW_MISSING,
            "curves.png is an image, which requires Pillow",
            helps=['pip install "netlang[images]"'],
            exit_code=ENVIRONMENT,
        )
