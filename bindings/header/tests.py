#!/usr/bin/env python3
"""Shows that check_header.py notices what it is for, with changed copies of the headers and of what bindings say."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "bindings"), str(ROOT / "scripts")]

import named_tests
from header import compare, cpp_headers, model
from cpp.coverage import EXCEPTIONS

INCLUDE = ROOT / "include"
HEADER = model.read(INCLUDE / "oss_resumable/oss_resumable.h")


def complete():
    """What a binding says that wraps everything."""
    structs = {
        name: {field.name: {"name": field.name, "type": field.type, "default": None} for field in fields.values()}
        for name, fields in HEADER.structs.items()
    }
    functions = {
        name: {"returns": function["returns"], "parameters": list(function["parameters"].values())}
        for name, function in HEADER.functions.items()
    }
    return {"binding": "complete", "structs": structs, "functions": functions, "constants": dict(HEADER.constants)}


def with_header(*changes):
    """A copy of the C header with other text, read."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "oss_resumable.h"
        file.write_text(changed((INCLUDE / "oss_resumable/oss_resumable.h").read_text(), *changes))
        return model.read(file)


def cpp_problems(name, *changes):
    """What is wrong with the C++ headers after changes in one of them, or in the C header."""
    with tempfile.TemporaryDirectory() as directory:
        include = Path(directory)
        (include / "oss_resumable").mkdir()
        for file in (INCLUDE / "oss_resumable").iterdir():
            (include / "oss_resumable" / file.name).write_text(file.read_text())
        file = include / "oss_resumable" / name
        file.write_text(changed(file.read_text(), *changes))
        header = model.read(include / "oss_resumable/oss_resumable.h")
        return compare.problems(header, {"exceptions": EXCEPTIONS, **cpp_headers.coverage(header, include)})


def changed(text, *changes):
    for old, new in changes:
        assert text.count(old) >= 1, f"'{old}' is not there any more"
        text = text.replace(old, new, 1)
    return text


def without(field):
    coverage = complete()
    struct, name = field.split(".")
    del coverage["structs"][struct][name]
    return coverage


def expect(problems, *parts):
    """Asserts that there is one problem for each part, which it contains."""
    assert len(problems) == len(parts), problems
    for problem, part in zip(problems, parts):
        assert part in problem, problems


def a_binding_that_wraps_everything_lacks_nothing():
    expect(compare.problems(HEADER, complete()))


def a_field_that_a_binding_lacks_is_named():
    expect(
        compare.problems(HEADER, without("oss_download_object_request.when_busy")),
        "oss_download_object_request.when_busy: the binding lacks it",
    )


def a_function_or_constant_that_a_binding_lacks_is_named():
    coverage = complete()
    del coverage["functions"]["oss_resumable_download_pause"]
    del coverage["constants"]["OSS_RESUMABLE_ERR_BUSY"]
    expect(
        compare.problems(HEADER, coverage),
        "oss_resumable_download_pause: the binding lacks it",
        "OSS_RESUMABLE_ERR_BUSY: the binding lacks it",
    )


def what_is_new_in_the_header_is_named():
    header = with_header(
        ("    int32_t order;\n", "    int32_t order;\n    int64_t brand_new;\n"),
        ("#define OSS_RESUMABLE_ERR_IO 300", "#define OSS_RESUMABLE_ERR_IO 300\n#define OSS_RESUMABLE_ERR_NEW 302"),
        (
            "int32_t oss_resumable_event_queue_fd(",
            "int32_t oss_resumable_new(void);\nint32_t oss_resumable_event_queue_fd(",
        ),
    )
    expect(
        compare.problems(header, complete()),
        "oss_download_object_request.brand_new: the binding lacks it",
        "oss_resumable_new: the binding lacks it",
        "OSS_RESUMABLE_ERR_NEW: the binding lacks it",
    )


def what_the_header_does_not_have_any_more_is_named():
    coverage = complete()
    coverage["structs"]["oss_resumable_pair"]["colour"] = {}
    coverage["functions"]["oss_resumable_old"] = {}
    coverage["constants"]["OSS_RESUMABLE_OLD"] = 1
    expect(
        compare.problems(HEADER, coverage),
        "oss_resumable_pair.colour: the header does not have it",
        "oss_resumable_old: the header",
        "OSS_RESUMABLE_OLD: the header",
    )


def another_value_of_a_constant_is_named():
    header = with_header(("#define OSS_RESUMABLE_ERR_BUSY 101", "#define OSS_RESUMABLE_ERR_BUSY 103"))
    expect(compare.problems(header, complete()), "OSS_RESUMABLE_ERR_BUSY: its value is 103 and not 101")


def another_type_is_named():
    header = with_header(
        ("    uint32_t thread_num;", "    uint64_t thread_num;"), ("int64_t timeout_ms,\n", "int32_t timeout_ms,\n")
    )
    problems = compare.problems(header, complete())
    expect(
        problems,
        "oss_download_object_request.thread_num: its type is 'uint64_t' and not 'uint32_t'",
        "oss_resumable_event_queue_next: its parameters are",
    )


def spellings_of_one_type_are_the_same():
    for one, other in [
        ("const struct oss_resumable_pair *", "oss_resumable_pair*"),
        ("oss_resumable_code", "int32_t"),
        ("oss_resumable_progress", "int32_t (*)(oss_resumable_status *, void *)"),
        ("const char *const *", "char **"),
    ]:
        assert HEADER.canonical(one) == HEADER.canonical(other), (one, other)
    assert HEADER.canonical("int64_t") != HEADER.canonical("int32_t")


def another_name_is_named_unless_the_binding_argues_it():
    coverage = complete()
    coverage["structs"]["oss_resumable_client_options"]["verify_tls"]["name"] = "verify_ssl"
    expect(
        compare.problems(HEADER, coverage), "oss_resumable_client_options.verify_tls: the binding calls it verify_ssl"
    )
    coverage["renamed"] = {"oss_resumable_client_options.verify_tls": "verify_ssl"}
    expect(compare.problems(HEADER, coverage))


def names_follow_the_spelling_of_the_language():
    coverage = complete()
    coverage["spelling"] = "camelCase"
    for fields in coverage["structs"].values():
        for name, field in fields.items():
            field["name"] = re.sub(r"_(\w)", lambda letter: letter.group(1).upper(), name)
    expect(compare.problems(HEADER, coverage))


def another_default_is_named():
    coverage = complete()
    options = coverage["structs"]["oss_resumable_client_options"]
    options["connect_timeout_ms"]["default"] = 5000
    options["verify_tls"]["default"] = True
    expect(compare.problems(HEADER, coverage))
    options["connect_timeout_ms"]["default"] = 6000
    options["verify_tls"]["default"] = False
    expect(
        compare.problems(HEADER, coverage),
        "connect_timeout_ms: its default is 5000 and not 6000",
        "verify_tls: its default is True and not False",
    )


def an_exception_needs_a_reason_and_something_to_be_for():
    coverage = without("oss_resumable_pair.value")
    coverage["exceptions"] = {"oss_resumable_pair.value": "there are no values in this language"}
    expect(compare.problems(HEADER, coverage))
    coverage["exceptions"] = {"oss_resumable_pair.value": ""}
    expect(compare.problems(HEADER, coverage), "the exception has no reason")
    coverage = complete()
    coverage["exceptions"] = {"oss_resumable_pair.value": "there are no values in this language"}
    expect(compare.problems(HEADER, coverage), "the exception is for nothing")


def a_field_that_the_cpp_headers_do_not_assign_is_named():
    expect(
        cpp_problems("request.hpp", ("        request_.flush = on(from.flush_);\n", "")),
        "oss_download_object_request.flush: the binding lacks it",
    )
    expect(
        cpp_problems("oss_resumable.h", ("    int32_t order;\n", "    int32_t order;\n    int64_t brand_new;\n")),
        "oss_download_object_request.brand_new: the binding lacks it",
    )


def a_field_that_cannot_be_set_in_cpp_is_named():
    expect(
        cpp_problems("request.hpp", ("    void setFlush(bool value) { flush_ = value; }\n", "")),
        "oss_download_object_request.flush: the binding lacks it",
    )


def another_default_in_cpp_is_named():
    expect(
        cpp_problems("request.hpp", ("bool flush_ = true;", "bool flush_ = false;")),
        "oss_download_object_request.flush: its default is True and not False",
    )
    expect(
        cpp_problems("configuration.hpp", ("bool verifySSL = true;", "bool verifySSL = false;")),
        "oss_resumable_client_options.verify_tls: its default is True and not False",
    )


def a_function_that_the_cpp_headers_do_not_call_is_named():
    expect(
        cpp_problems("oss_resumable.hpp", ("{ oss_resumable_download_pause(running_->handle.get()); }", "{}")),
        "oss_resumable_download_pause: the binding lacks it",
    )


def a_constant_that_the_cpp_headers_hide_is_named():
    expect(
        cpp_problems(
            "oss_resumable.h",
            (
                "#define OSS_RESUMABLE_BUSY_WAIT 1",
                "#define OSS_RESUMABLE_BUSY_WAIT 1\n#define OSS_RESUMABLE_BUSY_STEAL 2",
            ),
        ),
        "OSS_RESUMABLE_BUSY_STEAL: the binding lacks it",
    )


def what_the_python_package_lacks_is_named():
    python = ROOT / "build/bindings/python/venv/bin/python"
    folder = subprocess.run(
        [python, "-c", "import oss_resumable; print(oss_resumable.__path__[0])"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.strip()
    with tempfile.TemporaryDirectory() as directory:
        package = Path(directory) / "oss_resumable"
        shutil.copytree(folder, package)
        for name, old, new in [
            ("request.py", '    Switch("flush"),\n', ""),
            ("enums.py", "ERR_BUSY = 101", "ERR_BUSY = 104"),
            ("download.py", "lib.oss_resumable_download_pause", "lib.oss_resumable_download_resume"),
        ]:
            (package / name).write_text(changed((package / name).read_text(), (old, new)))
        done = subprocess.run(
            [python, ROOT / "bindings/python/coverage.py"],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": directory},
        )
    expect(
        compare.problems(HEADER, json.loads(done.stdout)),
        "oss_download_object_request.flush: the binding lacks it",
        "oss_resumable_download_pause: the binding lacks it",
        "OSS_RESUMABLE_ERR_BUSY: its value is 101 and not 104",
    )


def the_check_fails_for_a_binding_that_lacks_something():
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        for part in ("bindings/header", "include"):
            (root / part).parent.mkdir(parents=True, exist_ok=True)
            (root / part).symlink_to(ROOT / part)
        (root / "bindings/check_header.py").write_text((ROOT / "bindings/check_header.py").read_text())
        (root / "bindings/one").mkdir()

        def status(coverage):
            (root / "bindings/one/coverage.json").write_text(json.dumps(coverage))
            command = [sys.executable, root / "bindings/check_header.py"]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
            return done.returncode, done.stdout

        assert status(complete())[0] == 0
        code, said = status({**without("oss_resumable_pair.value"), "binding": "One"})
        assert code == 1 and "FAILED header One has all of the C header" in said, said
        assert "oss_resumable_pair.value" in said and "header: 0 passed, 1 failed" in said, said


TESTS = [
    a_binding_that_wraps_everything_lacks_nothing,
    a_field_that_a_binding_lacks_is_named,
    a_function_or_constant_that_a_binding_lacks_is_named,
    what_is_new_in_the_header_is_named,
    what_the_header_does_not_have_any_more_is_named,
    another_value_of_a_constant_is_named,
    another_type_is_named,
    spellings_of_one_type_are_the_same,
    another_name_is_named_unless_the_binding_argues_it,
    names_follow_the_spelling_of_the_language,
    another_default_is_named,
    an_exception_needs_a_reason_and_something_to_be_for,
    a_field_that_the_cpp_headers_do_not_assign_is_named,
    a_field_that_cannot_be_set_in_cpp_is_named,
    another_default_in_cpp_is_named,
    a_function_that_the_cpp_headers_do_not_call_is_named,
    a_constant_that_the_cpp_headers_hide_is_named,
    what_the_python_package_lacks_is_named,
    the_check_fails_for_a_binding_that_lacks_something,
]


if __name__ == "__main__":
    sys.exit(named_tests.run("header-check", TESTS))
