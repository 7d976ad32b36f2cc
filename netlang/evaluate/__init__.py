"""From tree to graph: names, compile-time values, calls, loops.

Importing the package registers the rule of every kind of expression.
"""

from netlang.evaluate import arithmetic as arithmetic
from netlang.evaluate import evaluate as evaluate
from netlang.evaluate import expressions as expressions
from netlang.evaluate import loops as loops
from netlang.evaluate.builtins import callbacks as callbacks
from netlang.evaluate.builtins import class_weights as class_weights
from netlang.evaluate.builtins import data as data
from netlang.evaluate.builtins import lists as lists
from netlang.evaluate.builtins import numbers as numbers
from netlang.evaluate.builtins import tensors as tensors
from netlang.evaluate.builtins import weights as weights
from netlang.evaluate.calls import calls as calls
