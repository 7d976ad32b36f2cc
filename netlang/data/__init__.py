"""Data for training: sources of examples, transforms of columns, batches.

Random numbers are derived from a counter: the seed, the epoch, the example and the position in the
program determine them, and neither timing nor the batch an example is in.
"""
