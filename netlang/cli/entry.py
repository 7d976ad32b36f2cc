"""The entry point of the command line: even while it loads, Ctrl-C causes no traceback."""

from __future__ import annotations

import gc


def main() -> None:
    """Load the command line and run it."""
    # Loading makes many objects and no garbage; the collector runs again once a command is loaded.
    gc.disable()
    try:
        from netlang.cli.main import main as run

        run()
    except KeyboardInterrupt:
        import sys

        sys.stderr.write("\ninterrupted\n")
        sys.exit(130)
    finally:
        # Or else Python looks for garbage in everything that the process is about to leave.
        gc.freeze()
