"""Runs the tests of a script, functions whose names are sentences."""

import sys
import traceback


def run(gate, tests):
    """Prints "ok GATE NAME" or "FAILED GATE NAME" for each, then "GATE: N passed, N failed". Returns the exit status."""
    failed = 0
    for test in tests:
        name = test.__name__.replace("_", " ")
        try:
            test()
            print(f"ok {gate} {name}", flush=True)
        except Exception:
            failed += 1
            traceback.print_exc(file=sys.stdout)
            print(f"FAILED {gate} {name}", flush=True)
    print(f"{gate}: {len(tests) - failed} passed, {failed} failed")
    return 1 if failed else 0
