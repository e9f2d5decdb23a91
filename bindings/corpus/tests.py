#!/usr/bin/env python3
"""Shows that the runner of the corpus notices programs that do not what they say, with some that are made for it."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

RUN = Path(__file__).resolve().parent / "run.py"
sys.path.insert(0, str(RUN.parents[2] / "scripts"))

import named_tests  # noqa: E402

# Says that everything was downloaded; the file is what the case fills in.
LIAR = """
import json, sys
options = dict(zip(sys.argv[2::2], sys.argv[3::2]))
open(options["--file-path"], "wb").write({content})
result = {{"proof": "object_crc", "file_size": 2 << 20, "object_size": 2 << 20,
           "statistics": {{"bytes_from_network": 2 << 20, "elapsed_ms": 1000}}}}
print(json.dumps({{"tag": 0, "result": result, "error": None}}))
print(json.dumps({{"progress_calls": 1}}))
{more}
"""


def run(program, *options, case="bandwidth limit", **description):
    """Exit status and output of the runner with one program, in Python."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory) / "one"
        folder.mkdir()
        (folder / "program.py").write_text(program)
        described = {"language": "One", "run": ["{python}", str(folder / "program.py")], **description}
        (folder / "program.json").write_text(json.dumps(described))
        environment = {name: value for name, value in os.environ.items() if name != "BINDINGS_SKIP_NOTHING"}
        done = subprocess.run(
            [sys.executable, RUN, "--programs", directory, "--case", case, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        )
        return done.returncode, done.stdout


def expect_failure(outcome, *parts, case="bandwidth limit"):
    code, said = outcome
    assert code == 1 and f"FAILED bindings One: {case}" in said, said
    assert "bindings: 0 passed, 1 failed" in said, said
    for part in parts:
        assert part in said, f"'{part}' is not in: {said}"


def a_file_with_wrong_bytes_is_a_failure():
    expect_failure(run(LIAR.format(content="bytes(2 << 20)", more="")), "file.bin has wrong bytes")


def a_program_that_asks_nobody_is_a_failure():
    outcome = run(LIAR.format(content="b''", more=""), case="success")
    expect_failure(outcome, "the server got 0 requests, not at least 1 and at most 4", case="success")


def a_file_that_is_too_short_is_a_failure():
    expect_failure(run(LIAR.format(content="b'short'", more="")), "file.bin has wrong bytes (5, expected are 2097152)")


def what_is_left_beside_the_file_is_a_failure():
    expect_failure(
        run(LIAR.format(content="b''", more="open(options['--file-path'] + '.temp', 'w')")),
        "beside the file there are ['file.bin.temp'], not []",
    )


def a_wrong_result_and_exit_status_are_failures():
    expect_failure(
        run(LIAR.format(content="b''", more="sys.exit(1)").replace('"object_crc"', '"generation"')),
        "result.proof is 'generation', not 'object_crc'",
        "the exit status is 1, not 0",
    )


def a_program_that_prints_nothing_is_a_failure():
    expect_failure(run("import sys; sys.exit('no such mode')"), "there are 0 lines for objects, not 1", "no such mode")


def a_language_without_its_tools_is_skipped_by_name_or_a_failure():
    code, said = run("", tools=["no-such-compiler"])
    assert code == 0 and "skipped One: no-such-compiler is not installed" in said, said
    assert "bindings: 0 passed, 0 failed" in said, said
    code, said = run("", "--skip-nothing", tools=["no-such-compiler"])
    assert code == 1 and "bindings: 0 passed, 1 failed" in said, said


def a_program_that_is_not_built_is_named():
    code, said = run("", "--skip-nothing", files=["/no/such/program"], built_by="make one")
    assert code == 1 and "/no/such/program is not there: make one builds it" in said, said


def what_a_language_lacks_is_shown_with_its_reason():
    code, said = run("", lacks={"bandwidth limit": "it has no limits"})
    assert code == 0 and "- One, bandwidth limit: it has no limits" in said, said
    code, said = run("", lacks={"no such case": "it is not there"})
    assert code != 0 and "there is no case ['no such case']" in said, said


TESTS = [
    a_file_with_wrong_bytes_is_a_failure,
    a_program_that_asks_nobody_is_a_failure,
    a_file_that_is_too_short_is_a_failure,
    what_is_left_beside_the_file_is_a_failure,
    a_wrong_result_and_exit_status_are_failures,
    a_program_that_prints_nothing_is_a_failure,
    a_language_without_its_tools_is_skipped_by_name_or_a_failure,
    a_program_that_is_not_built_is_named,
    what_a_language_lacks_is_shown_with_its_reason,
]


if __name__ == "__main__":
    sys.exit(named_tests.run("corpus", TESTS))
