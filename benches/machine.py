"""Describes the machine and the programs that were measured."""

import ctypes
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path


def describe(setup):
    """{what: text} in the order in which a reader wants it."""
    machine = {
        "processor": processor(),
        "processors": str(os.cpu_count()),
        "memory": f"{memory_kib() / 1024 / 1024:.0f} GiB",
        "system": system(),
        "kernel": platform.release(),
        "files in memory": file_system(setup.memory.scratch),
        "files on disk": file_system(setup.disk.scratch),
    }
    return machine | programs(setup)


def programs(setup):
    """The versions of what was measured and of the server."""
    found = {
        "oss_resumable": library_version(setup.options.build),
        "curl": version("curl", "--version"),
        "nginx": version(setup.nginx_program, "-v"),
    }
    if shutil.which("aria2c"):
        found["aria2c"] = version("aria2c", "--version")
    if setup.options.sdk:
        found["C++ SDK"] = sdk_version(setup.options.sdk)
    return found


def version(*argv):
    """The first version number that a program prints."""
    done = subprocess.run(argv, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    return re.search(r"\d+(\.\d+)+", done.stdout)[0]


def library_version(build):
    """The versions of the library, of its libcurl and of its OpenSSL."""
    library = ctypes.CDLL(str(build / "lib/liboss_resumable.so"))
    library.oss_resumable_version.restype = ctypes.c_char_p
    return library.oss_resumable_version().decode()


def sdk_version(prefix):
    header = (prefix / "include/alibabacloud/oss/Config.h").read_text()
    found = re.search(r'VERSION_STR\s+"([^"]+)"', header)
    return found[1] if found else "unknown"


def commit():
    """The commit that was measured, with "-dirty" if files differ from it."""
    done = subprocess.run(
        ["git", "-C", Path(__file__).parent, "describe", "--always", "--dirty", "--abbrev=10"],
        check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )
    return done.stdout.strip() or "unknown"


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def memory_kib():
    return int(re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text()).group(1))


def system():
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.system()


def file_system(directory):
    """The kind of file system and the device that `directory` is on."""
    done = subprocess.run(["df", "--output=fstype,source", directory], check=True,
                          stdout=subprocess.PIPE, text=True)
    kind, source = done.stdout.splitlines()[1].split()
    return kind if kind == source else f"{kind} on {source}"
