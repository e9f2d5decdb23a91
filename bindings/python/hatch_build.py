"""Adds to the wheel what Python does not have: the shared library, and the declarations of its header."""

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))

import declarations  # noqa: E402


def version():
    """The version of the library, which is the package's."""
    return re.search(r'^version = "(.+)"', (ROOT / "Cargo.toml").read_text(), flags=re.MULTILINE).group(1)


def built_library():
    """Builds the library with a libcurl and an OpenSSL of its own; returns its path."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "build/bindings/python/cargo"))
    environment = {**os.environ, "CARGO_TARGET_DIR": str(target), "LIBZ_SYS_STATIC": "1"}
    command = ["cargo", "build", "--lib", "--release", "--locked", "--features=static-openssl"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    return target / "release/liboss_resumable.so"


class CustomMetadataHook(MetadataHookInterface):
    """Takes the version from Cargo.toml."""

    def update(self, metadata):
        """Sets the version."""
        metadata["version"] = version()


class CustomBuildHook(BuildHookInterface):
    """Builds the library, or takes the one that `OSS_RESUMABLE_LIBRARY` names, and generates the declarations."""

    def initialize(self, _version, build_data):
        """Tells what is added, and the wheel's tag."""
        given = os.environ.get("OSS_RESUMABLE_LIBRARY")
        library = Path(given).resolve(strict=True) if given else built_library()
        # Git ignores it here; beside the other modules, ruff, mypy and programs that use the source tree find it.
        generated = HERE / "src/oss_resumable/_declarations.py"
        declarations.generate(ROOT / "include/oss_resumable/oss_resumable.h", generated)
        build_data["force_include"] = {
            str(generated): "oss_resumable/_declarations.py",
            str(library): "oss_resumable/liboss_resumable.so",
        }
        # Any Python of this platform: nothing in the wheel is linked with Python.
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"
        build_data["pure_python"] = False
