"""`release`: let the next request under a key run."""

from __future__ import annotations

import click

from .. import actions
from ..place import Place, place_options
from .change import change_options


@click.command()
@click.argument("record")
@change_options
@place_options
def release(
    *,
    place: Place,
    record: str,
    forget_steps: bool,
    force: bool,
    confirmed: str | None,
    yes: bool,
) -> None:
    """Free the key of RECORD: the next request under it runs.

    Nothing is done if the record changes after it was read, or is live.
    """
    records = place.records(record)
    seen = actions.found(records, record)
    warning = "The next request runs, and repeats the effect if that has happened."
    forced = actions.confirm(seen, warning, force=force, confirmed=confirmed, yes=yes)
    click.echo(actions.release(records, seen, forced=forced, forget_steps=forget_steps))
