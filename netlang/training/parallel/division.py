"""A train section whose batches are divided among several processes."""

from __future__ import annotations

from msgspec import structs

from netlang.diagnostics import rules
from netlang.diagnostics.errors import NetlangError
from netlang.plan.plan import Plan


def divided(plan: Plan, ranks: int) -> Plan:
    """Return a section each of whose batches is divided among some processes.

    Raises ``NetlangError`` if the batches are not divisible by their number.
    """
    if ranks == 1:
        return plan
    if plan.data is None:
        raise NetlangError(
            rules.RANKS,
            f"`{plan.name}` has no `data` that {ranks} ranks could divide",
            helps=["train it in one process: leave out `--parallel mpi`"],
        )
    size = plan.data.batching.size
    if size % ranks:
        fewer = max(n for n in range(1, ranks) if size % n == 0)
        more = -(-size // ranks) * ranks
        raise NetlangError(
            rules.RANKS,
            f"batches of {size:,} examples cannot be divided among {ranks} ranks",
            helps=[
                f"make the batches larger: `batches({more}, …)`",
                f"or start fewer processes: `mpiexec -n {fewer} …`",
            ],
        )
    return structs.replace(plan, ranks=ranks)
