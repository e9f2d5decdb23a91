#!/usr/bin/env python3
"""Makes docs/benchmarks.md and docs/benchmarks.svg from docs/benchmarks.json.

Files docs/benchmarks-NAME.json, of other machines, get a section each.
"""

import statistics
from pathlib import Path

import chart
import results
from comparing import OURS, comparison_from_json
from contenders import is_floor
from printing import in_unit, spread

DOCS = Path(__file__).resolve().parent.parent / "docs"
RESULTS = DOCS / "benchmarks.json"
NOTES = Path(__file__).resolve().parent / "notes.md"

INTRODUCTION = """\
# Benchmarks

`make bench` measures the library side by side with other programs that do the same work. This page is made from the
results, [benchmarks.json](benchmarks.json), by `benches/report.py`; do not edit it.

- Everything that is compared ran in turn, in several rounds, after a round that was not measured and whose files were
  compared with the object. Each figure is a ratio of medians, or a median, with the smallest and the largest of a
  round in parentheses.
- The *floor* is the best of eight programs that only call `recv` and `pwrite`: with reads of 64 KiB to 4 MiB, in one
  loop or in a thread for each connection (`benches/floor.c`). It computes no checksum and verifies nothing.
- *Wanted* is what the library's design asks for.
- Client and server share the processors.
"""

COMMANDS = """\
## Commands

| | |
|---|---|
| `make bench` | measures everything that this machine can, and prints it |
| `make bench ARGS="--case tls --rounds 9"` | one case, in more rounds |
| `make bench ARGS="--baseline OTHER/build"` | beside an earlier version, on which `make bench` has run |
| `make bench ARGS=--quick` | only whether everything runs |
| `make bench ARGS=--publish` | measures everything and writes this page: about ten minutes |
| `make bench ARGS="--case many-cores --json docs/benchmarks-16-cores.json"`, then `benches/report.py` \
| on a machine with 16 processors: adds a section to this page |

The case `many-cores` takes the options `--size 4GiB`, `--connections 8,16,32` and `--workers 4` (of nginx; by default a
quarter of the processors).
`ALIBABACLOUD_OSS_ROOT` names the prefix of an installed OSS C++ SDK 1.10, which then takes part. `aria2c` takes part
if it is installed. `make bench ARGS=--help` lists all options.
"""


def notes():
    """The explanations by the id of their row."""
    sections = NOTES.read_text().split("\n## ")[1:]
    pairs = (section.split("\n", 1) for section in sections)
    return {row.strip(): " ".join(text.split()) for row, text in pairs}


def comparisons(row):
    return [comparison_from_json(read) for read in row["comparisons"]]


def table(head, lines):
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for cells in lines:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def wanted(comparison):
    if comparison.limit is None:
        return ""
    limit = f"≤ {in_unit(comparison.limit, comparison.unit)}"
    return f"**{limit}: missed**" if comparison.missed else f"{limit}: reached"


def result_lines(rows):
    """A line for each comparison; the work is told in the first one of its row."""
    for row in rows:
        work = f"**{row['id']}**: {row['work']}"
        if row["skipped"]:
            yield work, "", "", f"not measured: {row['skipped']}", ""
        for compared in comparisons(row):
            others = (f"{name} {spread(figure, compared.unit)}"
                      for name, figure in compared.figures.items() if name != compared.by)
            ours = compared.figures[compared.by]
            over = f" / {compared.yardstick}" if compared.yardstick else ""
            yield (work, compared.what + over, wanted(compared), spread(ours, compared.unit),
                   "<br>".join(others))
            work = ""


def remarks(rows, explained):
    for row in rows:
        if row["id"] in explained:
            yield f"- **{row['id']}**: {explained[row['id']]}"
        for name, why in row["left_out"].items():
            yield f"- **{row['id']}**, no figure of {name}: {why}"


def cost_lines(rows):
    """What each program took. Of the floors only those that are the best of their row in something."""
    for row in rows:
        floors = {name: runs for name, runs in row["runs"].items() if is_floor(name)}
        shown = {min(floors, key=lambda name: statistics.median(floors[name][what]))
                 for what in ("wall", "cpu") if floors}
        for name, runs in row["runs"].items():
            if name in floors and name not in shown:
                continue
            yield row["id"], name, *(median_of(runs[what], digits)
                                     for what, digits in (("wall", 3), ("cpu", 3), ("peak", 1)))


def median_of(values, digits):
    median, low, high = (f"{v:.{digits}f}" for v in
                         (statistics.median(values), min(values), max(values)))
    return median if low == high else f"{median} ({low}–{high})"


def machine_lines(machine, rows):
    yield from machine.items()
    measured = sorted({(row["date"], row["commit"]) for row in rows})
    yield "measured", ", ".join(f"{date} (commit `{commit}`)" for date, commit in measured)


def section(name, measured, explained):
    """The results of one machine."""
    rows = measured["rows"]
    yield from (f"## Results{name}", "")
    yield from table(["work", "what", "wanted", OURS, "others"], result_lines(rows))
    yield ""
    if remarked := list(remarks(rows, explained)):
        yield from (*remarked, "")
    yield from (f"## Machine{name}", "")
    yield from table(["", ""], machine_lines(measured["machine"], rows))
    yield from ("", f"## Seconds and memory{name}", "")
    yield from table(["row", "program", "wall, s", "CPU, s", "peak, MiB"], cost_lines(rows))
    yield ""


def all_results():
    """The results of each machine, by what to add to the headings of its section."""
    yield "", results.read(RESULTS)
    for path in sorted(DOCS.glob("benchmarks-*.json")):
        yield ": " + path.stem.removeprefix("benchmarks-").replace("-", " "), results.read(path)


def page():
    explained = notes()
    lines = [INTRODUCTION, "![bar charts of the figures below](benchmarks.svg)", ""]
    for name, measured in all_results():
        lines += section(name, measured, explained)
    return "\n".join([*lines, COMMANDS])


def panels():
    for name, measured in all_results():
        for row in measured["rows"]:
            for compared in comparisons(row):
                if compared.limit is not None or len(compared.figures) > 1:
                    yield panel(row["id"] + name, compared)


def panel(title, compared):
    unit = compared.unit
    over = f" / {compared.yardstick}".replace("`", "") if compared.yardstick else ""
    limit = f" (wanted: at most {in_unit(compared.limit, unit)})" if compared.limit is not None else ""
    bars = [chart.Bar(name, figure.value, figure.low, figure.high, in_unit(figure.value, unit))
            for name, figure in compared.figures.items()]
    return chart.Panel(title, compared.what + over + limit, bars, compared.limit)


def files():
    """What is to be in the files of docs/."""
    return {
        DOCS / "benchmarks.md": page(),
        DOCS / "benchmarks.svg": chart.draw(list(panels())),
    }


def write():
    for path, text in files().items():
        path.write_text(text)


def wrong_notes():
    """The rows that fall short without a note, and the notes without a row."""
    rows = [row for _, measured in all_results() for row in measured["rows"]]
    missed = {row["id"] for row in rows if any(c.missed for c in comparisons(row))}
    explained = set(notes())
    return sorted(missed - explained), sorted(explained - {row["id"] for row in rows})


def main():
    write()
    lacking, _ = wrong_notes()
    if lacking:
        print("these rows fall short; say why in benches/notes.md:", ", ".join(lacking))


if __name__ == "__main__":
    main()
