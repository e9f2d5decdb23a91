"""The file of results: what was measured, when, and on which machine."""

import json

FORMAT = 1


class ResultsError(Exception):
    """Results that do not belong into the same file."""


def merge(path, machine, rows):
    """Replaces the rows in the file by those of the same id, and keeps the others."""
    old = read(path) if path.exists() else {"machine": machine, "rows": []}
    new = {row["id"]: row for row in rows}
    kept = [row for row in old["rows"] if row["id"] not in new]
    if kept and old["machine"] != machine:
        raise ResultsError(f"the rows in {path} that were not measured now are of another machine "
                           "or of other programs; measure all, or remove the file")
    results = {"format": FORMAT, "machine": machine, "rows": kept + rows}
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")


def read(path):
    results = json.loads(path.read_text())
    if results["format"] != FORMAT:
        raise ResultsError(f"{path} has the format {results['format']}, not {FORMAT}")
    return results
