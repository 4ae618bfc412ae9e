"""The function's code, whose files Lambda finds before those of the layer."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from zipfile import ZipFile

from aws_cdk import Stage
from aws_cdk import aws_lambda as lambda_

from lambda_idempotency.contract.settings import WRAPPER

from ..errors import ConstructError

PACKAGE: Final = WRAPPER.partition(".")[0]
"""The layer's package."""

_WRAPPER_FILE: Final = f"{WRAPPER.rpartition('.')[0].replace('.', '/')}.py"
"""A file of that package, by which a copy of it is recognized."""


def has_package_copy(function: lambda_.Function) -> bool:
    """Return true if the function's code brings its own copy of the layer's package. Raise
    ConstructError naming a file that hides the package and is no copy."""
    files = _files(function)
    package = f"{PACKAGE}/__init__.py"
    if {package, _WRAPPER_FILE} <= files:
        return True
    for name in (f"{PACKAGE}.py", package):
        if name in files:
            raise ConstructError(
                function,
                f"its code has a file {name}, which hides the layer's package of that name: "
                "rename it",
            )
    return False


def _files(function: lambda_.Function) -> set[str]:
    """Return the files at the top of the function's code, and in a package like the layer's."""
    asset = function.node.try_find_child("Code")
    stage = Stage.of(function)
    path = getattr(asset, "asset_path", None)
    if path is None or stage is None:
        return set()  # inline, or from a bucket
    code = Path(stage.outdir, path)
    if code.is_dir():
        found = (*code.glob(f"{PACKAGE}.py"), *code.glob(f"{PACKAGE}/*.py"))
        return {str(file.relative_to(code)) for file in found}
    if code.suffix not in (".zip", ".jar"):
        return set()
    with ZipFile(code) as archive:
        return set(archive.namelist())
