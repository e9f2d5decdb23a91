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


def verdict(comparison):
    """Whether the library does what is wanted of it; empty if nothing is."""
    if comparison.limit is None:
        return ""
    wanted = f"at most {in_unit(comparison.limit, comparison.unit)}"
    return f"wanted: {wanted}: {'MISSED' if comparison.missed else 'reached'}"


def print_comparison(comparison):
    over = f" / {comparison.yardstick}" if comparison.yardstick else ""
    for name, figure in comparison.figures.items():
        label = f"{comparison.what}, {name}{over}"
        found = spread(figure, comparison.unit)
        judged = verdict(comparison) if name == comparison.by else ""
        print(f"{label:<60}  {found:<22}  {judged}".rstrip())


def print_row(row):
    print(f"\n== {row.id}: {row.work}")
    if row.skipped:
        print(f"left out: {row.skipped}")
    if row.costs:
        print_costs({name: costs for name, costs in row.costs.runs.items() if costs})
    for comparison in row.comparisons:
        print_comparison(comparison)
    for name, why in row.as_json()["left_out"].items():
        print(f"no figure of {name}: {why}")
