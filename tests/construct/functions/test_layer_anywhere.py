"""The layer is the same wherever the app is synthesized, and Lambda can read it."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import zipfile
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.metadata import PackageNotFoundError, PathDistribution, distribution
from importlib.util import find_spec
from pathlib import Path
from sysconfig import get_path
from typing import Any

import pytest
from aws_cdk import aws_lambda as lambda_

from cdk_idempotency import Idempotency
from cdk_idempotency.functions import contents as module
from kit.aws.local import ROOT
from kit.changed import HERE
from kit.synth import app, function, stack

PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"


def _layers(output: Path, *runtimes: lambda_.Runtime) -> list[Path]:
    """Return the directories that become the layers of functions with these runtimes."""
    root = app(outdir=output)
    scope = stack(root)
    idempotency = Idempotency(scope, "Idempotency")
    for runtime in runtimes or (HERE,):
        idempotency.attach(function(scope, runtime.name.replace(".", ""), runtime=runtime))
    root.synth()
    return sorted(path for path in output.iterdir() if (path / "python").is_dir())


def test_a_strict_umask_takes_no_permission_from_the_layer(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        [layer] = _layers(tmp_path / "out")
    finally:
        os.umask(before)
    modes = {
        (path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in (layer, *layer.rglob("*"))
    }
    assert modes == {(True, 0o755), (False, 0o644)}


def test_the_layer_lies_once_in_the_cloud_assembly(tmp_path: Path) -> None:
    _layers(tmp_path / "out")
    assert len(list((tmp_path / "out").glob("*/python"))) == 1


def test_two_places_make_one_layer(tmp_path: Path) -> None:
    [one], [other] = _layers(tmp_path / "a"), _layers(tmp_path / "b" / "c")
    assert one.name == other.name


def test_all_idempotency_constructs_of_an_app_read_the_layer_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[Any] = []
    original = module._read

    def counted(*of: Any) -> dict[str, bytes]:
        read.append(of)
        return original(*of)

    monkeypatch.setattr(module, "_read", counted)
    root = app()
    for name in ("One", "Two"):
        scope = stack(root, name)
        idempotency = Idempotency(scope, "Idempotency")
        idempotency.attach(function(scope, "A"))
        idempotency.attach(function(scope, "B"))
    assert len(read) == 1


# Several Pythons ---------------------------------------------------------------------------------


def _python(minor: int) -> str:
    """Return a Python of this minor version, or skip the test."""
    name = f"python3.{minor}"
    for found in (*sorted(PYENV.glob(f"3.{minor}.*/bin/{name}")), Path(shutil.which(name) or "")):
        done = (
            subprocess.run([found, "-V"], capture_output=True, check=False) if found.name else None
        )
        if done is not None and done.returncode == 0:
            return str(found)
    pytest.skip(f"there is no {name} here")


def test_another_python_makes_the_byte_code_of_its_functions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    minor = 12 if sys.version_info.minor != 12 else 13
    monkeypatch.setenv("PATH", str(Path(_python(minor)).parent), prepend=os.pathsep)
    [layer] = _layers(tmp_path / "out", getattr(lambda_.Runtime, f"PYTHON_3_{minor}"))
    names = {path.name.split(".")[1] for path in layer.rglob("*.pyc")}
    assert names == {f"cpython-3{minor}"}


APP = """
import sys
from aws_cdk import App, Stack, aws_lambda as lambda_
from cdk_idempotency import Idempotency
app = App(outdir=sys.argv[1], analytics_reporting=False)
stack = Stack(app, "Stack")
code = lambda_.Code.from_inline("def handler(event, context): ...")
runtime = lambda_.Runtime.PYTHON_3_13
function = lambda_.Function(stack, "F", code=code, runtime=runtime, handler="index.handler")
Idempotency(stack, "Idempotency").attach(function)
app.synth()
"""


def test_two_pythons_make_one_layer(tmp_path: Path) -> None:
    """As where CI has another one than the desk."""
    places = [str(ROOT / "constructs"), str(ROOT / "runtime"), get_path("purelib")]
    found = []
    for minor in (12, 13):
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(places),
            "PATH": os.pathsep.join([str(Path(_python(13)).parent), os.environ["PATH"]]),
            "CDK_VALIDATION": "false",
        }
        output = tmp_path / str(minor)
        command = [_python(minor), "-c", APP, str(output)]
        subprocess.run(command, check=True, env=environment, capture_output=True)
        [layer] = [path for path in output.iterdir() if (path / "python").is_dir()]
        files = sorted(path for path in layer.rglob("*") if path.is_file())
        found.append(
            (layer.name, {str(path.relative_to(layer)): path.read_bytes() for path in files})
        )
    assert found[0] == found[1]
    assert [name for name in found[0][1] if name.endswith(".cpython-313.pyc")]


def test_a_file_with_a_pythons_name_that_runs_nothing_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shim = tmp_path / "python3.42"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert module._python("python3.42") is None


# Ways in which a distribution may be installed ----------------------------------------------------


def test_a_distribution_without_a_list_of_its_files_is_there_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Debian installs it."""
    monkeypatch.setattr(PathDistribution, "files", property(lambda self: None))
    [layer] = _layers(tmp_path / "out")
    shipped = {path.name for path in (layer / "python" / "jmespath").glob("*.py")}
    found = find_spec("jmespath")
    assert found is not None
    assert found.origin is not None
    assert shipped == {path.name for path in Path(found.origin).parent.glob("*.py")}


def test_a_distribution_without_metadata_is_there_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> Any:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(module, "distribution", missing)
    [layer] = _layers(tmp_path / "out")
    assert (layer / "python" / "jmespath" / "__init__.py").is_file()


@pytest.mark.parametrize("package", ["jmespath", "lambda_idempotency"])
def test_a_package_in_a_zip_is_refused_by_name(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "packages.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr(f"{package}/__init__.py", "")
    origin = f"{archive}/{package}/__init__.py"
    zipped = ModuleSpec(package, SourceFileLoader(package, origin), origin=origin, is_package=True)
    monkeypatch.setattr(
        module, "find_spec", lambda name: zipped if name == package else find_spec(name)
    )
    scope = stack()
    with pytest.raises(ValueError, match=f"{package} is not a file or a directory .*: install"):
        Idempotency(scope, "Idempotency").attach(function(scope))


def test_what_is_not_installed_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        module, "find_spec", lambda name: None if name == "jmespath" else find_spec(name)
    )
    scope = stack()
    with pytest.raises(ValueError, match="jmespath is not: run pip install 'jmespath'"):
        Idempotency(scope, "Idempotency").attach(function(scope))


def test_the_license_goes_with_the_library(tmp_path: Path) -> None:
    [layer] = _layers(tmp_path / "out")
    home = layer / "python" / f"jmespath-{distribution('jmespath').version}.dist-info"
    assert {path.name for path in home.rglob("*") if path.is_file()} == {"METADATA", "LICENSE"}
