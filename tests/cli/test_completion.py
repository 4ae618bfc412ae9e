"""Completion of the shell: commands, options and states, without asking AWS."""

from __future__ import annotations

import pytest
from click.shell_completion import ShellComplete

from cdk_idempotency_cli.main import cli


@pytest.mark.parametrize(
    ("before", "typed", "offered"),
    [
        ([], "re", {"release"}),
        (["list"], "--old", {"--older-than"}),
        (["list", "--state"], "o", {"orphan"}),
    ],
)
def test_what_is_typed_is_completed(before: list[str], typed: str, offered: set[str]) -> None:
    shell = ShellComplete(cli, {}, "cdk-idempotency", "_CDK_IDEMPOTENCY_COMPLETE")
    assert {each.value for each in shell.get_completions(before, typed)} == offered
