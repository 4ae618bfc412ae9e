"""Copies of the packages that are measured, with and without byte code.

Every process of a run imports from them: what is edited meanwhile, and how it was installed,
makes no difference.
"""

from __future__ import annotations

import compileall
import shutil
from importlib.util import find_spec
from pathlib import Path

from kit.aws.local import ROOT

OURS = ROOT / "runtime" / "lambda_idempotency"
FLOORS = tuple(ROOT / "benchmarks" / name for name in ("floor.py", "floor_redis.py"))

PEER = (
    "aws_lambda_powertools",
    "boto3",
    "botocore",
    "dateutil",
    "jmespath",
    "redis",
    "s3transfer",
    "six",
    "typing_extensions",
    "urllib3",
)
"""The peer with all that it imports; raw boto3 is among it, and the redis-py of all."""


def trees(directory: Path) -> tuple[Path, Path]:
    """Two directories for PYTHONPATH with all the packages: compiled, and without byte code."""
    sources = [OURS, *FLOORS, *(_installed(name) for name in PEER)]
    compiled, bare = directory / "compiled", directory / "bare"
    for tree in (compiled, bare):
        tree.mkdir()
        for source in sources:
            _copy(source, tree / source.name)
    compileall.compile_dir(compiled, quiet=2)
    return compiled, bare


def _copy(source: Path, target: Path) -> None:
    if source.is_file():
        shutil.copy(source, target)
        return
    # botocore's data is linked rather than copied: 25 MB that hold no code.
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "data"))
    if (source / "data").is_dir():
        (target / "data").symlink_to(source / "data")


def _installed(name: str) -> Path:
    spec = find_spec(name)
    assert spec is not None, f"{name} is not installed"
    assert spec.origin is not None
    origin = Path(spec.origin)
    return origin.parent if origin.name == "__init__.py" else origin
