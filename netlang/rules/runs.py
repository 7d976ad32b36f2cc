"""Rules about runs and their folders."""

from __future__ import annotations

from netlang.rules.rule import Rule

RULES = (
    Rule(
        "run-exists",
        "A new run gets a folder of its own.",
        """
        What a run has written is never written over by another. Without `--run` the first free
        folder is taken: `runs/lenet`, `runs/lenet-2`, and so on.
        """,
        "`netlang train lenet.net --run runs/lenet` a second time",
        "`netlang train lenet.net --run runs/lenet --resume`",
        program=False,
    ),
    Rule(
        "no-run",
        "A run that goes on was begun.",
        """
        `--resume` goes on with the last run of the section's name, or with the one `--run` names.
        There must be one.
        """,
        "`netlang train lenet.net --resume` where nothing was trained yet",
        "the same after `netlang train lenet.net`",
        program=False,
    ),
    Rule(
        "run-in-use",
        "One run at a time writes to a folder.",
        """
        A folder is locked while a run is going on in it. The lock is the system's own: it is gone
        with the process, however that ends.
        """,
        "`--run runs/lenet` for two runs at once",
        "`--run runs/lenet` and `--run runs/other`",
        program=False,
    ),
    Rule(
        "settings-changed",
        "A run goes on as it was begun.",
        """
        A run that is resumed gives the weights of one that was never stopped, so nothing it
        depends on may change: program, data, seed, settings. Each that differs is named. What is
        meant to differ is allowed with `--override NAME`.
        """,
        "`netlang train lenet.net --resume --set lr=0.01` of a run that began with 0.1",
        "the same with `--override lr`",
        program=False,
    ),
    Rule(
        "which-layer",
        "Weights belong to a layer of the section.",
        """
        A section may have several layers, each with a file of weights. With one layer its name
        may be left out.
        """,
        "`netlang evaluate gan.net --weights gen.safetensors`",
        "`netlang evaluate gan.net --weights gen=gen.safetensors`",
        program=False,
    ),
)
