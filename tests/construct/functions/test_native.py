"""Native code in the layer: taken from what is installed, if that runs on the function."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Final

import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_

from cdk_idempotency import Idempotency
from cdk_idempotency.functions import native
from kit.synth import app, function, only, stack, template

LAYER: Final = "AWS::Lambda::LayerVersion"
CRYPTOGRAPHY: Final = "cp311-abi3-manylinux2014_x86_64"
CFFI: Final = "cp313-cp313-manylinux_2_17_x86_64"


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that says for what the distributions here are."""

    def installed(**tags: str) -> None:
        known = {"cryptography": CRYPTOGRAPHY, "cffi": CFFI, **tags}
        monkeypatch.setattr(native, "_tags", lambda found: [known[found.name]])

    installed()
    return installed


def _synthesized(path: Path, **options: Any) -> tuple[Path, dict[str, Any]]:
    root = app(outdir=path / "out")
    scope = stack(root)
    idempotency = Idempotency(scope, "Idempotency", response_key=kms.Key(scope, "Key"))
    idempotency.attach(function(scope, **options))
    layer = only(template(scope), LAYER)
    [directory] = [each for each in (path / "out").glob("asset.*") if (each / "python").is_dir()]
    return directory / "python", layer


def _refused(tags: str, runtime: str = "python3.13", machine: str = "x86_64") -> Any:
    return pytest.raises(
        ValueError,
        match=re.escape(f"That is for {tags}, and the function runs on {runtime}, {machine}: ship"),
    )


def test_the_layer_has_the_library_and_what_loads_it(
    installed: Callable[..., None], tmp_path: Path
) -> None:
    python, layer = _synthesized(tmp_path)
    assert list(python.glob("cryptography/hazmat/bindings/*.so"))
    assert list(python.glob("_cffi_backend*.so"))
    assert not (python / "cffi").exists()
    assert layer["CompatibleRuntimes"] == ["python3.13"]
    assert layer["CompatibleArchitectures"] == ["x86_64"]


def test_a_function_that_ships_the_library_gets_the_layer_without_it(tmp_path: Path) -> None:
    code = tmp_path / "code"
    (code / "cryptography").mkdir(parents=True)
    (code / "cryptography" / "__init__.py").touch()
    python, layer = _synthesized(tmp_path, code=lambda_.Code.from_asset(str(code)))
    assert not (python / "cryptography").exists()
    assert "CompatibleArchitectures" not in layer


def test_functions_that_share_their_code_ship_it_all(tmp_path: Path) -> None:
    (tmp_path / "code" / "cryptography").mkdir(parents=True)
    (tmp_path / "code" / "cryptography" / "__init__.py").touch()
    root = app(outdir=tmp_path / "out")
    scope = stack(root)
    idempotency = Idempotency(scope, "Idempotency", response_key=kms.Key(scope, "Key"))
    code = lambda_.Code.from_asset(str(tmp_path / "code"))
    for name in ("One", "Two"):
        idempotency.attach(function(scope, name, code=code))
    template(scope).resource_count_is(LAYER, 1)


def test_a_zip_that_ships_the_library_counts_too(tmp_path: Path) -> None:
    code = tmp_path / "code"
    (code / "cryptography").mkdir(parents=True)
    (code / "cryptography" / "__init__.py").touch()
    archive = shutil.make_archive(str(tmp_path / "code"), "zip", code)
    python, _ = _synthesized(tmp_path, code=lambda_.Code.from_asset(archive))
    assert not (python / "cryptography").exists()


def test_without_a_key_the_layer_has_no_native_code(tmp_path: Path) -> None:
    root = app(outdir=tmp_path)
    scope = stack(root)
    Idempotency(scope, "Idempotency").attach(function(scope))
    template(scope)
    assert not list(tmp_path.glob("asset.*/python/**/*.so"))


@pytest.mark.parametrize(
    ("tags", "what"),
    [
        ({"cryptography": "cp311-abi3-macosx_11_0_arm64"}, "cp311-abi3-macosx_11_0_arm64"),
        ({"cryptography": "cp311-abi3-musllinux_1_2_x86_64"}, "cp311-abi3-musllinux_1_2_x86_64"),
        ({"cryptography": "cp311-abi3-linux_x86_64"}, "cp311-abi3-linux_x86_64"),
        ({"cryptography": "cp311-abi3-manylinux_2_39_x86_64"}, "cp311-abi3-manylinux_2_39_x86_64"),
        ({"cryptography": "cp314-abi3-manylinux2014_x86_64"}, "cp314-abi3-manylinux2014_x86_64"),
        ({"cffi": "cp312-cp312-manylinux2014_x86_64"}, "cp312-cp312-manylinux2014_x86_64"),
        ({"cffi": "cp313-cp313t-manylinux2014_x86_64"}, "cp313-cp313t-manylinux2014_x86_64"),
        ({"cffi": "an unknown platform"}, "an unknown platform"),
    ],
    ids=str,
)
def test_what_does_not_run_on_the_function_is_refused(
    installed: Callable[..., None], tmp_path: Path, tags: dict[str, str], what: str
) -> None:
    installed(**tags)
    with _refused(what):
        _synthesized(tmp_path)


def test_another_architecture_is_refused_with_the_command_that_helps(
    installed: Callable[..., None], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"python3\.13, arm64") as refused:
        _synthesized(tmp_path, architecture=lambda_.Architecture.ARM_64)
    assert (
        "pip install --only-binary=:all: --platform manylinux2014_aarch64 --python-version 3.13 "
        "--target DIRECTORY cryptography"
    ) in str(refused.value)


@pytest.mark.parametrize(
    ("platform", "fits"),
    [("manylinux2014", True), ("manylinux_2_26", True), ("manylinux_2_28", False)],
)
def test_python_3_11_has_an_older_c_library(
    installed: Callable[..., None], tmp_path: Path, platform: str, *, fits: bool
) -> None:
    tag = f"cp311-abi3-{platform}_x86_64"
    installed(cryptography=tag, cffi="cp311-cp311-manylinux2014_x86_64")
    if fits:
        _synthesized(tmp_path, runtime=lambda_.Runtime.PYTHON_3_11)
    else:
        with _refused(tag, "python3.11"):
            _synthesized(tmp_path, runtime=lambda_.Runtime.PYTHON_3_11)


@pytest.mark.parametrize("lacks", ["cryptography", "cffi"])
def test_what_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, installed: Callable[..., None], tmp_path: Path, lacks: str
) -> None:
    def found(name: str) -> Any:
        if name == lacks:
            raise PackageNotFoundError
        return distribution(name)

    monkeypatch.setattr(native, "distribution", found)
    with pytest.raises(ValueError, match=f"response_key needs {lacks} in the layer.* it is not"):
        _synthesized(tmp_path)


def test_the_tags_are_those_of_the_wheel() -> None:
    assert native._tags(distribution("jmespath")) == ["py3-none-any"]
    assert all("manylinux" in tag or "macosx" in tag for tag in native._tags(distribution("cffi")))
