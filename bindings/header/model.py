"""What the C header declares."""

import re
from dataclasses import dataclass, field

from . import clang

UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


@dataclass
class Field:
    """A field of a struct."""

    name: str
    type: str
    comment: str
    # What zero means, as far as the comment says it in a way that a program understands: a number, True or False.
    default: object


@dataclass
class Header:
    """Everything that a binding can offer or forget."""

    structs: dict = field(default_factory=dict)
    functions: dict = field(default_factory=dict)
    constants: dict = field(default_factory=dict)
    callbacks: dict = field(default_factory=dict)

    def canonical(self, type):
        """A type as one text in all spellings that mean the same to the machine: without const, struct and names that
        the header gives to other types."""
        text = re.sub(r"\b(const|struct)\b", " ", type)
        for name, meaning in self.callbacks.items():
            text = re.sub(rf"\b{name}\b", meaning, text)
        text = re.sub(r"\boss_resumable_code\b", "int32_t", re.sub(r"\b(const|struct)\b", " ", text))
        return re.sub(r"\s+", " ", re.sub(r"\s*([*(),])\s*", r"\1", text)).strip()


def read(path):
    """Reads a header."""
    header = Header()
    read_constants(path, header)
    for node in clang.c_tree(path):
        name = node.get("name", "")
        if not name.startswith("oss_"):
            continue
        if node["kind"] == "RecordDecl" and node.get("completeDefinition"):
            header.structs[name] = {
                found["name"]: read_field(found, header.constants)
                for found in node["inner"]
                if found["kind"] == "FieldDecl"
            }
        elif node["kind"] == "FunctionDecl":
            header.functions[name] = signature(node)
        elif node["kind"] == "TypedefDecl" and "(*)" in node["type"]["qualType"]:
            header.callbacks[name] = node["type"]["qualType"]
    if not (header.structs and header.functions and header.constants):
        raise RuntimeError(f"{path} declares nothing")
    return header


def read_constants(path, header):
    for name, body in clang.macros(path).items():
        # The initialisers of structs and the include guard are no constants.
        if name.startswith("OSS_") and re.fullmatch(r"-?\d+", body):
            header.constants[name] = int(body)
        elif name.startswith("OSS_") and body and not name.endswith("_INIT"):
            raise RuntimeError(f"{name} is '{body}', which is not understood")


def read_field(node, constants):
    text = clang.comment(node)
    return Field(node["name"], node["type"]["qualType"], text, default_in(text, constants))


def signature(node):
    """The types of a function: its result, then its parameters, with their names."""
    parameters = {
        found["name"]: found["type"]["qualType"] for found in node.get("inner", []) if found["kind"] == "ParmVarDecl"
    }
    return {"returns": node["type"]["qualType"].split("(")[0].strip(), "parameters": parameters}


def default_in(comment, constants):
    """The default that the comment of a field states: `default (on)`, `0: 5000` or `0: ::OSS_RESUMABLE_…`."""
    if switch := re.search(r"default \((on|off)[,):]", comment):
        return switch.group(1) == "on"
    if number := re.search(r"\b0: (\d+)(?: ([KMG]iB))?\b", comment):
        return int(number.group(1)) * UNITS.get(number.group(2), 1)
    if named := re.search(r"\b0: ::(\w+)", comment):
        return constants[named.group(1)]
    return 0 if re.search(r"\b0: (no limit|the default)", comment) else None
