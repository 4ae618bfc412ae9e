"""Byte code: all that a module does, nothing that only its readers need."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from importlib.machinery import SourcelessFileLoader
from pathlib import Path
from types import CodeType, ModuleType

import pytest

from cdk_idempotency.functions import byte_code

SOURCE = '''"""Of the module."""

from __future__ import annotations

class Documented:
    """Of the class."""

    def method(self) -> str:
        """Of the method."""
        "A second one."
        assert self, "an assert"
        return "a text"

    async def only(self) -> None:
        """Of the coroutine."""

class Only:
    """Of an empty class."""
'''


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """Return the source, compiled as the layer is."""
    directory = tmp_path_factory.mktemp("compiled")
    (directory / "package").mkdir()
    source = directory / "package" / "sample.py"
    source.write_text(SOURCE)
    command = [sys.executable, "-I", "-X", "no_debug_ranges", byte_code.__file__]
    subprocess.run([*command, str(directory), "/root"], check=True)
    path = importlib.util.cache_from_source(str(source))
    assert Path(path).name == f"sample.{sys.implementation.cache_tag}.pyc"
    spec = importlib.util.spec_from_loader("sample", SourcelessFileLoader("sample", path))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _code(function: Callable[..., object]) -> CodeType:
    code: CodeType = function.__code__
    return code


def test_docstrings_are_left_out(compiled: ModuleType) -> None:
    kinds = (compiled, compiled.Documented, compiled.Only)
    methods = (compiled.Documented.method, compiled.Documented.only)
    assert [each.__doc__ for each in (*kinds, *methods)] == [None] * 5


def test_texts_that_code_uses_stay(compiled: ModuleType) -> None:
    assert compiled.Documented().method() == "a text"


def test_asserts_stay(compiled: ModuleType) -> None:
    with pytest.raises(AssertionError, match="an assert"):
        compiled.Documented.method(None)


def test_lines_stay_for_tracebacks_and_columns_do_not(compiled: ModuleType) -> None:
    code = _code(compiled.Documented.method)
    positions = list(code.co_positions())
    assert {line for line, *_ in positions} == {8, 11, 12}
    assert {tuple(columns) for _, _, *columns in positions} == {(None, None)}


def test_a_traceback_names_the_file_where_the_function_has_it(compiled: ModuleType) -> None:
    assert _code(compiled.Documented.method).co_filename == "/root/package/sample.py"
