"""Many records of a store: which, and how they are looked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import wraps
from typing import Any, NamedTuple, TypeVar

import click
from rich.console import Console
from rich.progress import Progress

from .age import age_ms, duration
from .place import Place
from .records.base import STATES, Found, Records

Command = TypeVar("Command", bound=Callable[..., object])


class Selection(NamedTuple):
    """The records of these states (none: all), this namespace, and at least this age."""

    states: tuple[str, ...]
    namespace: str | None
    older_than: int | None
    expires_after: int | None

    def among(self, records: Records, place: Place) -> Iterator[tuple[Found, int | None]]:
        """Yield the records, and their ages; show people how far the search is."""
        kept = self._kept(place)
        namespace = self.namespace
        if namespace is None and place.function is not None:
            namespace = place.attached().namespace
        with _progress(records) as advance, closing(records.scan(namespace)) as pages:
            for page in pages:
                advance(len(page))
                for found in page:
                    own = kept.get(found.record.key.rpartition("#")[0], self.expires_after)
                    age = age_ms(found, expires_after_ms=own)
                    if self._has(found, age):
                        yield found, age

    def _has(self, found: Found, age: int | None) -> bool:
        if self.states and found.state not in self.states:
            return False
        if self.older_than is None:
            return True
        if age is None:
            raise click.UsageError(
                "A record says when it expires, not when it was made. Pass --stack, whose "
                "functions say how long they keep records, or --expires-after"
            )
        return age >= self.older_than

    def _kept(self, place: Place) -> dict[str, int]:
        """Return how long each function of the stack keeps its records, by namespace."""
        if place.stack is None or self.expires_after is not None:
            return {}
        functions = place.deployment().functions
        return {each.namespace: int(each.settings.expires_after * 1000) for each in functions}


_OPTIONS = (
    click.option(
        "--expires-after",
        type=duration,
        metavar="TIME",
        help="How long the function keeps records. Default: as deployed.",
    ),
    click.option(
        "--older-than", type=duration, metavar="TIME", help="In their state for so long: 7d, 12h."
    ),
    click.option("--namespace", help="Those of a namespace. Default: that of --function, or all."),
    click.option(
        "--state",
        "states",
        multiple=True,
        type=click.Choice(STATES),
        help="Those in a state; may be given again.",
    ),
)


def selection_options(command: Command) -> Command:
    """Add the options that say which records; the command gets a `Selection`."""

    @wraps(command)
    def selected(**given: Any) -> object:
        fields = {name: given.pop(name) for name in Selection._fields}
        return command(selection=Selection(**fields), **given)

    for option in _OPTIONS:
        selected = option(selected)
    return selected  # type: ignore[return-value]


@contextmanager
def _progress(records: Records) -> Iterator[Callable[[int], None]]:
    """Show on a terminal how many records have been read."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task(f"Reading {records.place}", total=records.size())
        yield lambda count: progress.advance(task, count)
