"""Rows of results: what was compared, with which yardstick, and what was wanted."""

import statistics
from dataclasses import asdict, dataclass, field

OURS = "oss_resumable"
BASELINE = f"{OURS} (baseline)"
UNITS = {"wall": "s", "cpu": "s", "peak": "MiB"}
LABELS = {"wall": "wall", "cpu": "CPU", "peak": "peak memory"}


@dataclass(frozen=True)
class Figure:
    """A figure with its spread: the smallest and the largest one of a round."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """One quantity of all that ran, as a ratio to a yardstick or, without one, in its unit."""

    what: str
    yardstick: str  # empty: none, the figures are absolute
    unit: str  # "×" for ratios
    limit: float | None  # the most that is wanted of the library
    figures: dict  # Figure by the name of what ran
    by: str = OURS  # the name of the figure that the limit is for

    @property
    def missed(self):
        return self.limit is not None and self.figures[self.by].value > self.limit


def comparison_from_json(read):
    figures = {name: Figure(**value) for name, value in read["figures"].items()}
    return Comparison(**(read | {"figures": figures}))


@dataclass
class Row:
    """One line of the benchmark: a piece of work, its costs and the comparisons made from them."""

    id: str
    work: str
    costs: object = None
    comparisons: list = field(default_factory=list)
    left_out: dict = field(default_factory=dict)  # why something did not run, by its name
    skipped: str = ""  # why nothing of it ran

    def as_json(self):
        runs = self.costs.runs if self.costs else {}
        failed = self.costs.failures if self.costs else {}
        return {
            "id": self.id,
            "work": self.work,
            "skipped": self.skipped,
            "comparisons": [asdict(comparison) for comparison in self.comparisons],
            "left_out": self.left_out | failed,
            "runs": {name: runs_as_json(costs) for name, costs in runs.items() if costs},
        }


def runs_as_json(costs):
    return {what: [round(getattr(cost, what), 4) for cost in costs] for what in UNITS}


def rounded(value, low, high):
    return Figure(round(value, 4), round(low, 4), round(high, 4))


def figure(values):
    return rounded(statistics.median(values), min(values), max(values))


def ratio(values, divisors):
    """The ratio of the medians. Its spread is that of the ratios within one round."""
    by_round = [value / divisor for value, divisor in zip(values, divisors, strict=False)]
    value = statistics.median(values) / statistics.median(divisors)
    return rounded(value, min([value, *by_round]), max([value, *by_round]))


def against(costs, what, yardstick, label, limit=None, names=None, by=OURS):
    """Compares with the runs named `yardstick`, which the reader knows as `label`."""
    divisors = costs.values(yardstick, what)
    names = [n for n in names or costs.runs if n in costs.runs and n != yardstick]
    figures = {name: ratio(costs.values(name, what), divisors) for name in names}
    return Comparison(LABELS[what], label, "×", limit, figures, by)


def against_baseline(costs):
    """What the library costs in comparison with the build to compare with, if there is one."""
    if costs and BASELINE in costs.runs:
        for what in ("cpu", "wall"):
            yield against(costs, what, BASELINE, "baseline", names=[OURS])


def against_itself(costs, what, label, pairs, limit):
    """Compares each first run of the pairs with the second, where both ran."""
    figures = {first: ratio(costs.values(first, what), costs.values(second, what))
               for first, second in pairs if costs.runs.get(first) and costs.runs.get(second)}
    return Comparison(LABELS[what], label, "×", limit, figures)


def against_number(costs, what, number, label, limit=None, names=None, by=OURS):
    """Compares with a number that follows from how the work was set up."""
    figures = {name: ratio(costs.values(name, what), [number] * len(costs.runs[name]))
               for name in names or costs.runs}
    return Comparison(LABELS[what], label, "×", limit, figures, by)


def absolute(costs, what, limit=None):
    figures = {name: figure(costs.values(name, what)) for name in costs.runs}
    return Comparison(LABELS[what], "", UNITS[what], limit, figures)


def printed(costs, what, limit):
    """A count that each command printed itself."""
    figures = {name: figure([cost.printed[what] for cost in runs])
               for name, runs in costs.runs.items()}
    return Comparison(what, "", "", limit, figures)


def best(costs, what, names):
    """The name of the command with the smallest median."""
    return min(names, key=lambda name: costs.median(name, what))
