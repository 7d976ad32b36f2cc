"""Blocks and loops, found in a list of calls, and its text."""
