"""The fields of a message by name and kind. What nothing reads is found, and rejected."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from math import inf, isfinite
from typing import NoReturn

from netlang.diagnostics.source import Span
from netlang.diagnostics.suggestions import did_you_mean, nearest
from netlang.importing.caffe.text import Field, Message, PrototxtError, Scalar, shown

_MOST = (1 << 31) - 1
"""The largest integer, and the most elements of a tensor, of Caffe."""


class Fields:
    """A message, and which of its fields were read.

    As in protocol buffers, the last of several fields that may occur once counts.
    """

    def __init__(self, message: Message | None, name: str, at: Span) -> None:
        self.name = name
        """What the message is, for errors: `convolution_param`."""
        self.at = at
        self._known: set[str] = set()
        self._by_name: dict[str, list[Field]] = {}
        for field in message.fields if message is not None else ():
            self._by_name.setdefault(field.name, []).append(field)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def all(self, name: str) -> list[Field]:
        self._known.add(name)
        return self._by_name.get(name, [])

    def last(self, name: str) -> Field | None:
        found = self.all(name)
        return found[-1] if found else None

    def span(self, name: str) -> Span:
        """Return where a field is, or the message where it lacks the field."""
        field = self.last(name)
        return self.at if field is None else field.span

    def skip(self, *names: str) -> None:
        """Note fields without a meaning for the network."""
        self._known.update(names)

    # ---- messages ------------------------------------------------------------------------

    def message(self, name: str) -> Fields:
        """Return a message inside of this one; several are one, as protocol buffers merge them."""
        fields = [inner for f in self.all(name) for inner in self._inner(f).fields]
        return Fields(Message(tuple(fields), self.span(name), 1), name, self.span(name))

    def messages(self, name: str) -> list[Fields]:
        return [Fields(self._inner(f), name, f.span) for f in self.all(name)]

    def _inner(self, field: Field) -> Message:
        if isinstance(field.value, Message):
            return field.value
        self.reject(field, "must be a message", f"write `{field.name} {{ ... }}`")

    # ---- scalars -------------------------------------------------------------------------

    def text(self, name: str, default: str = "") -> str:
        field = self.last(name)
        return default if field is None else self._scalar(field).text

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(self._scalar(f).text for f in self.all(name))

    def word(self, name: str, allowed: Collection[str], default: str) -> str:
        """Return one of several words; a number counts them, as in the binary format."""
        field = self.last(name)
        if field is None:
            return default
        text = self._scalar(field).text
        listed = list(allowed)
        if text.isdecimal() and int(text) < len(listed):
            return listed[int(text)]
        if text not in allowed:
            self.reject(field, f"must be {_listed(listed)}", *did_you_mean(text, listed))
        return text

    def flag(self, name: str, default: bool) -> bool:
        return self.word(name, ("false", "true"), str(default).lower()) == "true"

    def number(self, name: str, default: float, *, least: float = -inf) -> float:
        field = self.last(name)
        return default if field is None else self._number(field, least)

    def numbers(self, name: str) -> list[float]:
        return [self._number(f, -inf) for f in self.all(name)]

    def whole(self, name: str, default: int | None = None, *, least: int = 0) -> int:
        """Return an integer; a field without a default must be there."""
        field = self.last(name)
        if field is not None:
            return self._whole(field, least)
        if default is None:
            near = nearest(name, (f.name for f in self.unread()))
            meant = f"add `{name}: ...`" if near is None else f"is `{near}` meant to be `{name}`?"
            raise PrototxtError(f"`{self.name}` lacks `{name}`", self.at, helps=[meant])
        return default

    def wholes(self, name: str, *, least: int = 0) -> list[int]:
        return [self._whole(f, least) for f in self.all(name)]

    def _scalar(self, field: Field) -> Scalar:
        if isinstance(field.value, Scalar):
            return field.value
        self.reject(field, "must be a single value", f"write `{field.name}: ...`")

    def _number(self, field: Field, least: float) -> float:
        text = self._scalar(field).text
        try:
            number = float(text.rstrip("fF")) if text[:2].lower() != "0x" else float(int(text, 16))
        except (ValueError, OverflowError):
            self.reject(field, "must be a number")
        if not isfinite(number):
            self.reject(field, "must be a finite number")
        if number < least:
            self.reject(field, f"must be at least {least:g}")
        return number

    def _whole(self, field: Field, least: int) -> int:
        number = self._number(field, -inf)
        if number != int(number) or abs(number) > _MOST:
            self.reject(field, "must be an integer of 32 bits")
        if number < least:
            self.reject(field, f"must be at least {least}")
        return int(number)

    # ---- errors --------------------------------------------------------------------------

    def reject(self, field: Field, must: str, *helps: str) -> NoReturn:
        value = field.value
        at = value.span if isinstance(value, Scalar) else field.span
        label = f"this is `{shown(value.text)}`" if isinstance(value, Scalar) else ""
        raise PrototxtError(f"`{shown(field.name)}` {must}", at, label, helps=helps)

    def unread(self) -> Iterator[Field]:
        """Return the fields that nothing has read."""
        for name, found in self._by_name.items():
            if name not in self._known:
                yield from found

    def reject_unread(self, what: str) -> None:
        """Reject a field that nothing has read: the network would be another one."""
        for field in self.unread():
            raise PrototxtError(
                f"`{shown(field.name)}` of {what} is unknown", field.span,
                helps=did_you_mean(field.name, sorted(self._known)),
            )  # fmt: skip


def _listed(words: Sequence[str]) -> str:
    return " or ".join(f"`{word}`" for word in words)
