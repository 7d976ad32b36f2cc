"""Graphs as readable Python programs that need only NumPy."""
