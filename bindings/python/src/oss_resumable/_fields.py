"""How keyword arguments become fields of the C structs.

A field has its name in the header, with one exception: times have no suffix ``_ms``, and are seconds (``float``) or a
``timedelta``. ``None`` leaves a field zero, which is the default that the header documents.

A wrong type is a ``TypeError`` and a value that the C type does not have a ``ValueError``; both name the argument. They
show numbers at most, because a text may be a secret.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Callable, Union

from ._native import CHARS, CData, ffi, new
from ._text import encoded, encoded_path

Seconds = Union[float, timedelta]

_ON, _OFF = 1, 2
_SHOWN_BITS = 128


def wrong_type(name: str, expected: str, value: object) -> TypeError:
    """The error for an argument of a wrong type."""
    return TypeError(f"{name} must be {expected}, not {type(value).__name__}")


def integer(name: str, value: Any, kind: CData) -> int:
    """An ``int``, or what stands for one, such as a member of an enumeration, that the C type `kind` has."""
    try:
        number = operator.index(value)
    except TypeError:
        raise wrong_type(name, "an int", value) from None
    if isinstance(value, bool):
        raise wrong_type(name, "an int", value)
    if int(ffi.cast(kind, number)) != number:
        raise ValueError(f"{name} is out of range: {_shown(number)}")
    return number


def milliseconds(name: str, value: Seconds | None) -> int:
    """Seconds in milliseconds, rounded up, so that a short time is not zero. ``None`` and −1 are no limit: −1.

    0 is 0: a wait does not wait, and a field of a struct has its default.
    """
    if value is None:
        return -1
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        seconds = value
    else:
        raise wrong_type(name, "a number of seconds or a timedelta", value)
    if seconds == -1:
        return -1
    # False for NaN, too.
    if not 0 <= seconds < 2**53:
        raise ValueError(f"{name} must be a number of seconds, or -1 for no limit, not {_shown(seconds)}")
    return -int(-seconds * 1000 // 1)


def callable_of(name: str, value: Any, or_else: str = "") -> Callable[..., Any]:
    """The value, which must be a callable, and none that would have to be awaited."""
    if not callable(value):
        raise wrong_type(name, f"{or_else}a callable", value)
    # Few programs have callables, and `inspect` is large.
    from inspect import iscoroutinefunction

    if iscoroutinefunction(value) or iscoroutinefunction(type(value).__call__):
        raise TypeError(f"{name} must not be a coroutine function: nothing awaits it")
    return value  # type: ignore[no-any-return]


def items(name: str, value: Any, expected: str) -> list[Any]:
    """The items of a list or another iterable. A text is not meant to be one."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise wrong_type(name, expected, value)
    return list(value)


def _shown(number: float) -> str:
    """A number for a message: Python refuses to write very large ones."""
    return str(number) if isinstance(number, float) or number.bit_length() <= _SHOWN_BITS else "a very large number"


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

    __slots__ = ("_kind",)

    def __init__(self, *fields: str) -> None:
        super().__init__(*fields)
        self._kind: CData = None

    def set(self, struct: CData, value: Any, keep: list[Any]) -> None:
        name = self.fields[0]
        if self._kind is None:
            self._kind = dict(ffi.typeof(struct).item.fields)[name].type
        setattr(struct, name, integer(name, value, self._kind))


class Switch(Field):
    __slots__ = ()

    def set(self, struct: CData, value: Any, keep: list[Any]) -> None:
        if not isinstance(value, bool):
            raise wrong_type(self.fields[0], "True, False or None", value)
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
        texts = [
            ffi.new(CHARS, encoded(f"{name}[{i}]", text)) for i, text in enumerate(items(name, value, "a list of str"))
        ]
        array = ffi.new("char *[]", texts)
        keep += (texts, array)
        setattr(struct, name, array)
        setattr(struct, count, len(texts))


class Pairs(Field):
    """A mapping, or pairs of a name and a value, and its length."""

    __slots__ = ()

    def set(self, struct: CData, value: Any, keep: list[Any]) -> None:
        name, count = self.fields
        expected = "a mapping, or pairs of a name and a value"
        pairs = items(name, value.items() if isinstance(value, Mapping) else value, expected)
        array = ffi.new("oss_resumable_pair[]", len(pairs))
        for i, pair in enumerate(pairs):
            # A text of two characters is not meant to be a pair.
            if not isinstance(pair, (tuple, list)) or len(pair) != 2:  # noqa: PLR2004
                raise TypeError(f"{name} must be {expected}")
            key, text = pair
            strings = (ffi.new(CHARS, encoded(f"{name}[{i}]", key)), ffi.new(CHARS, encoded(f"{name}[{i}]", text)))
            keep.append(strings)
            array[i].name, array[i].value = strings
        keep.append(array)
        setattr(struct, name, array)
        setattr(struct, count, len(pairs))


def filled(struct: str, fields: Mapping[str, Field], options: Mapping[str, Any], keep: list[Any]) -> CData:
    """A struct with the fields that the options name. `keep` must live as long as it is used."""
    pointer = new(struct)
    for name, value in options.items():
        field = fields.get(name)
        if field is None:
            raise TypeError(f"unexpected keyword argument {name!r}")
        if value is not None:
            field.set(pointer, value, keep)
    return pointer


def named(*fields: Field) -> dict[str, Field]:
    """The fields by the names of their keyword arguments."""
    return {field.fields[0].removesuffix("_ms"): field for field in fields}
