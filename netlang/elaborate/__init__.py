"""From tree to graph: names, compile-time values, calls, loops.

Importing the package registers the rule of every kind of expression.
"""

from netlang.elaborate import arithmetic as arithmetic
from netlang.elaborate import calls as calls
from netlang.elaborate import core as core
from netlang.elaborate import expressions as expressions
from netlang.elaborate import loops as loops
from netlang.elaborate import of_data as of_data
from netlang.elaborate import of_lists as of_lists
from netlang.elaborate import of_numbers as of_numbers
from netlang.elaborate import of_tensors as of_tensors
from netlang.elaborate import of_weights as of_weights
from netlang.elaborate import watched as watched
