"""Data for training: sources of examples, transforms of columns, batches.

Everything random is drawn from a counter: the seed, the epoch, the example and the place in the
program decide it, and neither timing nor the batch an example is in.
"""
