"""Where a process of the command line begins: even while it loads, Ctrl-C is no traceback."""

from __future__ import annotations

import gc


def main() -> None:
    """Load the command line and run it."""
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
