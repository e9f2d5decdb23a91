"""The bytes of generated objects, as local-oss serves them."""

import hashlib
import subprocess
import threading

from .cases import size


class Objects:
    """Makes the bytes of each object once."""

    def __init__(self, directory, local_oss):
        self.directory = directory
        self.local_oss = local_oss
        self.lock = threading.Lock()

    def bytes(self, length, seed):
        with self.lock:
            file = self.directory / f"{size(length)}-{seed}"
            if not file.exists():
                subprocess.run(
                    [self.local_oss, "pattern", "--size", str(size(length)), "--seed", str(seed), "--output", file],
                    check=True,
                    stdout=subprocess.DEVNULL,
                )
            return file.read_bytes()

    def sha256(self, length, seed):
        return hashlib.sha256(self.bytes(length, seed)).hexdigest()


def key(length, seed):
    """The key of a generated object."""
    return f"generated/{length}-seed{seed}.bin"
