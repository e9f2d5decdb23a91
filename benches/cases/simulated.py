"""`auto_concurrency` on many paths, in virtual time.

A test of the simulator measures it. It prints a line "auto_concurrency, PATH: RATIO" for each path: its time as a
multiple of that of the best fixed number of connections.
"""

import re
import subprocess
from pathlib import Path

from comparing import Comparison, Row, figure
from measuring import MeasuringError

from .case import Case

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "src/transfer/simulation/speed.rs"
RESULT = re.compile(r"^auto_concurrency, (.+): ([0-9.]+)$", re.MULTILINE)


def exists():
    return TESTS.exists() and "auto_concurrency, {" in TESTS.read_text()


def auto_concurrency(setup):
    if setup.quick:
        # `cargo test` runs it.
        return []
    argv = ["cargo", "test", "--locked", "--profile", "simulation", "--lib", "--",
            "transfer::simulation::speed::", "--include-ignored", "--nocapture"]
    done = subprocess.run(argv, cwd=ROOT, check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    ratios = {path: float(ratio) for path, ratio in RESULT.findall(done.stdout)}
    if done.returncode != 0 or not ratios:
        raise MeasuringError(f"{' '.join(argv)} failed:\n{done.stdout[-2000:]}")
    figures = {path: figure([ratio]) for path, ratio in ratios.items()}
    slowest = max(ratios, key=ratios.get)
    compared = Comparison("time", "best fixed number of connections", "×", 1.10, figures, slowest)
    work = (f"`auto_concurrency` on {len(ratios)} paths, in virtual time; "
            f"the slowest, {slowest}, and the others")
    return [Row("auto-concurrency", work, None, [compared])]


CASES = [
    Case("auto-concurrency", "adaptive numbers of connections, simulated", (), auto_concurrency),
] if exists() else []
