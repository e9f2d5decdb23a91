#!/usr/bin/env python3
"""Generates `_declarations.py`, from which the package loads the library, from the C header.

    declarations.py HEADER OUTPUT

cffi reads C declarations and `#define NAME NUMBER`, but no other lines of a preprocessor. The result needs no compiler:
cffi's "out-of-line ABI mode".
"""

import re
import sys
from pathlib import Path


def declarations(header):
    """The header's text as cffi reads it: without C++, includes, the guard and the initialisers of structs."""
    text = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    text = re.sub(r"#ifdef __cplusplus.*?#endif[^\n]*", "", text, flags=re.DOTALL)
    text = re.sub(r"#define \w+_INIT\b(?:[^\n]*\\\n)*[^\n]*", "", text)
    lines = [line for line in text.splitlines() if not re.match(r"#(include|ifndef|endif)\b|#define \w+_H$", line)]
    return "\n".join(lines)


def generate(header, output):
    """Writes the module."""
    import cffi
    from cffi import recompiler

    ffi = cffi.FFI()
    ffi.cdef(declarations(Path(header).read_text(encoding="utf-8")))
    recompiler.make_py_source(ffi, "oss_resumable._declarations", str(output))


if __name__ == "__main__":
    generate(*sys.argv[1:])
