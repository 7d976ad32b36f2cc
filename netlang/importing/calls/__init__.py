"""The nodes of a graph as calls of the language."""
