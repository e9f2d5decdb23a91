"""What all cases need: options, directories, the served object, the programs."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from measuring import Bench
from servers import LocalOss, Nginx, make_certificate

MIB = 1024 * 1024
SYSTEM_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
# Debian keeps nginx in a directory that is not on every user's PATH.
SEARCHED = os.environ["PATH"] + ":/usr/sbin"


def in_words(size):
    """A size as people write it: 256 MiB."""
    for unit, name in ((1024 * MIB, "GiB"), (MIB, "MiB"), (1024, "KiB")):
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size} bytes"


@dataclass(frozen=True)
class Area:
    """A directory on some file system, to which the measured programs write."""

    scratch: Path
    bench: Bench

    @property
    def output(self):
        return self.bench.output


class Setup:
    """One run of the benchmark."""

    def __init__(self, options, memory, disk):
        self.options = options
        self.quick = options.quick
        self.tools = options.build / "bench"
        self.memory = self.area(memory)
        self.disk = self.area(disk)
        self.served = {}

    def area(self, scratch):
        return Area(scratch, Bench(self.tools / "measure", scratch, scratch / "output"))

    def tool(self, name, build=None):
        return (build or self.options.build) / "bench" / name

    def size(self, usual, quick=8 * MIB):
        """The size of an object: as the command line says, or as the case wants it."""
        return self.options.size or (quick if self.quick else usual)

    def interleave(self, area, commands, original, rounds, warm_up=True):
        """Measures the commands. A warm-up would only cost time where a server sets the pace."""
        rounds = 1 if self.quick else self.options.rounds or rounds
        return area.bench.interleave(commands, original, rounds, warm_up and not self.quick)

    def make_object(self, size):
        """A file in memory, of random bytes, that nginx serves as bench/object: (path, CRC-64)."""
        if size not in self.served:
            # Only one is kept, because memory is short.
            self.served.clear()
            path = self.memory.scratch / "root/bench/object"
            path.parent.mkdir(parents=True, exist_ok=True)
            made = subprocess.run(
                [self.tools / "random_file", path, str(size)],
                check=True, stdout=subprocess.PIPE, text=True,
            )
            self.served[size] = path, int(made.stdout)
        return self.served[size]

    def make_pattern(self, size):
        """The file that downloads of local-oss's generated/SIZE have to equal."""
        path = self.memory.scratch / f"pattern-{size}"
        if not path.exists():
            argv = [self.local_oss_program, "pattern", "--size", str(size), "--output", path]
            subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
        return path

    def nginx(self, crc, **options):
        root = self.memory.scratch / "root"
        return Nginx(self.nginx_program, self.memory.scratch, root, crc, **options)

    def local_oss(self, *arguments):
        log = self.memory.scratch / "local-oss.log"
        return LocalOss(self.local_oss_program, ["--bucket", "bench", *arguments], log)

    @cached_property
    def nginx_program(self):
        unpacked = self.options.build / "tools/nginx/usr/sbin/nginx"
        return shutil.which("nginx", path=SEARCHED) or str(unpacked)

    @property
    def local_oss_program(self):
        return self.options.build / "local-oss"

    @cached_property
    def certificate(self):
        """(authority, certificate, key) of a new authority."""
        return make_certificate(self.memory.scratch)

    @cached_property
    def authorities(self):
        """The system's authorities and ours: reading many of them is part of a connection's cost."""
        path = self.memory.scratch / "authorities.pem"
        system = SYSTEM_AUTHORITIES.read_text() if SYSTEM_AUTHORITIES.exists() else ""
        path.write_text(system + self.certificate[0].read_text())
        return path
