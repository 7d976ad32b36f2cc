"""Operators: importing this package registers every one."""

from netlang.ops import activation as activation
from netlang.ops import adaptive as adaptive
from netlang.ops import arithmetic as arithmetic
from netlang.ops import channels as channels
from netlang.ops import choice as choice
from netlang.ops import comparison as comparison
from netlang.ops import control as control
from netlang.ops import convolution as convolution
from netlang.ops import creation as creation
from netlang.ops import elementwise as elementwise
from netlang.ops import foreign as foreign
from netlang.ops import gathering as gathering
from netlang.ops import indexing as indexing
from netlang.ops import joining as joining
from netlang.ops import linear as linear
from netlang.ops import normalization as normalization
from netlang.ops import pooling as pooling
from netlang.ops import random as random
from netlang.ops import reduction as reduction
from netlang.ops import repetition as repetition
from netlang.ops import resize as resize
from netlang.ops import shape as shape
from netlang.ops import unfolding as unfolding
