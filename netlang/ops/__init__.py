"""Operators: importing this package registers every one."""

from netlang.ops import activation as activation
from netlang.ops import elementwise as elementwise
