"""The servers for the measurements. Each is a context manager."""

import os
import re
import socket
import subprocess
import time

NGINX_CONFIG = """
daemon off;
{user}
worker_processes {workers};
pid {dir}/nginx.pid;
error_log {dir}/nginx.log;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    default_type application/octet-stream;
    sendfile on;
    keepalive_requests 1000000;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    server {{
        listen 127.0.0.1:{port} {tls};
        root {root};
        add_header x-oss-hash-crc64ecma {crc};
        {certificate}
        {rate}
    }}
}}
"""


class ServerError(Exception):
    """A server did not start."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_accepting(port, process, log):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    text = log.read_text() if log.exists() else ""
    raise ServerError(f"the server did not start: {text}")


class Process:
    """A child process that is stopped and waited for on exit."""

    process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


class Nginx(Process):
    """nginx, unprivileged, serving the files under `root` with sendfile.

    `certificate` is a (certificate, key) pair of paths; with it the server speaks TLS. `rate` limits
    each connection to that many bytes a second.
    """

    def __init__(self, program, scratch, root, crc, certificate=None, workers=1, rate=None):
        self.port = free_port()
        scheme = "https" if certificate else "http"
        self.endpoint = f"{scheme}://127.0.0.1:{self.port}"
        config = scratch / "nginx.conf"
        tls = "ssl_certificate {}; ssl_certificate_key {};".format(*certificate or ("", ""))
        config.write_text(
            NGINX_CONFIG.format(
                dir=scratch,
                root=root,
                port=self.port,
                crc=crc,
                # Workers of a master that is root would become a user who cannot read the files.
                user="user root;" if os.geteuid() == 0 else "",
                workers=workers,
                tls="ssl" if certificate else "",
                certificate=tls if certificate else "",
                rate=f"limit_rate {rate};" if rate else "",
            )
        )
        log = scratch / "nginx.log"
        self.process = subprocess.Popen(
            [program, "-p", str(scratch), "-c", str(config), "-e", str(log)],
            stdin=subprocess.DEVNULL,
        )
        try:
            wait_until_accepting(self.port, self.process, log)
        except ServerError:
            self.__exit__()
            raise


def make_certificate(scratch):
    """A new authority and a certificate of 127.0.0.1 signed by it: (authority, certificate, key)."""
    authority, authority_key = scratch / "ca.pem", scratch / "ca.key"
    certificate, key, request = (scratch / name for name in ("cert.pem", "cert.key", "cert.csr"))
    extensions = scratch / "extensions"
    extensions.write_text("subjectAltName=IP:127.0.0.1\n")
    new_key = ["-newkey", "rsa:2048", "-nodes"]
    for command in (
        ["req", "-x509", *new_key, "-keyout", authority_key, "-out", authority, "-days", "2",
         "-subj", "/CN=benchmark authority"],
        ["req", *new_key, "-keyout", key, "-out", request, "-subj", "/CN=127.0.0.1"],
        ["x509", "-req", "-in", request, "-CA", authority, "-CAkey", authority_key,
         "-CAcreateserial", "-out", certificate, "-days", "2", "-extfile", extensions],
    ):
        subprocess.run(["openssl", *map(str, command)], check=True, capture_output=True)
    return authority, certificate, key


class LocalOss(Process):
    """The project's own server; `arguments` are its options beside the port."""

    def __init__(self, program, arguments, log):
        self.log = log
        with log.open("w") as lines:
            self.process = subprocess.Popen(
                [program, "--port", "0", *arguments],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=lines, text=True,
            )
        line = self.process.stdout.readline()
        found = re.search(r"listening on (\S+)", line)
        if found is None:
            self.__exit__()
            raise ServerError(f"local-oss did not start: {log.read_text()}")
        self.endpoint = found.group(1)

    def count_requests(self):
        """The requests answered so far, if the server has the option --log.

        A line is written after the reply, so one may come when the client has ended already.
        """
        count, before = self.lines(), -1
        while count != before:
            time.sleep(0.1)
            before, count = count, self.lines()
        return count

    def lines(self):
        return self.log.read_text().count("\n")
