"""The options of commands that change one record."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., object])

_OPTIONS = (
    click.option(
        "--forget-steps", is_flag=True, help="Delete the recorded steps, too: all run again."
    ),
    click.option("--yes", is_flag=True, help="Do not ask. A live record asks anyway."),
    click.option(
        "--confirm", "confirmed", metavar="ID", help="The record's id again, in place of typing it."
    ),
    click.option("--force", is_flag=True, help="Change a live record, too."),
)


def change_options(command: Command) -> Command:
    """Add them to a command."""
    for option in _OPTIONS:
        command = option(command)
    return command
