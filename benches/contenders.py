"""The programs that do the same work: the library, the floor, and its peers."""

import shlex
import shutil

from comparing import BASELINE, OURS
from measuring import Command
from setup import MIB

PART_SIZE = 8 * MIB
FLOOR_READ_SIZES = [64 * 1024, 256 * 1024, MIB, 4 * MIB]
SDK = "C++ SDK"
# aria2c refuses more to one server.
ARIA2_MOST_CONNECTIONS = 16


def is_floor(name):
    return name.startswith("floor ")


class Contenders:
    """The commands that download one object from one server into an area."""

    def __init__(self, setup, area, endpoint, key="object", connections=3, flush=False,
                 authorities=None):
        self.setup = setup
        self.area = area
        self.endpoint = endpoint
        self.key = key
        self.connections = connections
        self.flush = flush
        self.authorities = authorities

    @property
    def url(self):
        return f"{self.endpoint}/bench/{self.key}"

    @property
    def file(self):
        return self.area.output / "file"

    def arguments(self, part_size, checkpoint):
        """What download.c and sdk_download.cpp have in common."""
        yield from (self.endpoint, "bench", self.key, self.file)
        yield from (f"part-size={part_size}", f"threads={self.connections}")
        if checkpoint:
            yield f"checkpoint-dir={self.area.output / 'checkpoints'}"
        if self.authorities:
            yield f"ca-file={self.authorities}"

    def library(self, name=OURS, part_size=PART_SIZE, checkpoint=True, build=None, write_mode=0,
                auto_concurrency=False, sha256=None):
        flush = f"flush={'on' if self.flush else 'off'}"
        program = self.setup.tool("download", build)
        mode = [f"write-mode={write_mode}"] if write_mode else []
        auto = ["auto-concurrency=on"] if auto_concurrency else []
        digest = [f"sha256={sha256}"] if sha256 else []
        argv = (program, *self.arguments(part_size, checkpoint), flush, *mode, *auto, *digest)
        return Command(name, argv, self.file)

    def library_and_openssl(self, name):
        """The library without a digest, and then OpenSSL's command, which reads the file for it."""
        line = " && ".join(shlex.join(map(str, argv)) for argv in (
            self.library().argv, ["openssl", "dgst", "-sha256", self.file]))
        return Command(name, ("sh", "-c", line), self.file)

    def fio(self, name, size, direct):
        """As many bytes from as many writers, in 1 MiB writes, flushed at the end: the disk alone."""
        share = size // self.connections // MIB * MIB
        argv = ("fio", "--name=w", f"--filename={self.file}", "--rw=write", "--bs=1m", "--thread",
                f"--numjobs={self.connections}", f"--size={share}", f"--offset_increment={share}",
                "--end_fsync=1", "--fallocate=native", f"--direct={direct}", "--output=/dev/null")
        return Command(name, argv, self.file, saves_object=False, is_peer=True)

    def libraries(self, **options):
        """The library, and that of the build to compare with, if one is given."""
        commands = [self.library(**options)]
        if baseline := self.setup.options.baseline:
            commands.append(self.library(BASELINE, build=baseline, **options))
        return commands

    def floors(self, port, size):
        """Raw transfers of `size` bytes over plain HTTP, the best of which is the floor."""
        for shape in ("loop", "threads"):
            for read_size in FLOOR_READ_SIZES[-1:] if self.setup.quick else FLOOR_READ_SIZES:
                argv = (self.setup.tool("floor"), shape, self.connections, read_size, port,
                        f"bench/{self.key}", size, self.file, *(["sync"] if self.flush else []))
                yield Command(f"floor {shape} {read_size // 1024} KiB", argv, self.file)

    def peers(self, part_size=PART_SIZE):
        return [*self.curl(), *self.aria2(), *self.sdk(part_size)]

    def curl(self):
        trust = ["--cacert", self.authorities] if self.authorities else []
        argv = ["curl", "--silent", "--show-error", "--fail", *trust, "--output", self.file, self.url]
        yield self.peer("curl", argv)

    def aria2(self, **limits):
        if shutil.which("aria2c") is None or self.connections > ARIA2_MOST_CONNECTIONS:
            return
        trust = [f"--ca-certificate={self.authorities}"] if self.authorities else []
        argv = [
            "aria2c", "--no-conf", "--quiet", "--file-allocation=none", "--min-split-size=1M",
            f"--max-connection-per-server={self.connections}", f"--split={self.connections}",
            *trust, f"--dir={self.file.parent}", f"--out={self.file.name}", self.url,
        ]
        yield self.peer("aria2c", argv, **limits)

    def sdk(self, part_size=PART_SIZE, name=SDK, checkpoint=True, **limits):
        if self.setup.options.sdk:
            program = self.setup.tool("sdk_download")
            yield self.peer(name, [program, *self.arguments(part_size, checkpoint)], **limits)

    def peer(self, name, argv, **limits):
        """None of the peers flushes, so `sync` does it for them."""
        if self.flush:
            line = shlex.join(map(str, argv)) + " && " + shlex.join(["sync", "-d", str(self.file)])
            argv = ["sh", "-c", line]
        return Command(name, tuple(argv), self.file, is_peer=True, **limits)

    def left_out(self):
        """The peers that cannot run here, and why."""
        reasons = {}
        if shutil.which("aria2c") is None:
            reasons["aria2c"] = "it is not installed"
        elif self.connections > ARIA2_MOST_CONNECTIONS:
            reasons["aria2c"] = f"it opens at most {ARIA2_MOST_CONNECTIONS} connections to a server"
        if not self.setup.options.sdk:
            reasons[SDK] = "ALIBABACLOUD_OSS_ROOT does not name its installation"
        return reasons
