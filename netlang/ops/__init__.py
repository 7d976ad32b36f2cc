"""Operators: importing this package registers every one."""

from netlang.ops import activation as activation
from netlang.ops import convolution as convolution
from netlang.ops import elementwise as elementwise
from netlang.ops import linear as linear
from netlang.ops import normalization as normalization
from netlang.ops import pooling as pooling
from netlang.ops import random as random
from netlang.ops import reduction as reduction
