"""Rows of data for training: sources, transforms of columns, batches.

``open_batches`` turns the rows of a train section into batches; ``open_rows`` into a ``Source`` of
single rows. Everything random is drawn from a counter: the seed, the epoch, the row and the place
in the program decide it, and neither timing nor the batch a row is in.
"""

from netlang.data.batches import Batches, open_batches
from netlang.data.columns import check_classes
from netlang.data.opening import open_rows
from netlang.data.source import Epoch, Source

__all__ = ["Batches", "Epoch", "Source", "check_classes", "open_batches", "open_rows"]
