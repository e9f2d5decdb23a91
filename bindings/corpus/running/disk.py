"""A disk that is full after a mebibyte: a small tmpfs in a mount namespace, which root and, on many systems, every user
can make; otherwise a limit on the size of files."""

import functools
import resource
import subprocess

LIMIT = 1 << 20


@functools.cache
def namespace():
    """The flags of unshare that work here; None if none do."""
    for flags in ("-m", "-rm"):
        command = ["unshare", flags, "mount", "-t", "tmpfs", "none", "/mnt"]
        try:
            if subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
                return flags
        except OSError:
            return None
    return None


def wrapped(command, directory):
    """The command with the full disk at the directory, and what Popen needs besides."""
    if flags := namespace():
        mount = f'mount -t tmpfs -o size={LIMIT} none "$0"; exec "$@"'
        return ["unshare", flags, "sh", "-ec", mount, str(directory), *command], {}
    return command, {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))}


def error_code():
    """The code of the error that a program gets."""
    return "DiskFull" if namespace() else "LocalIoError"
