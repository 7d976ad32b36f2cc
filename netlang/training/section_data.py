"""What the data of a train section are, and what a run would reject, before anything trains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from netlang.data.batches import Batches
from netlang.data.examine import examine
from netlang.data.fitted import Fitted
from netlang.data.pipeline import Pipeline
from netlang.data.report import DataReport, report_on
from netlang.diagnostics.errors import NetlangError
from netlang.plan.plan import Plan
from netlang.training.run.data_checks import check_data
from netlang.training.run.preparation import Choices, opened, seed_of
from netlang.training.step.graphs import prepare


@dataclass(frozen=True, slots=True)
class SectionData:
    """The data of a section: a report on ``data`` and on ``valid``, as far as they can be read.

    ``remarks`` are the warnings of a run, ``problems`` the errors that it would end with.
    """

    section: str
    reports: Mapping[str, DataReport]
    batches: Mapping[str, int]
    remarks: Sequence[str]
    problems: Sequence[NetlangError]

    @property
    def training(self) -> DataReport | None:
        """The report on ``data``, if it can be read."""
        return next(iter(self.reports.values()), None)

    def __str__(self) -> str:
        parts: list[str] = []
        for of, report in self.reports.items():
            first, *rest = report.lines()
            parts.append("\n".join([f"{of}: {first}, in batches of {self.batches[of]:,}", *rest]))
        if self.remarks:
            parts.append("\n".join(self.remarks))
        if not self.problems:
            parts.append("nothing would be rejected")
        return "\n\n".join(parts)

    __repr__ = __str__

    def plain(self) -> dict[str, object]:
        """Return the same as JSON has it, without the problems."""
        return {
            "section": self.section,
            "data": {of: report.plain() for of, report in self.reports.items()},
            "remarks": list(self.remarks),
        }


def describe(plan: Plan, choices: Choices, images: int) -> SectionData:
    """Read the data of a section; ``images`` is how many to keep of each column of images.

    Every example is read once, so that files that cannot be read are among the problems.
    """
    reports: dict[str, DataReport] = {}
    sizes: dict[str, int] = {}
    problems: list[NetlangError] = []
    remarks: list[str] = []

    def read(of: str, pipeline: Pipeline | None, fitted: Fitted | None) -> Batches | None:
        if pipeline is None:
            return None
        try:
            found = opened(plan, pipeline, choices, fitted)
            damaged = examine(found.source)
            problems.extend(damaged)
            if damaged:
                return None
            reports[of] = report_on(found.source, images)
        except NetlangError as error:
            problems.append(error)
            return None
        sizes[of] = pipeline.batching.size
        return found

    data = read("data", plan.data, None)
    if data is not None:
        valid = read("valid", plan.valid, data.source.fitted())
        if not problems:
            try:
                training = prepare(plan, seed_of(plan, choices))
                check_data(training, data, valid, remarks.append)
            except NetlangError as error:
                problems.append(error)
    return SectionData(plan.name, reports, sizes, tuple(dict.fromkeys(remarks)), problems)
