"""The interpreters on this machine, and what they import: this runtime, and the pinned peers.

The peers are in no lock of the project: they are installed once for each interpreter, by hash, into
a directory of the virtual environment, which `make clean` removes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from kit.aws.local import ROOT

RUNTIME: Final = ROOT / "runtime" / "lambda_idempotency"
LOCK: Final = ROOT / "benchmarks" / "peers.lock"
OLDEST, NEWEST = 11, 14
"""The minor versions of Python that attached functions may have."""


@dataclass(frozen=True, kw_only=True)
class Packages:
    """An interpreter and the directories of its PYTHONPATH."""

    python: Path
    directories: Sequence[Path]

    def run(
        self, command: Sequence[str], variables: Mapping[str, str], *more: Path, **options: Any
    ) -> subprocess.Popen[str]:
        """Start it; `more` comes last in its PYTHONPATH, the options are those of Popen."""
        path = os.pathsep.join(map(str, (*self.directories, *more)))
        environment = {**variables, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        process: subprocess.Popen[str] = subprocess.Popen(
            [str(self.python), *command], cwd=ROOT, env=environment, text=True, **options
        )
        return process

    def version(self) -> str:
        """Return the version of the interpreter."""
        done = subprocess.run([self.python, "-V"], capture_output=True, text=True, check=True)
        return done.stdout.split()[1]

    def versions(self, *names: str) -> str:
        """Return the versions of distributions."""
        code = (
            "import sys; from importlib.metadata import version; "
            "print(', '.join(f'{name} {version(name)}' for name in sys.argv[1:]))"
        )
        process = self.run(["-c", code, *names], os.environ, stdout=subprocess.PIPE)
        return process.communicate()[0].strip()


def interpreters() -> dict[str, Path | None]:
    """Return the interpreters by version, None for one that is not here; this one comes first."""
    mine = f"3.{sys.version_info.minor}"
    found: dict[str, Path | None] = {mine: _base()}
    for minor in range(OLDEST, NEWEST + 1):
        found.setdefault(f"3.{minor}", _interpreter(f"3.{minor}"))
    return found


def with_peers(directory: Path, python: Path, runtime: Path) -> Packages:
    """Return a copy of the runtime in `directory`, beside the peers of the lock."""
    return Packages(python=python, directories=[_peers(python), _copy(directory, python, runtime)])


def with_installed(directory: Path) -> Packages:
    """Return the same with what the project's own environment has of the peers."""
    python = Path(sys.executable)
    return Packages(python=python, directories=[_copy(directory, python, RUNTIME)])


def _base() -> Path:
    """Return the interpreter behind this environment, whose start-up has nothing of it."""
    name = f"python3.{sys.version_info.minor}"
    path = Path(sys.base_prefix) / "bin" / name
    return path if path.exists() else Path(sys.executable)


def _interpreter(version: str) -> Path | None:
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = shutil.which(f"python{version}")
    own = sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"))
    for path in (*own, *([Path(found)] if found else [])):
        done = subprocess.run([path, "-V"], capture_output=True, text=True, check=False)
        if done.stdout.startswith(f"Python {version}."):  # a shim may stand for nothing
            return path
    return None


def _peers(python: Path) -> Path:
    """Return the directory of the peers, installed for this interpreter once."""
    about = subprocess.run([python, "-VV"], capture_output=True, text=True, check=True).stdout
    digest = sha256(about.encode() + LOCK.read_bytes()).hexdigest()[:16]
    target = Path(sys.prefix) / "benchmark" / digest
    if target.exists():
        return target
    print(f"installing the peers for {python}, once", flush=True)
    target.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
        options = ["--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]
        source = ["--require-hashes", "--requirement", str(LOCK)]
        built = Path(scratch) / "packages"
        subprocess.run([*pip, *options, *source, "--target", str(built)], check=True)
        built.rename(target)
    return target


def _copy(directory: Path, python: Path, runtime: Path) -> Path:
    """Copy and compile the runtime and the floor: edits during a run make no difference."""
    directory.mkdir(parents=True)
    pattern = shutil.ignore_patterns("__pycache__")
    shutil.copytree(runtime, directory / runtime.name, ignore=pattern)
    shutil.copy(ROOT / "benchmarks" / "floor.py", directory)
    subprocess.run([python, "-m", "compileall", "-q", str(directory)], check=True)
    return directory
