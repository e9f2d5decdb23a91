"""The programs in README.md."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
from typing import TYPE_CHECKING, Any

import pytest

import oss_resumable
from conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Server

README = (ROOT / "bindings/python/README.md").read_text()
SECTIONS = ["Five lines", "Progress", "Many at once", "asyncio"]
FILES = ["model.bin", "first.bin", "second.bin"]


def program(section: str) -> str:
    """The program in a section of the page."""
    found = re.search(rf"^## {section}$.*?^```python$(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
    assert found is not None
    return found.group(1)


@pytest.mark.parametrize("section", SECTIONS)
def test_the_programs_of_the_readme_work(
    section: str, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = {name: server.put(name) for name in FILES}
    contents["model.bin"] = server.put("exampledir/model.bin")
    (server.folder / "model.bin").write_bytes(contents["model.bin"])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OSS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("OSS_ACCESS_KEY_SECRET", "secret")
    # The only difference is where the service is.
    code = program(section).replace('Client("https://oss-cn-hangzhou.aliyuncs.com")', "Client(endpoint, region=region)")
    code = code.replace("Client(endpoint)", "Client(endpoint, region=region)")
    with oss_resumable.Client(server.endpoint, region="cn-hangzhou") as client:
        names: dict[str, Any] = {
            "client": client,
            "endpoint": server.endpoint,
            "region": "cn-hangzhou",
            "oss_resumable": oss_resumable,
            "asyncio": asyncio,
            "keys": FILES[1:],
            "directory": tmp_path,
        }
        running = eval(compile(code, section, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
        if inspect.iscoroutine(running):
            asyncio.run(running)
    made = [name for name in FILES if (tmp_path / name).exists()]
    assert made == {"Many at once": FILES[1:], "asyncio": FILES}.get(section, FILES[:1])
    assert all((tmp_path / name).read_bytes() == contents[name] for name in made)
