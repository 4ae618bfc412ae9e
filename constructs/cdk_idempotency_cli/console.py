"""What people and programs read: tables, or JSON with one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table

json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON for programs.")


def write_json(value: Mapping[str, Any]) -> None:
    """Write an object as a line of JSON."""
    click.echo(json.dumps(value))


def write_facts(title: str, facts: Mapping[str, Any]) -> None:
    """Write the facts about one thing, a line each."""
    click.echo(title)
    table = Table(show_header=False, box=None)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name, _text(value))
    _console().print(table, markup=False)


def write_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows under the names of their columns."""
    table = Table(box=None, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(_text, row))
    _console().print(table, markup=False)


def moment(milliseconds: int) -> str:
    """Return a moment in UTC, to the second."""
    at = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return at.isoformat().replace("+00:00", "Z")


def span(milliseconds: int) -> str:
    """Return a length of time in its two largest units, such as `3 h 12 min`."""
    seconds = abs(milliseconds) // 1000
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def _console() -> Console:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 200  # a program, or a log, has no edge
    return console


def _text(value: Any) -> Any:
    from rich.text import Text

    return Text("-" if value is None else str(value))
