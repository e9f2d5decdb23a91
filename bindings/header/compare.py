"""Compares what a binding wraps with what the header declares; README.md describes how bindings say it."""

import fnmatch
import re

SPELLINGS = {
    "snake_case": lambda name: name,
    "camelCase": lambda name: re.sub(r"_(\w)", lambda letter: letter.group(1).upper(), name),
    "PascalCase": lambda name: re.sub(r"(?:^|_)(\w)", lambda letter: letter.group(1).upper(), name),
}


def problems(header, coverage):
    """What a binding lacks or has otherwise, as a list of sentences; each begins with the name that it is about."""
    exceptions = Exceptions(coverage.get("exceptions", {}))
    found = [
        *fields(header, coverage, exceptions),
        *functions(header, coverage, exceptions),
        *constants(header, coverage, exceptions),
    ]
    return found + exceptions.problems()


class Exceptions:
    """What a binding does not wrap, with the reasons: names, `struct.field`, or patterns with `*`."""

    def __init__(self, reasons):
        self.reasons = reasons
        self.used = set()

    def allow(self, name):
        matching = [pattern for pattern in self.reasons if fnmatch.fnmatchcase(name, pattern)]
        self.used.update(matching)
        return bool(matching)

    def problems(self):
        without = [f"{name}: the exception has no reason" for name, reason in self.reasons.items() if len(reason) < 10]
        return without + [f"{name}: the exception is for nothing" for name in self.reasons if name not in self.used]


def fields(header, coverage, exceptions):
    wrapped = coverage.get("structs", {})
    renamed = coverage.get("renamed", {})
    spelling = SPELLINGS[coverage.get("spelling", "snake_case")]
    for struct, declared in header.structs.items():
        for name, field in declared.items():
            full = f"{struct}.{name}"
            entry = wrapped.get(struct, {}).get(name)
            if entry is None:
                if not exceptions.allow(full):
                    yield f"{full}: the binding lacks it"
                continue
            yield from field_differences(header, full, field, entry, renamed, spelling)
    for struct, entries in wrapped.items():
        for name in entries:
            if name not in header.structs.get(struct, {}):
                yield f"{struct}.{name}: the header does not have it"


def field_differences(header, full, field, entry, renamed, spelling):
    if "type" in entry and header.canonical(entry["type"]) != header.canonical(field.type):
        yield f"{full}: its type is '{field.type}' and not '{entry['type']}'"
    expected = renamed.get(full, spelling(field.name))
    if entry.get("name", expected) != expected:
        yield f"{full}: the binding calls it {entry['name']} and not {expected}"
    default = entry.get("default")
    if default is not None and (type(default) is not type(field.default) or default != field.default):
        yield f"{full}: its default is {field.default} and not {default}"


def functions(header, coverage, exceptions):
    wrapped = coverage.get("functions", {})
    for name, declared in header.functions.items():
        if name not in wrapped:
            if not exceptions.allow(name):
                yield f"{name}: the binding lacks it"
            continue
        entry = wrapped[name]
        if "returns" in entry and header.canonical(entry["returns"]) != header.canonical(declared["returns"]):
            yield f"{name}: it returns '{declared['returns']}' and not '{entry['returns']}'"
        if "parameters" in entry:
            wanted = [header.canonical(type) for type in declared["parameters"].values()]
            if [header.canonical(type) for type in entry["parameters"]] != wanted:
                yield f"{name}: its parameters are {wanted} and not {entry['parameters']}"
    for name in wrapped:
        if name not in header.functions:
            yield f"{name}: the header does not have it"


def constants(header, coverage, exceptions):
    wrapped = coverage.get("constants", {})
    for name, value in header.constants.items():
        if name not in wrapped:
            if not exceptions.allow(name):
                yield f"{name}: the binding lacks it"
        elif wrapped[name] != value:
            yield f"{name}: its value is {value} and not {wrapped[name]}"
    for name in wrapped:
        if name not in header.constants:
            yield f"{name}: the header does not have it"
