"""The process of a run, without what it loads to train: the server starts without that."""

from __future__ import annotations

import os
import signal
from multiprocessing.connection import Connection


def work(folder: str, connection: Connection) -> None:
    """Be the process of one run in a folder, until its connection ends."""
    # An interrupt from the terminal is for the server, which tells this process when to end.
    for name in ("SIGINT", "SIGHUP"):
        if (number := getattr(signal, name, None)) is not None:
            signal.signal(number, signal.SIG_IGN)
    os.chdir(folder)
    from netlang.serve.worker import answer

    answer(connection)
