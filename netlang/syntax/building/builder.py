"""Builds the tree while the text is parsed: one method for each rule of the grammar.

Each method takes the parts of its rule, punctuation included, and returns a node. Nothing here
walks a tree, so neither a chain of 100,000 terms nor deep nesting reaches Python's recursion limit.
"""

from __future__ import annotations

from netlang.syntax.building.definitions import DefinitionBuilder
from netlang.syntax.building.expressions import ExpressionBuilder
from netlang.syntax.building.statements import StatementBuilder
from netlang.syntax.building.tokens import TokenBuilder


class Builder(TokenBuilder, ExpressionBuilder, StatementBuilder, DefinitionBuilder):
    """Builds the nodes of one text at a time."""
