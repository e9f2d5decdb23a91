"""The file of results: what was measured, when, and on which machine."""

import json
import re

FORMAT = 1


class ResultsError(Exception):
    """Results that cannot be read, or that do not belong into one file."""


def to_keep(path, machine):
    """The rows in the file, some of which will be replaced by others of the same machine."""
    if not path.exists():
        return []
    results = read(path)
    if results["machine"] != machine:
        raise ResultsError(f"{path} has rows of another machine or of other programs; measure all "
                           "cases, or name another file")
    return results["rows"]


def write(path, machine, kept, rows):
    """Writes the kept rows and the new ones. A new row takes the place of the kept one with its id."""
    new = {row["id"]: row for row in rows}
    kept = [new.pop(row["id"], row) for row in kept]
    path.write_text(as_text({"format": FORMAT, "machine": machine, "rows": kept + list(new.values())}))


def read(path):
    results = json.loads(path.read_text())
    if results["format"] != FORMAT:
        raise ResultsError(f"{path} has the format {results['format']}, not {FORMAT}")
    return results


def as_text(results):
    """JSON with each list or object of numbers on one line."""
    text = json.dumps(results, indent=1, ensure_ascii=False)
    return re.sub(r"[\[{]\s+[^\[\]{}]*[\]}]", one_line, text) + "\n"


def one_line(found):
    joined = " ".join(found[0].split())
    return joined if len(joined) < 120 else found[0]
