"""Byte code of the layer: what an import executes, without docstrings and columns.

They are a third of it, zipped. Nothing reads docstrings in a function; the sources beside the byte
code keep them. Tracebacks show the line, without a mark below the part of it that failed. `-OO`
would also leave out asserts.

A program of its own, because byte code depends on what its process has interned, and must be
reproducible: python -I -X no_debug_ranges byte_code.py DIRECTORY ROOT
"""

from __future__ import annotations

import ast
import marshal
import sys
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash
from pathlib import Path

_UNCHECKED_HASH = (0b01).to_bytes(4, "little")
"""/opt is read-only, so Lambda could not renew byte code; and files' times do not matter
(https://peps.python.org/pep-0552/)."""

_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def compile_all(directory: Path, root: str) -> None:
    """Write byte code for each source in a directory, which the function will have at `root`.

    Its name has the Python that compiles: that of others fits beside it.
    """
    for path in sorted(directory.rglob("*.py")):
        source = path.read_bytes()
        tree = _without_docstrings(ast.parse(source))
        name = f"{root}/{path.relative_to(directory).as_posix()}"
        code = marshal.dumps(compile(tree, name, "exec", dont_inherit=True, optimize=0))
        compiled = Path(cache_from_source(str(path)))
        compiled.parent.mkdir(exist_ok=True)
        compiled.write_bytes(MAGIC_NUMBER + _UNCHECKED_HASH + source_hash(source) + code)


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        while isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.copy_location(ast.Pass(), node.body[0])]
    return tree


if __name__ == "__main__":
    compile_all(Path(sys.argv[1]), sys.argv[2])
