"""The construct's tests with the oldest and the newest CDK that pyproject.toml promises:
python -m kit.cdk_versions DIRECTORY

Each is installed beside the environment, in a directory that Python looks into first.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

from kit.aws.local import ROOT

LEFT_OUT: Final = ("test_outside_rules.py", "test_distribution.py")
"""Tests of cdk-nag, which asks for a CDK of its own, and of the installed wheel."""


def promised() -> list[str]:
    """Return the requirements of the construct: the CDK's."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    found: list[str] = project["project"]["optional-dependencies"]["cdk"]
    return found


def lowest(requirement: str) -> str:
    """Return the requirement of the oldest version that is promised."""
    return re.sub(r">=([\d.]+),.*", r"==\1", requirement)


def main() -> int:
    """Run the tests with each; return the first exit code that is no success."""
    choices = {"lowest": [lowest(each) for each in promised()], "newest": promised()}
    results = [_run(Path(sys.argv[1], name), wanted) for name, wanted in choices.items()]
    return next((result for result in results if result), 0)


def _run(place: Path, wanted: list[str]) -> int:
    print(f"{', '.join(wanted)} ...", flush=True)
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install")
    subprocess.run([*pip, "--upgrade", "--target", str(place), *wanted], check=True)
    tests = ROOT / "tests" / "construct"
    ignored = [f"--ignore={tests / name}" for name in LEFT_OUT]
    path = os.pathsep.join([str(place), str(ROOT / "tests")])
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadgroup", *ignored, str(tests)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        check=False,
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
