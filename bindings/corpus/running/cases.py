"""The cases, read from cases.json."""

import json
import re
from dataclasses import dataclass, field, fields
from pathlib import Path

FILE = Path(__file__).resolve().parent.parent / "cases.json"
UNITS = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "KB": 10**3, "MB": 10**6}


def size(text):
    """The number of bytes in a size such as 64KiB or 20MB, as local-oss reads it."""
    found = re.fullmatch(r"(\d+)([A-Za-z]*)", str(text))
    if not found or found.group(2) not in UNITS:
        raise ValueError(f"'{text}' is not a size")
    return int(found.group(1)) * UNITS[found.group(2)]


@dataclass
class Run:
    """One run of the program."""

    arguments: dict = field(default_factory=dict)
    meanwhile: dict = field(default_factory=dict)
    expect: dict = field(default_factory=dict)


@dataclass
class Case:
    """One case: a server, and runs of the program one after another. README.md describes the fields."""

    name: str
    runs: list
    kind: str = "object"
    size: str = "1MiB"
    seed: int = 7
    server: list = field(default_factory=list)
    server_key: list = field(default_factory=lambda: ["id", "secret"])
    program_key: list = field(default_factory=lambda: ["id", "secret"])
    keys: list = field(default_factory=list)
    urls: list = field(default_factory=list)
    objects: int = 0
    folder: dict = field(default_factory=dict)
    tls: bool = False
    old_file: bool = False
    full_disk: bool = False

    def __post_init__(self):
        self.runs = [Run(**run) for run in self.runs]
        for run in self.runs:
            unknown = set(run.expect) - {"exit", "lines", "each", "end", "file", "left", "requests"}
            if unknown or not run.expect and not run.meanwhile:
                raise ValueError(f"{self.name}: it expects nothing, or something unknown: {sorted(unknown)}")


def load(parts=None):
    """All cases, or those whose names contain one of the parts."""
    described = json.loads(FILE.read_text())
    known = {one.name for one in fields(Case)}
    for case in described:
        if unknown := set(case) - known:
            raise ValueError(f"{case.get('name')}: unknown fields {sorted(unknown)}")
    cases = [Case(**case) for case in described]
    if len({case.name for case in cases}) < len(cases):
        raise ValueError("two cases have the same name")
    return [case for case in cases if not parts or any(part in case.name for part in parts)]
