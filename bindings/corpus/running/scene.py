"""One case of one program: a server, a directory, and the runs one after another."""

import contextlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path

from . import checks, disk
from .cases import size
from .objects import key
from .server import BUCKET, REGION, Server

# Far more than any case takes, also on a machine that does something else.
LONGEST = 60


class Scene:
    """Plays one case."""

    def __init__(self, directory, program, case, objects):
        self.directory, self.program, self.case, self.objects = directory, program, case, objects
        self.files = directory / "files"
        self.target = self.files / "file.bin"
        self.folder = directory / "folder"
        self.ca_file = directory / "ca.pem"
        self.files.mkdir()

    def play(self):
        """What is wrong, as a list of sentences."""
        case = self.case
        for name, length in case.folder.items():
            file = self.folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(self.objects.bytes(length, case.seed))
        if case.old_file:
            self.target.write_bytes(checks.OLD)
        arguments = list(case.server)
        if case.folder:
            arguments += ["--folder", self.folder]
        if case.tls:
            arguments += ["--tls", "--ca-file", self.ca_file]
        log = self.directory / "server.log"
        with Server(self.objects.local_oss, arguments, case.server_key, log) as server:
            self.server = server
            for number, run in enumerate(case.runs, 1):
                if wrong := self.play_run(run):
                    return [f"run {number}: {problem}" for problem in wrong]
        return []

    def play_run(self, run):
        before = len(self.server.requests())
        command = [*self.program.run, self.case.kind, *self.arguments(run)]
        if "rival" in run.meanwhile:
            return self.beside_rival(run, command, before)
        ended = self.start(command, "program").wait(run.meanwhile.get("killed_at"))
        return self.problems(run, ended, before)

    def beside_rival(self, run, command, before):
        """Runs the program while another one downloads to the same file; that one is held up until it has begun."""
        rival = self.start(command, "rival")
        try:
            self.wait_for_bytes(size(run.meanwhile["rival"]), rival.process)
            rival.signal(signal.SIGSTOP)
            program = self.start(command, "program")
            program.wait_for_thread()
            rival.signal(signal.SIGCONT)
            wrong = self.problems(run, program.wait(), before)
            if run.expect.get("exit") == 0 and rival.wait().exit != 0:
                wrong.append(f"the other run failed: {rival.output()}")
            return wrong
        finally:
            rival.kill()

    def problems(self, run, ended, before):
        if run.meanwhile.get("killed_at"):
            return [] if ended.exit == -signal.SIGKILL else [f"it ended before it was killed: {ended.text}"]
        expect = self.filled(run.expect)
        wrong = checks.problems(expect, self, ended, self.requests(before, expect.get("requests")))
        return [*wrong, f"it printed: {ended.text}"] if wrong else []

    def requests(self, before, wanted):
        """What the server has logged since; it does so after a reply, when the program may have ended already."""
        end = time.monotonic() + 2
        if wanted is not None:
            time.sleep(0.05)
        while True:
            found = self.server.requests()[before:]
            if wanted is None or checks.holds(wanted, len(found)) or time.monotonic() > end:
                return found
            time.sleep(0.01)

    def arguments(self, run):
        """The options of the program; those of the case take precedence, and null removes one."""
        case = self.case
        chosen = {"endpoint": self.server.endpoint, "region": REGION, "bucket": BUCKET}
        if case.kind == "object":
            chosen.update({"key": key(case.size, case.seed), "file-path": self.target, "checkpoint-dir": self.files})
        else:
            chosen.update({"directory": self.files})
        if case.urls:
            chosen = {
                "file-path": self.target,
                "checkpoint-dir": self.files,
                "url": self.written(
                    "urls", [self.server.url(key(case.size, case.seed), kind == "expired") for kind in case.urls]
                ),
            }
        if case.tls:
            chosen["ca-file"] = self.ca_file
        if case.keys:
            chosen["keys"] = self.written("keys", case.keys)
        if case.objects:
            chosen["objects"] = self.written("objects", [key(case.size, seed) for seed in range(case.objects)])
        chosen.update(self.filled(run.arguments))
        return [part for name, value in chosen.items() if value is not None for part in (f"--{name}", str(value))]

    def written(self, name, lines):
        file = self.directory / name
        file.write_text("".join(line + "\n" for line in lines))
        return file

    def filled(self, value):
        """The value with sizes in place of @4MiB, and what only the runner knows in place of other words with @."""
        if isinstance(value, dict):
            return {name: self.filled(part) for name, part in value.items()}
        if not isinstance(value, str) or not value.startswith("@"):
            return value
        if value == "@sha256":
            return self.objects.sha256(self.case.size, self.case.seed)
        if value == "@disk-full":
            return disk.error_code()
        return size(value[1:])

    def start(self, command, name):
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory),
            "TMPDIR": str(self.directory),
            "LANG": "C.UTF-8",
            "OSS_ACCESS_KEY_ID": self.case.program_key[0],
            "OSS_ACCESS_KEY_SECRET": self.case.program_key[1],
            **self.program.environment,
        }
        more = {}
        if self.case.full_disk:
            command, more = disk.wrapped(command, self.files)
        return Started(self, [str(part) for part in command], name, env=environment, **more)

    def bytes_on_disk(self):
        """Bytes of the unfinished download: allocated blocks, because the file's length says nothing."""
        try:
            return os.stat(f"{self.target}.temp").st_blocks * 512
        except FileNotFoundError:
            return 0

    def wait_for_bytes(self, count, process):
        end = time.monotonic() + LONGEST
        while self.bytes_on_disk() < count and process.poll() is None:
            if time.monotonic() > end:
                raise RuntimeError("nothing is downloaded")
            time.sleep(0.005)


class Started:
    """A running program. Its output goes to files, so that it never waits for a reader."""

    def __init__(self, scene, command, name, **more):
        self.scene = scene
        self.files = [scene.directory / f"{name}.out", scene.directory / f"{name}.err"]
        with open(self.files[0], "wb") as out, open(self.files[1], "wb") as errors:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
                cwd=scene.directory,
                start_new_session=True,
                **more,
            )

    def wait(self, killed_at=None):
        """Waits for the end; kills the program when this many bytes are there."""
        try:
            if killed_at:
                self.scene.wait_for_bytes(size(killed_at), self.process)
                self.kill()
            self.process.wait(LONGEST)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"it takes longer than {LONGEST} s: {self.output()}") from None
        finally:
            self.kill()
        return Ended(self.process.returncode, *(file.read_text(errors="replace") for file in self.files))

    def wait_for_thread(self):
        """Waits until the program, or one that it has started, has a second thread: the library's."""
        while self.process.poll() is None and self.most_threads() < 2:
            time.sleep(0.01)

    def most_threads(self):
        numbers = [0]
        for file in Path("/proc").glob("[0-9]*/stat"):
            try:
                stat = file.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(stat[2]) == self.process.pid:
                numbers.append(int(stat[17]))
        return max(numbers)

    def output(self):
        return " ".join(file.read_text(errors="replace") for file in self.files)

    def signal(self, number):
        """Sends a signal to the program and to what it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait()


class Ended:
    """How a run ended, and what it printed."""

    def __init__(self, exit, out, errors):
        self.exit = exit
        self.text = f"exit status {exit}\n{out}{errors}"
        try:
            self.lines = [json.loads(line) for line in out.splitlines()]
        except ValueError:
            self.lines = []
