"""The costs and receptive fields of a graph, computed from types alone."""
