"""Draws bar charts as SVG, with nothing but text."""

from dataclasses import dataclass
from html import escape

COLUMNS = 2
COLUMN_WIDTH = 480
LABEL_WIDTH = 130
VALUE_WIDTH = 110
BAR = 14
STEP = 20
HEAD = 44
GAP = 22
MARGIN = 16
COLOURS = {
    "oss_resumable": "#1f6feb",
    "curl": "#6e7781",
    "aria2c": "#bf8700",
    "C++ SDK": "#8250df",
}
OTHER = "#afb8c1"
STYLE = """<style>
text { font: 12px sans-serif; fill: #1f2328; }
.title { font-weight: bold; font-size: 13px; }
.note { fill: #59636e; }
.value { paint-order: stroke; stroke: #ffffff; stroke-width: 3px; }
.limit { stroke: #cf222e; stroke-dasharray: 4 3; }
.spread { stroke: #1f2328; }
</style>"""


@dataclass(frozen=True)
class Bar:
    """A value with its spread, and how both are written."""

    name: str
    value: float
    low: float
    high: float
    text: str


@dataclass(frozen=True)
class Panel:
    """One group of bars. `limit` is drawn as a line."""

    title: str
    subtitle: str
    bars: list
    limit: float | None


def height(panel):
    return HEAD + STEP * len(panel.bars) + GAP


def number(value):
    return f"{value:.1f}".rstrip("0").rstrip(".")


def text(x, y, content, kind="", anchor="start"):
    style = f' class="{kind}"' if kind else ""
    return (f'<text x="{number(x)}" y="{number(y)}" text-anchor="{anchor}"{style}>'
            f"{escape(content)}</text>")


def line(x1, y1, x2, y2, kind):
    points = f'x1="{number(x1)}" y1="{number(y1)}" x2="{number(x2)}" y2="{number(y2)}"'
    return f'<line {points} class="{kind}"/>'


def draw_panel(panel, left, top):
    yield text(left, top + 14, panel.title, "title")
    yield text(left, top + 31, panel.subtitle, "note")
    start = left + LABEL_WIDTH
    largest = max([bar.high for bar in panel.bars] + [panel.limit or 0]) or 1
    scale = (COLUMN_WIDTH - LABEL_WIDTH - VALUE_WIDTH) / largest
    for index, bar in enumerate(panel.bars):
        y = top + HEAD + STEP * index
        yield (f'<rect x="{number(start)}" y="{number(y)}" width="{number(bar.value * scale)}" '
               f'height="{BAR}" fill="{COLOURS.get(bar.name, OTHER)}"/>')
        if bar.low != bar.high:
            middle = y + BAR / 2
            yield line(start + bar.low * scale, middle, start + bar.high * scale, middle, "spread")
    if panel.limit is not None:
        x = start + panel.limit * scale
        yield line(x, top + HEAD - 4, x, top + HEAD + STEP * len(panel.bars), "limit")
    for index, bar in enumerate(panel.bars):
        y = top + HEAD + STEP * index + 11
        yield text(start - 6, y, bar.name, anchor="end")
        yield text(start + bar.high * scale + 6, y, bar.text, "value")


def draw(panels):
    """The panels in columns, in reading order, as the text of an SVG file."""
    body = []
    top = MARGIN
    for first in range(0, len(panels), COLUMNS):
        row = panels[first : first + COLUMNS]
        for column, panel in enumerate(row):
            body += draw_panel(panel, MARGIN + column * (COLUMN_WIDTH + MARGIN), top)
        top += max(map(height, row))
    width = MARGIN + COLUMNS * (COLUMN_WIDTH + MARGIN)
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{top}" '
            f'viewBox="0 0 {width} {top}">')
    background = '<rect width="100%" height="100%" fill="#ffffff"/>'
    return "\n".join([head, STYLE, background, *body, "</svg>"]) + "\n"
