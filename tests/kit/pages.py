"""The pages of the documentation: their text, their code, and what becomes of it when it is run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final, NamedTuple

from aws_cdk.cx_api import CloudAssembly

from kit.aws.local import ROOT
from kit.synth import app

DOCS: Final = ROOT / "docs"
PAGES: Final = (ROOT / "README.md", *sorted(DOCS.glob("*.md")))
EXAMPLES: Final = tuple(sorted(page.parent for page in (ROOT / "examples").glob("*/stack.py")))


class Block(NamedTuple):
    """A block of Python in a page."""

    page: str
    code: str


BLOCKS: Final = tuple(
    Block(page.stem, code)
    for page in PAGES
    for code in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
)


def text_of(page: str) -> str:
    """Return the text of a page of docs/."""
    return (DOCS / f"{page}.md").read_text()


def block(fragment: str, *, page: str = "") -> str:
    """Return the one block that holds a fragment; of a page, where several do."""
    [code] = [each.code for each in BLOCKS if fragment in each.code and each.page.startswith(page)]
    return code


def names_of(code: str) -> dict[str, Any]:
    """Execute a block, and return what it defines."""
    names: dict[str, Any] = {}
    exec(compile(code, "page.md", "exec", dont_inherit=True), names)
    return names


def run(fragment: str, *, page: str = "") -> dict[str, Any]:
    """Execute the block that holds a fragment, and return what it defines."""
    return names_of(block(fragment, page=page))


def synthesized(
    code: str, stack: str, directory: Path, *, module: str = "payments"
) -> CloudAssembly:
    """Synthesize the stack that a block defines, with its function's module in a directory."""
    (directory / "function").mkdir()
    (directory / "function" / f"{module}.py").touch()
    scope = app()
    names_of(code.replace('from_asset("', f'from_asset("{directory}/'))[stack](scope, stack)
    return scope.synth()


def cells_of(line: str) -> list[str]:
    """Return the cells of a row of a table; none where the line is no row."""
    return [cell.strip() for cell in line.split("|")[1:-1]]
