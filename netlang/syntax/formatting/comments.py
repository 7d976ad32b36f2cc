"""The comments of a file, taken in order by the nodes that are laid out."""

from __future__ import annotations

import re

from netlang.syntax import ast

_BETWEEN = re.compile(r"[ \t]*,?[ \t]*")


class Comments:
    """The comments not yet laid out; ``strays`` are those inside an expression."""

    def __init__(self, file: ast.File) -> None:
        self._text = file.source.text
        self._comments = file.comments
        self._next = 0
        self.strays: list[ast.Comment] = []

    def before(self, offset: int) -> list[ast.Comment]:
        """Take the comments that start before an offset."""
        found: list[ast.Comment] = []
        while self._next < len(self._comments):
            comment = self._comments[self._next]
            if comment.span.start >= offset:
                break
            found.append(comment)
            self._next += 1
        return found

    def stray_before(self, offset: int) -> None:
        """Take the comments before an offset, which have no line of their own there."""
        self.strays += self.before(offset)

    def trailing(self, offset: int) -> ast.Comment | None:
        """Take the comment that follows on the line of an offset."""
        if self._next >= len(self._comments):
            return None
        comment = self._comments[self._next]
        start = comment.span.start
        if start < offset or _BETWEEN.fullmatch(self._text, offset, start) is None:
            return None
        self._next += 1
        return comment

    def take_strays(self) -> list[ast.Comment]:
        """Return the stray comments, once."""
        strays, self.strays = self.strays, []
        return strays
