"""Models of other formats as programs: read, convert to a graph, find blocks and loops, print."""
