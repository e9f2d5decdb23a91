#!/usr/bin/env python3
"""Prints what this package wraps of the C header, in the form that bindings/header/README.md describes.

Fields and functions have the types that cffi knows. A field of a struct that is passed in is wrapped if a keyword
argument sets it, one of a struct that the library fills in if the package reads it, and a function if the package calls
it.
"""

import ast
import importlib.util
import inspect
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# Made by test.sh.
PYTHON = ROOT / "build/bindings/python/venv/bin/python"
SKIPPED = 77

# The classes of `enums` by what the names of their numbers begin with in C.
ENUMERATIONS = {
    "Code": "",
    "LogLevel": "LOG_",
    "RequestEnd": "END_",
    "SignatureVersion": "SIGNATURE_V",
    "AddressStyle": "ADDRESS_",
    "ProxyScheme": "PROXY_",
    "Overwrite": "OVERWRITE_",
    "WhenBusy": "BUSY_",
    "WriteMode": "WRITE_MODE_",
    "Order": "ORDER_",
    "Phase": "PHASE_",
    "EventKind": "EVENT_",
    "PrefixPhase": "PREFIX_PHASE_",
    "EntryKind": "ENTRY_",
    "ObjectOutcome": "OBJECT_",
    "Proof": "PROOF_",
}

EXCEPTIONS = {
    "*.struct_size": "the package sets it",
    "*.reserved*": "it must be zero",
    "oss_resumable_client_options.user_data": "the package passes on its own callables with it",
    "oss_resumable_client_options.user_data_free": "the package passes on its own callables with it",
    "oss_download_object_request.progress": "Download.wait calls `progress` itself, so that it can raise",
    "oss_download_object_request.user_data": "it belongs to `progress`",
    "oss_download_object_request.user_data_free": "it belongs to `progress`",
    "oss_resumable_download_object": "Client.download starts and waits, so that Ctrl-C ends it",
    "oss_resumable_download_prefix": "Client.download_prefix starts and waits, so that Ctrl-C ends it",
    "OSS_RESUMABLE_VERSION_*": "the library is a part of the package",
    "OSS_RESUMABLE_DEFAULT": "None leaves a field zero",
}


def run_in_environment():
    """Runs this program with the Python that has the package."""
    if importlib.util.find_spec("oss_resumable"):
        return
    if not PYTHON.exists() or Path(sys.prefix) == PYTHON.parent.parent:
        print("the package is not built: bindings/python/test.sh builds it", file=sys.stderr)
        sys.exit(SKIPPED)
    os.execv(PYTHON, [PYTHON, __file__])


def trees(package):
    """The syntax trees of the package's modules, by name."""
    folder = Path(package.__file__).parent
    return {
        file.stem: ast.parse(file.read_text(encoding="utf-8"))
        for file in folder.glob("*.py")
        if file.stem != "_declarations"
    }


def called(modules, lib, ffi):
    """The functions that the package calls, with their types."""
    names = {
        node.attr
        for tree in modules.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("lib", "_lib")
    }
    types = {name: ffi.typeof(getattr(lib, name)) for name in names if hasattr(lib, name)}
    return {
        name: {"returns": function.result.cname, "parameters": [one.cname for one in function.args]}
        for name, function in types.items()
    }


def keywords(function):
    """The arguments of a function with their defaults, those of its `**options` included."""
    import oss_resumable

    found = {}
    for one in inspect.signature(function).parameters.values():
        if one.kind is one.VAR_KEYWORD:
            typed = getattr(oss_resumable, one.annotation.removeprefix("Unpack[").removesuffix("]"))
            found.update(dict.fromkeys(typed.__annotations__))
        else:
            found[one.name] = None if one.default is one.empty else one.default
    return found


def passed_in(ffi):
    """The structs that keyword arguments fill, and the fields that have other names."""
    from oss_resumable import Client, listing, options, prefix, request

    structs, renamed = {}, {}
    for struct, fields, function in (
        ("oss_resumable_client_options", options.FIELDS, Client.__init__),
        ("oss_download_object_request", request.FIELDS, Client.start),
        ("oss_resumable_list_request", listing.FIELDS, Client.list_objects),
        ("oss_resumable_prefix_request", prefix.FIELDS, Client.start_prefix),
    ):
        arguments = keywords(function)
        types = dict(ffi.typeof(struct).fields)
        structs[struct] = entries = {}
        for name, field in fields.items():
            if name not in arguments:
                continue
            for c_name in field.fields:
                entries[c_name] = {"type": types[c_name].type.cname}
            c_name = field.fields[0]
            entries[c_name].update(name=name, default=arguments[name])
            # The suffix is the unit of C; times are seconds here.
            if c_name == f"{name}_ms":
                renamed[f"{struct}.{c_name}"] = name
    return structs, renamed


def filled_in(modules, ffi):
    """The structs that functions of the modules of records copy, and those of lists, with the fields that are used."""
    structs = {}
    for function in [*modules["records"].body, *modules["prefix_records"].body]:
        if isinstance(function, ast.FunctionDef) and function.args.args[0].arg == "c":
            structs[f"oss_resumable_{function.name}"] = {
                node.attr
                for node in ast.walk(function)
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "c"
            }
    assigned = {
        node.attr
        for tree in modules.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Subscript)
    }
    for struct in ("oss_resumable_pair", "oss_resumable_decryption_key"):
        structs[struct] = {name for name, _ in ffi.typeof(struct).fields} & assigned
    return {
        struct: {name: {"type": field.type.cname} for name, field in ffi.typeof(struct).fields if name in used}
        for struct, used in structs.items()
    }


def constants(enums, fields):
    """The numbers that have names in the package, by their names in C."""
    found = {
        f"OSS_RESUMABLE_{prefix}{member.name.removeprefix('V') if prefix.endswith('_V') else member.name}": int(member)
        for name, prefix in ENUMERATIONS.items()
        for member in getattr(enums, name)
    }
    found.update({f"OSS_RESUMABLE_{name}": value for name, value in vars(enums).items() if type(value) is int})
    return {**found, "OSS_RESUMABLE_ON": fields._ON, "OSS_RESUMABLE_OFF": fields._OFF}


def main():
    """Prints it as JSON."""
    run_in_environment()
    import oss_resumable
    from oss_resumable import _fields, enums
    from oss_resumable._native import ffi, lib

    modules = trees(oss_resumable)
    structs, renamed = passed_in(ffi)
    print(
        json.dumps(
            {
                "binding": "Python",
                "exceptions": EXCEPTIONS,
                "renamed": renamed,
                "structs": {**structs, **filled_in(modules, ffi)},
                "functions": called(modules, lib, ffi),
                "constants": constants(enums, _fields),
            }
        )
    )


if __name__ == "__main__":
    main()
