"""The Lambda layer: its resource, and its directory in the cloud assembly."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from aws_cdk import AssetHashType, Stack, Stage
from aws_cdk import aws_lambda as lambda_

from lambda_idempotency.contract.names import VERSION

from . import byte_code
from .code import PACKAGE
from .contents import Content, Contents


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A layer of a stack."""

    version: lambda_.LayerVersion
    is_compiled: bool
    """True if it has byte code."""


def layer_for(
    stack: Stack,
    runtime: lambda_.Runtime,
    libraries: tuple[str, ...] = (),
    *,
    contents: Contents | None = None,
    architecture: str | None = None,
    packages: tuple[str, ...] = (),
    compiled: bool = True,
) -> Layer:
    """Return the stack's one layer for a runtime with these libraries, for one `architecture` if
    they have native code, and with these packages of the runtime beside those that attached
    functions use. `compiled`: with byte code, where a Python of that version is here.

    It is never shared between stacks: CloudFormation refuses to replace an export that another
    stack imports, so the second deployment would fail.
    """
    found = Contents.of(stack) if contents is None else contents
    content = found.content(runtime.name, libraries, packages, compiled=compiled)
    is_compiled = content.python is not None
    # The hash in the id gives a changed layer a new logical id, which function versions follow.
    construct_id = f"IdempotencyLayer{content.digest[:16]}"
    existing = stack.node.try_find_child(construct_id)
    if existing is not None:
        assert isinstance(existing, lambda_.LayerVersion)
        return Layer(version=existing, is_compiled=is_compiled)
    version = lambda_.LayerVersion(
        stack,
        construct_id,
        code=lambda_.Code.from_asset(
            str(_build(content, _target(stack, content))),
            asset_hash=content.digest,
            asset_hash_type=AssetHashType.CUSTOM,
        ),
        compatible_runtimes=[runtime],
        compatible_architectures=(
            None if architecture is None else [lambda_.Architecture.custom(architecture)]
        ),
        description=f"cdk-idempotency {VERSION}: {', '.join((PACKAGE, *libraries))}",
        license="Apache-2.0",
    )
    return Layer(version=version, is_compiled=is_compiled)


def _target(stack: Stack, content: Content) -> Path:
    """Return the directory to which CDK would copy the layer, so that it need not."""
    stage = Stage.of(stack)
    assert stage is not None
    asset = sha256(content.digest.encode()).hexdigest()
    return Path(stage.asset_outdir, f"asset.{asset}.layer")


def _build(content: Content, target: Path) -> Path:
    """Return the layer's directory, built once for each content and output directory."""
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        built = Path(scratch) / "layer"
        for name, data in content.files.items():
            (built / name).parent.mkdir(parents=True, exist_ok=True)
            (built / name).write_bytes(data)
        if content.python is not None:
            _compile(built, content.python)
        _let_lambda_read(built)
        try:
            built.rename(target)
        except OSError:  # another synthesis was faster, with the same content
            if not target.exists():
                raise
    return target


def _compile(directory: Path, python: str) -> None:
    program = ("-I", "-X", "no_debug_ranges", byte_code.__file__, str(directory), "/opt")
    others = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    subprocess.run([python, *program], check=True, env=others)  # noqa: S603 - no shell


def _let_lambda_read(built: Path) -> None:
    """Set the permissions, which the archive keeps: a umask may have taken them away, and Lambda
    reads a layer as another user."""
    for path in (built, *built.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
