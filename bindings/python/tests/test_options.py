"""Every field of the C structs, and what becomes of its value."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import oss_resumable
from oss_resumable import enums, listing, options, prefix, request
from oss_resumable._fields import Number, Pairs, Switch, Text, Texts, Time, filled
from oss_resumable._fields import Path as PathField
from oss_resumable._native import ffi, lib

STRUCTS = {
    "oss_resumable_client_options": options.FIELDS,
    "oss_download_object_request": request.FIELDS,
    "oss_resumable_list_request": listing.FIELDS,
    "oss_resumable_prefix_request": prefix.FIELDS,
}
#: Fields that have no keyword argument; see coverage.py.
WITHOUT = {"struct_size", "user_data", "user_data_free", "progress", "reserved", "reserved2", "reserved3", "reserved4"}

FIELDS = [(struct, name) for struct, fields in STRUCTS.items() for name in fields]


@pytest.mark.parametrize("struct", STRUCTS)
def test_every_field_of_the_header_has_a_keyword_argument(struct: str) -> None:
    in_header = {name for name, _ in ffi.typeof(struct).fields}
    set_by = {field for one in STRUCTS[struct].values() for field in one.fields}
    assert in_header - set_by - WITHOUT == set()
    assert set_by - in_header == set()


def test_every_keyword_argument_is_typed() -> None:
    assert set(options.FIELDS) == (set(oss_resumable.ClientOptions.__annotations__) | {"endpoint"}) - {"credentials"}
    named = {"bucket", "key", "file_path"}
    assert set(request.FIELDS) == set(oss_resumable.DownloadOptions.__annotations__) | named


@pytest.mark.parametrize(("struct", "name"), FIELDS)
def test_the_value_of_an_argument_is_that_of_the_field(struct: str, name: str) -> None:
    field = STRUCTS[struct][name]

    def set_to(value: Any) -> Any:
        keep: list[Any] = []
        c = filled(struct, STRUCTS[struct], {name: value}, keep)
        found = getattr(c, field.fields[0])
        if isinstance(field, (Text, PathField)):
            found = ffi.string(found)
        elif isinstance(field, Texts):
            found = [ffi.string(found[i]) for i in range(getattr(c, field.fields[1]))]
        elif isinstance(field, Pairs):
            count = getattr(c, field.fields[1])
            found = [(ffi.string(found[i].name), ffi.string(found[i].value)) for i in range(count)]
        return found

    if isinstance(field, Text):
        assert set_to("käse") == "käse".encode()
    elif isinstance(field, PathField):
        assert [set_to(path) for path in ("/ä", "/ä".encode(), Path("/ä"))] == ["/ä".encode()] * 3
    elif isinstance(field, Switch):
        assert (set_to(True), set_to(False)) == (1, 2)
    elif isinstance(field, Time):
        times = (0, 0.0001, 1.5, timedelta(seconds=2), -1)
        assert [set_to(time) for time in times] == [0, 1, 1500, 2000, -1]
    elif isinstance(field, Texts):
        assert set_to(["a", "b"]) == [b"a", b"b"]
    elif isinstance(field, Pairs):
        assert set_to({"a": "b"}) == set_to([("a", "b")]) == [(b"a", b"b")]
    elif isinstance(field, Number):
        assert set_to(7) == 7
    else:
        # Callables, queues and nested structs have tests of their own.
        assert name in (
            *options._CALLABLES,
            "decryption_keys",
            "event_queue",
            "url_provider",
            "objects",
            "range_start",
            "range_end",
        )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, (0, 0, 0)),
        ({"range_start": 5}, (1, 5, -1)),
        ({"range_end": 9}, (1, 0, 9)),
        ({"range_start": 0, "range_end": 0}, (1, 0, 0)),
        ({"range_end": 0, "range_start": 0}, (1, 0, 0)),
    ],
)
def test_a_range_is_set_by_either_end(given: dict[str, int], expected: tuple[int, ...]) -> None:
    c = filled("oss_download_object_request", request.FIELDS, given, [])
    assert (c.has_range, c.range_start, c.range_end) == expected


def test_an_argument_that_is_none_leaves_the_default() -> None:
    for struct, fields in STRUCTS.items():
        c = filled(struct, fields, dict.fromkeys(fields), [])
        empty = ffi.new(struct + " *")
        empty.struct_size = ffi.sizeof(struct)
        assert bytes(ffi.buffer(c)) == bytes(ffi.buffer(empty))


#: How the constants of the header begin whose names are those of an enumeration.
ENUMS = {
    "LOG_": enums.LogLevel,
    "END_": enums.RequestEnd,
    "SIGNATURE_": enums.SignatureVersion,
    "ADDRESS_": enums.AddressStyle,
    "PROXY_": enums.ProxyScheme,
    "OVERWRITE_": enums.Overwrite,
    "BUSY_": enums.WhenBusy,
    "WRITE_MODE_": enums.WriteMode,
    "ORDER_": enums.Order,
    "PHASE_": enums.Phase,
    "EVENT_": enums.EventKind,
    "PREFIX_PHASE_": enums.PrefixPhase,
    "ENTRY_": enums.EntryKind,
    "OBJECT_": enums.ObjectOutcome,
    "PROOF_": enums.Proof,
}


def test_every_constant_of_the_header_has_its_name_and_value() -> None:
    named: dict[str, int] = {f"OSS_RESUMABLE_{code.name}": code for code in enums.Code}
    for beginning, kind in ENUMS.items():
        named.update({f"OSS_RESUMABLE_{beginning}{member.name}": member for member in kind})
    named.update({f"OSS_RESUMABLE_{name}": getattr(enums, name) for name in oss_resumable.__all__ if name.isupper()})
    header = {name: getattr(lib, name) for name in dir(lib) if name.isupper()}
    # Switches are bool, and versions are told by library_version().
    for name in ("DEFAULT", "ON", "OFF", "VERSION_MAJOR", "VERSION_MINOR", "VERSION_PATCH"):
        header.pop(f"OSS_RESUMABLE_{name}")
    assert named == header


def test_numbers_of_a_newer_library_are_accepted() -> None:
    assert enums.Phase(99) == 99
    assert enums.Phase(99).name == "UNKNOWN_99"
    with pytest.raises(ValueError, match="'x'"):
        enums.Phase("x")  # type: ignore[arg-type]


def test_everything_that_is_exported_is_documented() -> None:
    for name in oss_resumable.__all__:
        exported = getattr(oss_resumable, name)
        if isinstance(exported, int) and not isinstance(exported, type):
            continue
        assert exported.__doc__, name
        for member, value in vars(exported).items() if isinstance(exported, type) else ():
            if callable(value) and not member.startswith("_") and exported.__module__.startswith("oss_resumable"):
                assert value.__doc__, f"{name}.{member}"
