"""The errors of the command, each with its exit code.

0  done
1  AWS or the store refused a request, or could not be reached
2  the command line is wrong
3  there is no such record, function or secret
4  refused: the record is live, has changed, or was not confirmed
5  `doctor` has found an error
"""

from __future__ import annotations

from typing import IO, Any, ClassVar

import click

UNHEALTHY = 5
"""The exit code of `doctor` when it has found an error."""


class FailedError(click.ClickException):
    """AWS or the store refused a request, or could not be reached."""

    exit_code: ClassVar[int] = 1

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the message to stderr."""
        click.echo(f"Error: {self.format_message()}", file=file, err=True)


class NotThereError(FailedError):
    """There is no such record, function or secret."""

    exit_code = 3


class RefusedError(FailedError):
    """The command did nothing: the record is live, has changed, or was not confirmed."""

    exit_code = 4
