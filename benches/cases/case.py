"""What a case is."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """A group of rows that are measured together."""

    name: str
    summary: str
    rows: tuple  # the ids of the rows that `run` makes
    run: Callable  # takes a Setup, returns Rows
    unless: Callable = lambda: None  # why it does not run on this machine unless asked for by name
