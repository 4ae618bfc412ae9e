"""The README's code runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App

from kit.local_aws import ROOT

BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def _run(fragment: str, directory: str = ".") -> dict[str, Any]:
    """Executes the one block that holds a fragment, as if in a directory; returns its names."""
    [block] = [block for block in BLOCKS if fragment in block]
    block = block.replace('from_asset("', f'from_asset("{directory}/')
    names: dict[str, Any] = {}
    exec(compile(block, "README.md", "exec"), names)
    return names


@pytest.fixture(autouse=True)
def memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDEMPOTENCY_STORE", "memory")


def test_every_block_is_run_here() -> None:
    assert len(BLOCKS) == 4


def test_the_stack_synthesises(tmp_path: Path) -> None:
    (tmp_path / "function").mkdir()
    (tmp_path / "function" / "payments.py").touch()
    app = App(outdir=str(tmp_path / "out"))
    _run("class Payments", str(tmp_path))["Payments"](app, "Payments")
    assert [stack.stack_name for stack in app.synth().stacks] == ["Payments"]


def test_the_handler_answers_a_duplicate() -> None:
    handler = _run('{"charged"')["handler"]
    assert handler({"amount": 5}, None) == handler({"amount": 5}, None) == {"charged": 5}


def test_the_downstream_key_reaches_the_payment() -> None:
    names = _run("downstream_key")
    names["pay"] = lambda amount, idempotency_key: [amount, len(idempotency_key)]
    assert names["handler"]({"payment_id": 1, "amount": 5}, None) == [5, 64]


def test_the_users_test_passes() -> None:
    _run("MemoryStore()")["test_a_second_call_is_a_replay"]()
