"""The programs of the corpus, one for each language: a directory with a file program.json."""

import json
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

from . import cases


@dataclass
class Program:
    """How the program of a language is run. README.md describes the fields."""

    language: str
    run: list
    tools: list = field(default_factory=list)
    files: list = field(default_factory=list)
    built_by: str = ""
    environment: dict = field(default_factory=dict)
    lacks: dict = field(default_factory=dict)

    def place(self, places):
        """Replaces the names of places in paths."""

        def placed(text):
            return text.format(python=sys.executable, **places)

        self.run = [placed(part) for part in self.run]
        self.files = [placed(part) for part in self.files]
        self.environment = {name: placed(text) for name, text in self.environment.items()}

    @property
    def missing(self):
        """What is missing to run the program; None if nothing is."""
        for tool in self.tools:
            if not shutil.which(tool):
                return f"{tool} is not installed"
        for file in [self.run[0], *self.files]:
            if not shutil.which(file) and not Path(file).exists():
                return f"{file} is not there: {self.built_by} builds it"
        return None


def load(folder, languages, places):
    """The programs of all languages below a folder, or of those named."""
    names = {case.name for case in cases.load()}
    programs = []
    for file in sorted(folder.glob("*/program.json")):
        program = Program(**json.loads(file.read_text()))
        if unknown := set(program.lacks) - names:
            raise ValueError(f"{file}: there is no case {sorted(unknown)}")
        program.place(places)
        programs.append(program)
    programs.sort(key=lambda program: program.language.lower())
    return [program for program in programs if not languages or program.language in languages]
