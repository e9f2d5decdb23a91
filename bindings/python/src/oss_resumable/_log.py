"""Log lines of the library and tracebacks of callables, for the logger ``oss_resumable``.

``logging`` is imported when there is something to log: until then nothing can listen.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from .enums import LogLevel

if TYPE_CHECKING:
    from logging import Logger

NAME = "oss_resumable"
# Levels of `logging` for those of the library.
_LEVELS = {LogLevel.ERROR: 40, LogLevel.WARN: 30, LogLevel.INFO: 20, LogLevel.DEBUG: 10}


def logger() -> Logger:
    """The package's logger. Without a handler of the program, its lines go nowhere."""
    import logging

    found = logging.getLogger(NAME)
    if not found.handlers:
        found.addHandler(logging.NullHandler())
    return found


def line(level: int, message: str) -> None:
    """Logs a line of the library."""
    logger().log(_LEVELS.get(LogLevel(level), 40), "%s", message)


def exception(what: str, raised: BaseException) -> None:
    """Logs what a callable of the program has raised, with its traceback."""
    logger().error("%s", what, exc_info=raised)


def wanted_level() -> LogLevel:
    """The most verbose level for which the logger is enabled now."""
    effective = logger().getEffectiveLevel() if "logging" in sys.modules else _LEVELS[LogLevel.WARN]
    return max((level for level, number in _LEVELS.items() if number >= effective), default=LogLevel.ERROR)
