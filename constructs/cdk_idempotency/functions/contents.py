"""The content of layers: the runtime package and what it needs, read from what is installed here.

No download and no Docker.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from constructs import Construct, IConstruct

from ..errors import ConstructError
from . import byte_code
from .code import PACKAGE

_CODE: Final = (".py", ".so")

_ELSEWHERE: Final = ("rotation", "testing")
"""The packages of the runtime that no attached function uses."""

LIBRARIES: Final = ("jmespath",)
"""The distributions in every layer; some have others beside them."""

PARTS: Final = {"cffi": "_cffi_backend"}
"""Distributions of which the layer needs one module."""

_EXTRAS: Final = {"redis": "cdk-idempotency[redis]"}
"""What to install for a distribution that not every app needs."""

_ID: Final = "IdempotencyLayerContents"


@dataclass(frozen=True, kw_only=True)
class Content:
    """The files of a layer by their paths in it, and the Python that makes byte code of them."""

    files: dict[str, bytes]
    python: str | None
    digest: str
    """A hash of all that makes the layer."""


class Contents(Construct):
    """The contents of an app's layers, each read once."""

    @staticmethod
    def of(scope: IConstruct) -> Contents:
        """Return those of the construct's app."""
        root = scope.node.root
        existing = root.node.try_find_child(_ID)
        return existing if isinstance(existing, Contents) else Contents(root, _ID)  # type: ignore[arg-type]

    def __init__(self, scope: Construct, id: str) -> None:  # noqa: A002
        super().__init__(scope, id)
        self._files: dict[tuple[tuple[str, ...], tuple[str, ...]], dict[str, bytes]] = {}
        self._pythons: dict[str, str | None] = {}

    def content(
        self, runtime: str, libraries: tuple[str, ...], packages: tuple[str, ...], *, compiled: bool
    ) -> Content:
        """Return the content with these libraries, and these packages of the runtime beside those
        that all functions use. Raise ConstructError for a package that cannot be copied."""
        key = (libraries, packages)
        if key not in self._files:
            self._files[key] = _read(self, libraries, packages)
        files, python = self._files[key], self.python(runtime) if compiled else None
        return Content(files=files, python=python, digest=_digest(files, runtime, python))

    def python(self, runtime: str) -> str | None:
        """Return a Python that makes byte code for a Lambda runtime: this one, or one on the PATH;
        None where there is none."""
        if runtime not in self._pythons:
            self._pythons[runtime] = _python(runtime)
        return self._pythons[runtime]


def _python(runtime: str) -> str | None:
    if runtime == f"python{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    found = shutil.which(runtime)
    if found is None:
        return None
    question = "import sys; print('python%d.%d' % sys.version_info[:2])"
    command = [found, "-I", "-c", question]
    try:
        said = subprocess.run(  # noqa: S603 - a Python of the PATH, no shell
            command, capture_output=True, check=False, text=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    # A version manager may have a file of that name for a Python that is not in use.
    return found if said.stdout.strip() == runtime else None


def _digest(files: dict[str, bytes], runtime: str, python: str | None) -> str:
    compiler = "" if python is None else Path(byte_code.__file__).read_text()
    hashed = sha256(f"{runtime}\0{compiler}".encode())
    for name, data in files.items():
        hashed.update(f"\0{name}\0{len(data)}\0".encode())
        hashed.update(data)
    return hashed.hexdigest()


def _read(
    scope: IConstruct, libraries: tuple[str, ...], packages: tuple[str, ...]
) -> dict[str, bytes]:
    unused = {f"{PACKAGE}/{name}" for name in _ELSEWHERE if name not in packages}
    found = {
        name: path.read_bytes()
        for name, path in _code(scope, PACKAGE, "cdk-idempotency").items()
        if "/".join(name.split("/")[:2]) not in unused
    }
    for library in (*LIBRARIES, *libraries):
        code = _code(scope, PARTS.get(library, library), library)
        found |= {name: path.read_bytes() for name, path in code.items()}
        found |= _description(library)
    return {f"python/{name}": data for name, data in sorted(found.items())}


def _code(scope: IConstruct, package: str, library: str) -> dict[str, Path]:
    """Return the files of an importable package or module, by their paths in a directory of
    packages. However it was installed, it is where an import finds it."""
    spec = find_spec(package)
    if spec is None:
        raise ConstructError(
            scope,
            f"the layer is copied from what is installed here, and {library} is not: run "
            f"pip install '{_EXTRAS.get(library, library)}'",
        )
    origin = Path(spec.origin or "")
    if not origin.is_file():
        raise ConstructError(
            scope,
            f"the layer is copied from what is installed here, and {package} is not a file or a "
            f"directory ({spec.origin}): install {library} with pip, unpacked",
        )
    if spec.submodule_search_locations is None:
        return {origin.name: origin}
    home = origin.parent
    files = (path for path in home.rglob("*") if path.suffix in _CODE)
    return {f"{package}/{path.relative_to(home).as_posix()}": path for path in files}


def _description(library: str) -> dict[str, bytes]:
    """Return a distribution's metadata and licenses, as far as it was installed with them."""
    try:
        installed = distribution(library)
    except PackageNotFoundError:
        return {}
    home = f"{library}-{installed.version}.dist-info"
    metadata = installed.read_text("METADATA") or installed.read_text("PKG-INFO") or ""
    found = {f"{home}/METADATA": metadata.encode()}
    for name, path in _licenses(installed):
        found[f"{home}/{name}"] = path.read_bytes()
    return found


def _licenses(installed: Distribution) -> list[tuple[str, Path]]:
    entries = [each for each in installed.files or () if each.parts[0].endswith(".dist-info")]
    return [
        ("/".join(entry.parts[1:]), path)
        for entry in entries
        if "licen" in str(entry).lower()
        and (path := Path(str(installed.locate_file(entry)))).is_file()
    ]
