"""The program of the corpus in Python; bindings/corpus/README.md describes its arguments and its output."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

from oss_resumable import (
    Client,
    Credentials,
    Download,
    OssResumableError,
    Overwrite,
    Phase,
    Request,
    Result,
    Status,
    WhenBusy,
)

OVERWRITE = {"replace": Overwrite.REPLACE, "fail": Overwrite.FAIL, "if-different": Overwrite.IF_DIFFERENT}
WHEN_BUSY = {"fail": WhenBusy.FAIL, "wait": WhenBusy.WAIT}
NUMBERS = ("thread_num", "range_start", "range_end", "max_bandwidth")


class Answers:
    """The answers of a provider, one in each line of a file."""

    def __init__(self, file: str) -> None:
        self.lines = iter(Path(file).read_text().splitlines())
        self.calls = 0

    def next(self) -> str:
        """Runs on a thread of the library. What it raises becomes the error of the download."""
        self.calls += 1
        try:
            return next(self.lines)
        except StopIteration:
            raise RuntimeError("there is no other answer") from None


@dataclass
class Watch:
    """Observes a download; pauses or cancels it once this many bytes are there."""

    pause_at: int
    cancel_at: int
    calls: int = 0
    decreases: int = 0
    done: int = 0
    from_network: list[int] = field(default_factory=list)

    def observe(self, download: Download, status: Status) -> None:
        """Runs in ``Download.wait``."""
        self.calls += 1
        self.decreases += status.bytes_done < self.done
        self.done = status.bytes_done
        if status.phase == Phase.PAUSED:
            self.from_network.append(status.bytes_from_network)
            if len(self.from_network) == 3:
                download.resume()
        elif 0 < self.pause_at <= status.bytes_done:
            self.pause_at = 0
            download.pause()
        if 0 < self.cancel_at <= status.bytes_done:
            download.cancel()


def report(tag: int, outcome: Result | OssResumableError) -> bool:
    """Prints how an object ended; returns whether it is there."""
    is_there = isinstance(outcome, Result)
    result, error = (outcome.to_json(), "null") if is_there else ("null", outcome.to_json())
    print(f'{{"tag": {tag}, "result": {result}, "error": {error}}}')
    return is_there


def option(name: str, value: str) -> object:
    """The value of a keyword argument of the package."""
    if name == "overwrite":
        return OVERWRITE[value]
    if name == "when_busy":
        return WHEN_BUSY[value]
    return int(value) if name in NUMBERS else value


def download_object(client: Client, options: dict, pause_at: int, cancel_at: int, keys: Answers | None) -> bool:
    providers = [keys] if keys else []
    if "url" in options:
        urls = Answers(options["url"])
        providers.append(urls)
        options = {**options, "url": next(urls.lines), "url_provider": urls.next}
    watch = Watch(pause_at, cancel_at)
    try:
        with client.start(**options, progress=lambda status: watch.observe(download, status)) as download:
            outcome = download.wait()
    except OssResumableError as error:
        outcome = error
    is_there = report(0, outcome)
    paused = watch.from_network
    print(
        json.dumps(
            {
                "progress_calls": watch.calls,
                "progress_decreases": watch.decreases,
                "last_bytes_done": watch.done,
                "was_paused": bool(paused),
                "bytes_while_paused": paused[2] - paused[0] if len(paused) > 2 else 0,
                "provider_calls": sum(provider.calls for provider in providers),
            }
        )
    )
    return is_there


def download_many(client: Client, options: dict) -> bool:
    """All at once; this thread follows them."""
    directory = Path(options.pop("directory"))
    keys = Path(options.pop("objects")).read_text().splitlines()
    requests = [Request(key=key, file_path=directory / Path(key).name, **options) for key in keys]
    outcomes = client.download_many(requests, return_exceptions=True, on_end=report)
    print(json.dumps({"ended": len(outcomes)}))
    return all(isinstance(outcome, Result) for outcome in outcomes)


def download_prefix(client: Client, options: dict) -> bool:
    result = client.download_prefix(**options)
    for one in result.failed():
        report(0, one.error)
    counts = result.counts
    names = ("objects", "fetched", "unchanged", "failed", "bytes_from_network")
    print(json.dumps({name: getattr(counts, name) for name in names}))
    return counts.failed == 0


def main() -> int:
    kind, *rest = sys.argv[1:]
    pairs = ((name[2:].replace("-", "_"), value) for name, value in zip(rest[::2], rest[1::2]))
    options = {name: option(name, value) for name, value in pairs}
    pause_at, cancel_at = (int(options.pop(name, 0)) for name in ("pause_at", "cancel_at"))
    of_client = {
        name: options.pop(name) for name in ("endpoint", "region", "ca_file", "max_bandwidth") if name in options
    }
    keys = Answers(options.pop("keys")) if "keys" in options else None
    if keys:
        of_client["credentials"] = lambda: Credentials(*keys.next().split())
    try:
        # Without a provider, the key comes from OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET.
        with Client(**of_client) as client:
            if kind == "many":
                is_there = download_many(client, options)
            elif kind == "prefix":
                is_there = download_prefix(client, options)
            else:
                is_there = download_object(client, options, pause_at, cancel_at, keys)
    except OssResumableError as error:
        is_there = report(0, error)
    return 0 if is_there else 1


if __name__ == "__main__":
    sys.exit(main())
