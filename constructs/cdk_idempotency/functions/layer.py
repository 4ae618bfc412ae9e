"""The Lambda layer: the runtime package and what it needs, copied from what is installed here.

No download and no Docker. Byte code is compiled for the Python that synthesizes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from hashlib import sha256
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.resources import files
from pathlib import Path

from aws_cdk import AssetHashType, Stack, Stage
from aws_cdk import aws_lambda as lambda_

from lambda_idempotency.contract.names import VERSION

from ..errors import ConstructError
from . import byte_code
from .attachable import RUNTIMES
from .code import PACKAGE
from .native import fitting_runtimes

_CODE = (".py", ".so")

_ELSEWHERE = ("rotation", "testing")
"""The rooms of the runtime that no attached function uses."""

LIBRARIES = ("jmespath",)
"""The distributions in every layer; some have others beside them."""

PARTS = {"cffi": "_cffi_backend"}
"""Distributions of which the layer needs one module, by the beginning of its file's name."""


def layer_for(
    stack: Stack,
    libraries: tuple[str, ...] = (),
    *,
    architecture: lambda_.Architecture | None = None,
    rooms: tuple[str, ...] = (),
) -> lambda_.LayerVersion:
    """Return the stack's one layer with these libraries, for one `architecture` if they have native
    code, and with these rooms of the runtime beside those that attached functions use.

    It is never shared between stacks: CloudFormation refuses to replace an export that another
    stack imports, so the second deployment would fail.
    """
    content = _content(stack, libraries, rooms)
    digest = _digest(content)
    # The hash in the id gives a changed layer a new logical id, which function versions follow.
    construct_id = f"IdempotencyLayer{digest[:16]}"
    existing = stack.node.try_find_child(construct_id)
    if existing is not None:
        assert isinstance(existing, lambda_.LayerVersion)
        return existing
    return lambda_.LayerVersion(
        stack,
        construct_id,
        code=lambda_.Code.from_asset(
            str(_build(content, _output(stack) / f"idempotency-layer.{digest}")),
            asset_hash=digest,
            asset_hash_type=AssetHashType.CUSTOM,
        ),
        compatible_runtimes=(
            list(RUNTIMES) if architecture is None else fitting_runtimes(libraries, architecture)
        ),
        compatible_architectures=None if architecture is None else [architecture],
        description=f"cdk-idempotency {VERSION}: {', '.join((PACKAGE, *libraries))}",
        license="Apache-2.0",
    )


def bytecode_runtime() -> str:
    """Return the Lambda runtime that the layer's byte code fits."""
    return f"python{sys.version_info.major}.{sys.version_info.minor}"


def _content(stack: Stack, libraries: tuple[str, ...], rooms: tuple[str, ...]) -> dict[str, Path]:
    """Return the files of the layer: their paths in it, and where they are now."""
    package = Path(str(files(PACKAGE)))
    modules = {path.relative_to(package): path for path in package.rglob("*.py")}
    content = {
        f"python/{PACKAGE}/{relative}": path
        for relative, path in modules.items()
        if relative.parts[0] not in _ELSEWHERE or relative.parts[0] in rooms
    }
    for library in (*LIBRARIES, *libraries):
        installed, part = _installed(stack, library), PARTS.get(library)
        for entry in installed.files or ():
            top = entry.parts[0]
            code = entry.suffix in _CODE and (
                top == library if part is None else top.startswith(part)
            )
            license_file = top.endswith(".dist-info") and "licen" in str(entry).lower()
            if code or license_file or (top.endswith(".dist-info") and entry.name == "METADATA"):
                content[f"python/{entry}"] = Path(str(installed.locate_file(entry)))
    return dict(sorted(content.items()))


def _installed(stack: Stack, library: str) -> Distribution:
    try:
        return distribution(library)
    except PackageNotFoundError:
        raise ConstructError(
            stack,
            f"the layer is copied from what is installed here, and {library} is not: run "
            f"pip install 'cdk-idempotency[{library}]'",
        ) from None


def _digest(content: dict[str, Path]) -> str:
    hashed = sha256(str(sys.implementation.cache_tag).encode())
    hashed.update(Path(byte_code.__file__).read_bytes())
    for name, path in content.items():
        data = path.read_bytes()
        hashed.update(f"\0{name}\0{len(data)}\0".encode())
        hashed.update(data)
    return hashed.hexdigest()


def _output(stack: Stack) -> Path:
    stage = Stage.of(stack)
    assert stage is not None
    return Path(stage.asset_outdir)


def _build(content: dict[str, Path], target: Path) -> Path:
    """Return the layer's directory, built once for each content and output directory."""
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        built = Path(scratch) / "layer"
        for name, path in content.items():
            (built / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, built / name)
        _compile(built)
        try:
            built.rename(target)
        except OSError:  # another synthesis was faster, with the same content
            if not target.exists():
                raise
    return target


def _compile(directory: Path) -> None:
    subprocess.run(  # noqa: S603 - this interpreter, no shell, and paths made here
        [
            sys.executable,
            *("-I", "-X", "no_debug_ranges", byte_code.__file__, str(directory), "/opt"),
        ],
        check=True,
        env={"PATH": os.environ.get("PATH", "")},
    )
