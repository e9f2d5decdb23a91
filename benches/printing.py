"""Prints rows for people."""

import statistics


def in_unit(value, unit):
    if unit == "×":
        return f"{value:.2f}×"
    if unit == "%":
        return f"{value:.2f} %"
    number = f"{value:.2f}" if unit == "s" else f"{value:.0f}"
    return f"{number} {unit}".strip()


def spread(figure, unit):
    """"1.04× (1.01–1.09)", without the parentheses if all rounds gave the same."""
    value, low, high = (in_unit(v, unit) for v in (figure.value, figure.low, figure.high))
    if low == high:
        return value
    bare = [text.split(" ")[0].rstrip("×") for text in (low, high)]
    return f"{value} ({bare[0]}–{bare[1]})"


def print_costs(runs):
    def triple(costs, what):
        values = [getattr(cost, what) for cost in costs]
        return f"{min(values):7.2f} {statistics.median(values):7.2f} {max(values):7.2f}"

    width = max(len(name) for name in runs)
    print(f"{'':{width}}  {'wall, s':^23}  {'CPU, s':^23}  peak, MiB")
    print(f"{'':{width}}  {'    min  median     max  ' * 2}   median")
    for name, costs in runs.items():
        peak = statistics.median(cost.peak for cost in costs)
        print(f"{name:{width}}  {triple(costs, 'wall')}  {triple(costs, 'cpu')}  {peak:9.1f}")
    print()


def print_comparison(comparison):
    unit = comparison.unit
    over = f" / {comparison.yardstick}" if comparison.yardstick else ""
    for name, figure in comparison.figures.items():
        verdict = ""
        if comparison.limit is not None and name == comparison.by:
            reached = "reached" if comparison.reached else "MISSED"
            verdict = f"  wanted: at most {in_unit(comparison.limit, unit)}: {reached}"
        print(f"{comparison.what}, {name}{over:<30}  {spread(figure, unit)}{verdict}")


def print_row(row):
    print(f"\n== {row.id}: {row.work}")
    if row.costs and any(row.costs.runs.values()):
        print_costs({name: costs for name, costs in row.costs.runs.items() if costs})
    for comparison in row.comparisons:
        print_comparison(comparison)
    if row.costs:
        for name, why in row.costs.failures.items():
            print(f"{name} failed: {why}")
    for name, why in row.left_out.items():
        print(f"{name} left out: {why}")
