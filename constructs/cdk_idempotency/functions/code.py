"""The function's code, whose files Lambda finds before those of the layer."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from zipfile import ZipFile

from aws_cdk import Stage

from lambda_idempotency.contract.settings import WRAPPER

from ..errors import ConstructError
from .attachable import Attachable

PACKAGE: Final = WRAPPER.partition(".")[0]
"""The layer's package."""

_WRAPPER_FILE: Final = f"{WRAPPER.rpartition('.')[0].replace('.', '/')}.py"
"""A file of that package, by which a copy of it is recognized."""


def has_package_copy(function: Attachable) -> bool:
    """Return true if the function's code brings its own copy of the layer's package. Raise
    ConstructError naming a file that hides the package and is no copy."""
    files = _files(function, PACKAGE)
    package = f"{PACKAGE}/__init__.py"
    if {package, _WRAPPER_FILE} <= files:
        return True
    for name in (f"{PACKAGE}.py", package):
        if name in files:
            raise ConstructError(
                function.function,
                f"its code has a file {name}, which hides the layer's package of that name: "
                "rename it",
            )
    return False


def ships(function: Attachable, file: str) -> bool:
    """Return true if the function's code has this file of a package; false where the code is not
    known here."""
    return file in _files(function, file.partition("/")[0])


def _files(function: Attachable, package: str) -> set[str]:
    """Return the files of a package or module in the function's code, and perhaps others."""
    code = _staged(function)
    if code is None:
        return set()  # inline, or from a bucket
    if code.is_dir():
        found = (*code.glob(f"{package}.py"), *code.glob(f"{package}/*.py"))
        return {str(file.relative_to(code)) for file in found}
    if code.suffix not in (".zip", ".jar"):
        return set()
    with ZipFile(code) as archive:
        return set(archive.namelist())


def _staged(attachable: Attachable) -> Path | None:
    """Return where the function's code lies in the cloud assembly; None if it is not there."""
    code = attachable.properties.get("code")
    if not isinstance(code, dict) or "zipFile" in code:
        return None
    stage = Stage.of(attachable.stack)
    assert stage is not None
    # Of functions that share their code, the first has the asset, and all have its hash.
    if isinstance(key := code.get("s3Key"), str):
        staged = Path(stage.asset_outdir, f"asset.{Path(key).stem}")
        for found in (staged, staged.with_name(f"{staged.name}.zip")):
            if found.exists():
                return found
    asset = attachable.function.node.try_find_child("Code")
    path = getattr(asset, "asset_path", None)
    return None if path is None else Path(stage.outdir, path)
