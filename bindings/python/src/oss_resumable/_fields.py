"""How keyword arguments become fields of the C structs.

A field has its name in the header, with one exception: times have no suffix ``_ms``, and are seconds (``float``) or a
``timedelta``. ``None`` leaves a field zero, which is the default that the header documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable

from ._native import CHARS, CData, ffi, new
from ._text import encoded, encoded_path

if TYPE_CHECKING:
    from datetime import timedelta
    from typing import Union

    Seconds = Union[float, timedelta]

_ON, _OFF = 1, 2


class Field:
    """One keyword argument: sets `fields` of a struct. What must live as long as the struct is appended to `keep`."""

    __slots__ = ("fields",)

    def __init__(self, *fields: str) -> None:
        self.fields = fields

    def set(self, struct: CData, value: Any, keep: list[Any]) -> None:
        raise NotImplementedError


class Text(Field):
    __slots__ = ()

    def set(self, struct: CData, value: Any, keep: list[Any]) -> None:
        name = self.fields[0]
        data = ffi.new(CHARS, encoded(name, value))
        keep.append(data)
        setattr(struct, name, data)


class Path(Field):
    __slots__ = ()

    def set(self, struct: CData, value: Any, keep: list[Any]) -> None:
        name = self.fields[0]
        data = ffi.new(CHARS, encoded_path(name, value))
        keep.append(data)
        setattr(struct, name, data)


class Number(Field):
    """An integer, or a member of an enumeration."""

    __slots__ = ()

    def set(self, struct: CData, value: Any, keep: list[Any]) -> None:
        name = self.fields[0]
        try:
            setattr(struct, name, value)
        except (TypeError, OverflowError) as error:
            raise type(error)(f"{name}: {error}") from None


class Switch(Field):
    __slots__ = ()

    def set(self, struct: CData, value: Any, keep: list[Any]) -> None:
        if not isinstance(value, bool):
            raise TypeError(f"{self.fields[0]} must be True, False or None, not {value!r}")
        setattr(struct, self.fields[0], _ON if value else _OFF)


class Time(Field):
    __slots__ = ()

    def set(self, struct: CData, value: Any, keep: list[Any]) -> None:
        setattr(struct, self.fields[0], milliseconds(self.fields[0][: -len("_ms")], value))


class Texts(Field):
    """A list of strings and its length."""

    __slots__ = ()

    def set(self, struct: CData, value: Any, keep: list[Any]) -> None:
        name, count = self.fields
        if isinstance(value, str):
            raise TypeError(f"{name} must be a list of str, not one str")
        texts = [ffi.new(CHARS, encoded(name, text)) for text in value]
        array = ffi.new("char *[]", texts)
        keep += (texts, array)
        setattr(struct, name, array)
        setattr(struct, count, len(texts))


class Pairs(Field):
    """A mapping, or pairs of a name and a value, and its length."""

    __slots__ = ()

    def set(self, struct: CData, value: Any, keep: list[Any]) -> None:
        name, count = self.fields
        pairs = list(value.items()) if isinstance(value, Mapping) else list(value)
        array = ffi.new("oss_resumable_pair[]", len(pairs))
        for i, (key, text) in enumerate(pairs):
            strings = (ffi.new(CHARS, encoded(name, key)), ffi.new(CHARS, encoded(name, text)))
            keep.append(strings)
            array[i].name, array[i].value = strings
        keep.append(array)
        setattr(struct, name, array)
        setattr(struct, count, len(pairs))


def milliseconds(name: str, value: Seconds) -> int:
    """Seconds in milliseconds, rounded up, so that a short time is not zero. −1 and infinity are no limit."""
    seconds = value if isinstance(value, (int, float)) else value.total_seconds()
    if seconds == -1 or seconds == float("inf"):
        return -1
    if not 0 <= seconds < 2**53:
        raise ValueError(f"{name} must be a number of seconds, or -1 for no limit, not {value!r}")
    return -int(-seconds * 1000 // 1)


def filled(struct: str, fields: Mapping[str, Field], options: Mapping[str, Any], keep: list[Any]) -> CData:
    """A struct with the fields that the options name. `keep` must live as long as it is used."""
    pointer = new(struct)
    for name, value in options.items():
        if value is not None:
            try:
                field = fields[name]
            except KeyError:
                raise TypeError(f"unexpected keyword argument {name!r}") from None
            field.set(pointer, value, keep)
    return pointer


def named(*fields: Field) -> dict[str, Field]:
    """The fields by the names of their keyword arguments."""
    return {field.fields[0].removesuffix("_ms"): field for field in fields}


Callback = Callable[..., Any]
