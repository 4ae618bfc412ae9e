"""The code in the pages of the documentation, and what becomes of it when it is run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from aws_cdk import App
from aws_cdk.cx_api import CloudAssembly


def blocks_of(text: str) -> list[str]:
    """Its blocks of Python."""
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def names_of(block: str) -> dict[str, Any]:
    """What a block defines."""
    names: dict[str, Any] = {}
    exec(compile(block, "page.md", "exec", dont_inherit=True), names)
    return names


def synthesised(
    block: str, stack: str, directory: Path, *, module: str = "payments"
) -> CloudAssembly:
    """What becomes of the stack that a block defines, with its function's module in a directory."""
    (directory / "function").mkdir()
    (directory / "function" / f"{module}.py").touch()
    app = App(outdir=str(directory / "out"))
    names_of(block.replace('from_asset("', f'from_asset("{directory}/'))[stack](app, stack)
    return app.synth()
