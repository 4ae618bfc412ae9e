"""The function's code and handler, as far as the layer depends on them."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from zipfile import ZipFile

from aws_cdk import Annotations, Stage, Token
from aws_cdk import aws_lambda as lambda_

from lambda_idempotency.contract import WRAPPER

from ..errors import refusal
from ..inspection import resource_of

PACKAGE: Final = WRAPPER.partition(".")[0]


def own_handler(function: lambda_.Function) -> str:
    """The handler that the function has. Raises ValueError where it cannot be wrapped."""
    handler = resource_of(function).handler
    if handler is None or Token.is_unresolved(handler):
        raise refusal(
            function,
            "its handler is a CDK token, so it cannot be wrapped; pass a text known at synth, or "
            "decorate the handler with @idempotent",
        )
    return handler


def redirect(function: lambda_.Function) -> None:
    """Puts the wrapper in the place of the function's handler."""
    resource_of(function).handler = WRAPPER


def check_not_shadowed(function: lambda_.Function) -> None:
    """Lambda finds the function's own files before the layer's: raises ValueError naming a file
    that hides the layer's package, and warns of a copy of the package."""
    files = _files(function)
    package = f"{PACKAGE}/__init__.py"
    if package in files and f"{PACKAGE}/contract.py" in files:
        Annotations.of(function).add_warning_v2(
            "cdk-idempotency:copy",
            f"The function's code brings its own copy of {PACKAGE}, which Lambda finds before the "
            "layer's. Leave it out of what is deployed, or keep both at one version.",
        )
        return
    for name in (f"{PACKAGE}.py", package):
        if name in files:
            raise refusal(
                function,
                f"its code has a file {name}, which hides the layer's package of that name: "
                "rename it",
            )


def _files(function: lambda_.Function) -> set[str]:
    """The names at the top of the function's code, and in a package like the layer's."""
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
