#!/usr/bin/env python3
"""The command oss-resumable as a program of the corpus: translates the arguments and the output.

bindings/corpus/README.md describes both.

    corpus.py COMMAND object|many|prefix [--OPTION VALUE]...
"""

import json
import os
import signal
import subprocess
import sys
import time

OVERWRITE = {"replace": "always", "fail": "never", "if-different": "if-different"}


def source_of(kind, options):
    """The arguments that say what is downloaded, and where to."""
    if kind == "many":
        with open(options["objects"], encoding="utf-8") as keys:
            sources = [f"oss://{options['bucket']}/{key}" for key in keys.read().splitlines()]
        return [*sources, "--directory", options["directory"]]
    if kind == "prefix":
        return [f"oss://{options['bucket']}/{options['prefix']}", "--recursive", "--directory", options["directory"]]
    target = ["--output", options["file-path"], "--checkpoint-dir", options["checkpoint-dir"]]
    if "url" in options:
        return ["--from-file", options["url"], *target]
    if "expected-sha256" in options:
        return ["--from-file", "-", *target]
    return [f"oss://{options['bucket']}/{options['key']}", *target]


def listed(options):
    """The list of sources on standard input: one source, after the digest that the file must have."""
    return f"{options.get('expected-sha256')}  oss://{options.get('bucket')}/{options.get('key')}\n"


def command(program, kind, options):
    given = [program, "get", "--json", *source_of(kind, options)]
    for option, flag in (
        ("endpoint", "--endpoint"),
        ("region", "--region"),
        ("ca-file", "--ca-file"),
        ("thread-num", "--connections"),
        ("max-bandwidth", "--limit"),
    ):
        if option in options:
            given += [flag, options[option]]
    if "overwrite" in options:
        given += ["--overwrite", OVERWRITE[options["overwrite"]]]
    if options.get("when-busy") == "wait":
        given.append("--wait")
    return given


def interrupt_at(process, target, count):
    """Does what Ctrl-C does, once this many bytes are on the disk."""
    while process.poll() is None:
        if os.path.exists(f"{target}.temp") and os.stat(f"{target}.temp").st_blocks * 512 >= count:
            process.send_signal(signal.SIGINT)
            return
        time.sleep(0.005)


def translated(kind, lines):
    """The lines of the corpus for those of the command."""
    files, summary = lines[:-1], lines[-1]
    for tag, file in enumerate(files):
        if kind != "prefix" or file["error"]:
            yield {"tag": tag, "result": file["outcome"], "error": file["error"]}
    if kind == "prefix":
        yield {
            "objects": summary["files"],
            "fetched": summary["complete"] - summary["unchanged"],
            "unchanged": summary["unchanged"],
            "failed": summary["failed"],
            "bytes_from_network": summary["bytes_from_network"],
        }
    else:
        yield {"ended": summary["files"]}


def main():
    program, kind, *rest = sys.argv[1:]
    options = {name.removeprefix("--"): value for name, value in zip(rest[::2], rest[1::2])}
    process = subprocess.Popen(
        command(program, kind, options), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    if "cancel-at" in options:
        interrupt_at(process, options["file-path"], int(options["cancel-at"]))
    output, _ = process.communicate(listed(options))
    if process.returncode != 2:
        for line in translated(kind, [json.loads(line) for line in output.splitlines()]):
            print(json.dumps(line))
    # Interrupted is a failure, too.
    return min(process.returncode, 1) if process.returncode != 2 else 2


if __name__ == "__main__":
    sys.exit(main())
