"""The table of language and case."""


def text(cases, columns, results):
    """The table, with the reasons for what a language lacks below it."""
    notes = []
    rows = [["", *(column.language for column in columns)]]
    for case in cases:
        row = [case.name]
        for column in columns:
            if case.name in column.lacks:
                row.append("-")
                notes.append(f"- {column.language}, {case.name}: {column.lacks[case.name]}")
            elif column.missing:
                row.append("skipped")
            else:
                row.append("FAILED" if results[column.language, case.name] else "ok")
        rows.append(row)
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    return "\n".join([*lines, *notes])
