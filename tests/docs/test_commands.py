"""The commands of the pages are commands that there are, with options that they have."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from cdk_idempotency_cli.main import cli
from kit.pages import PAGES, text_of


def _scripts(text: str) -> str:
    return "".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))


COMMANDS = sorted(
    {
        line
        for page in PAGES
        for line in re.findall(r"cdk-idempotency ([^)\n]+)", _scripts(page.read_text()))
    }
)


def parsed(line: str) -> None:
    """Parse a command. Raises a `ClickException` if it is none."""
    name, *arguments = shlex.split(line)
    command = cli.commands.get(name)
    if command is None:
        raise click.UsageError(f"there is no command {name}")
    command.make_parser(click.Context(command)).parse_args(arguments)


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_a_page_can_be_run(line: str) -> None:
    parsed(line)


@pytest.mark.parametrize("line", ["vanish shop#1", "show shop#1 --everything"])
def test_a_command_that_is_none_is_found(line: str) -> None:
    with pytest.raises(click.ClickException):
        parsed(line)


def test_the_page_names_every_command() -> None:
    page = text_of("cli")
    assert {name for name in cli.commands if f"`{name}" not in page} == set()


def test_the_runbook_changes_records_by_these_commands_alone() -> None:
    lines = _scripts(text_of("runbook")).splitlines()
    assert lines
    assert {line.split()[0] for line in lines if line.strip()} == {"cdk-idempotency"}
    assert "`aws " not in text_of("runbook")
