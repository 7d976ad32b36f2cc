"""Text of Python: expressions, lines, and comments."""
