"""A server for one case."""

import base64
import hmac
import subprocess
import time
from urllib.parse import quote

BUCKET = "examplebucket"
REGION = "cn-hangzhou"


class Server:
    """local-oss on a free port, until it is closed."""

    def __init__(self, local_oss, arguments, key, log):
        self.key = key
        self.log = log
        names = ("--access-key-id", "--access-key-secret", "--token")
        given = [part for pair in zip(names, key) for part in pair]
        with open(log, "wb") as errors:
            self.process = subprocess.Popen(
                [local_oss, "--log", *given, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        first = self.process.stdout.readline()
        if not first.startswith("listening on "):
            self.close()
            raise RuntimeError(f"local-oss did not start: {log.read_text()}")
        self.endpoint = first.split()[-1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def requests(self):
        """The lines of the log, one for each request that has ended."""
        return self.log.read_text().splitlines()

    def url(self, key, is_expired):
        """A presigned URL (V1)."""
        expires = 1000 if is_expired else int(time.time()) + 3600
        text = f"GET\n\n\n{expires}\n/{BUCKET}/{key}"
        signature = base64.b64encode(hmac.digest(self.key[1].encode(), text.encode(), "sha1")).decode()
        return (
            f"{self.endpoint}/{BUCKET}/{quote(key)}?OSSAccessKeyId={quote(self.key[0])}&Expires={expires}"
            f"&Signature={quote(signature, safe='')}"
        )
