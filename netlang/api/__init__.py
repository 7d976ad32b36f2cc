"""The Python interface, whose names ``netlang`` exports; the command line is built on it."""
