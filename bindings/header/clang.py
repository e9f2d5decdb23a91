"""What clang knows of a header: its syntax tree, its macros and its tokens."""

import json
import re
import subprocess


def run(arguments):
    done = subprocess.run(arguments, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, arguments))}: {done.stderr}")
    return done


def c_tree(header):
    """The declarations of a C header."""
    dump = run(["clang", "-x", "c", "-std=c99", "-fsyntax-only", "-Xclang", "-ast-dump=json", header])
    return json.loads(dump.stdout)["inner"]


def cpp_trees(header, include):
    """The declarations of a C++ header whose qualified names contain `oss_`."""
    dump = run(
        [
            "clang++",
            "-x",
            "c++",
            "-std=c++11",
            "-fsyntax-only",
            "-Xclang",
            "-ast-dump=json",
            "-Xclang",
            "-ast-dump-filter=oss_",
            f"-I{include}",
            header,
        ]
    ).stdout
    decoder, at, trees = json.JSONDecoder(), 0, []
    # One document follows the other; newer versions write a heading before each.
    while (at := dump.find("{", at)) >= 0:
        tree, at = decoder.raw_decode(dump, at)
        trees.append(tree)
    return trees


def macros(header):
    """Names and bodies of the macros that a C header defines."""
    defined = run(["clang", "-x", "c", "-E", "-dM", header]).stdout
    return dict(re.findall(r"^#define (\w+) (.*)$", defined, re.MULTILINE))


def identifiers(header, include):
    """All identifiers that a C++ header itself contains, outside comments and strings."""
    # The tokens are written to standard error.
    tokens = run(
        ["clang++", "-x", "c++", "-std=c++11", "-fsyntax-only", "-Xclang", "-dump-raw-tokens", f"-I{include}", header]
    ).stderr
    return set(re.findall(r"^raw_identifier '(\w+)'", tokens, re.MULTILINE))


def walk(node):
    """A node and everything below it."""
    yield node
    for below in node.get("inner", []):
        if below:
            yield from walk(below)


def comment(node):
    """The text of the comment of a declaration."""
    for below in node.get("inner", []):
        if below.get("kind") == "FullComment":
            return " ".join(part["text"].strip() for part in walk(below) if part["kind"] == "TextComment")
    return ""
