"""``python -m netlang``: the command line."""

from netlang.cli.entry import main

main()
