"""The servers for the measurements. Each is a context manager."""

import re
import socket
import subprocess
import time
from pathlib import Path

NGINX_CONFIG = """
daemon off;
master_process off;
worker_processes 1;
pid {dir}/nginx.pid;
error_log {dir}/nginx.log;
events {{ worker_connections 512; }}
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
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Nginx(Process):
    """nginx with one worker, unprivileged, serving the files under `root` with sendfile.

    `certificate` is a (certificate, key) pair of paths; with it the server speaks TLS.
    """

    def __init__(self, program, scratch, root, crc, certificate=None):
        self.port = free_port()
        scheme = "https" if certificate else "http"
        self.endpoint = f"{scheme}://127.0.0.1:{self.port}"
        scratch = Path(scratch)
        config = scratch / "nginx.conf"
        config.write_text(
            NGINX_CONFIG.format(
                dir=scratch,
                root=root,
                port=self.port,
                crc=crc,
                tls="ssl" if certificate else "",
                certificate="ssl_certificate {}; ssl_certificate_key {};".format(*certificate)
                if certificate
                else "",
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
    scratch = Path(scratch)
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

    def __init__(self, program, arguments):
        self.process = subprocess.Popen(
            [program, "--port", "0", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        line = self.process.stdout.readline()
        found = re.search(r"listening on (\S+)", line)
        if found is None:
            self.__exit__()
            raise ServerError(f"local-oss did not start: {line!r}")
        self.endpoint = found.group(1)
