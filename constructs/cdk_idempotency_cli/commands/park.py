"""`park`: stop a key."""

from __future__ import annotations

import click

from .. import actions
from ..errors import RefusedError
from ..place import Place, place_options
from .change import change_options


@click.command()
@click.argument("record")
@change_options
@place_options
def park(*, place: Place, record: str, force: bool, confirmed: str | None, yes: bool) -> None:
    """Stop the key of RECORD: nothing runs under it until it is released.

    Nothing is done if the record changes after it was read, or is live.
    """
    records = place.records(record)
    seen = actions.found(records, record)
    if seen.state in ("completed", "expired", "parked"):
        raise RefusedError(f"{record} is {seen.state}: there is nothing to stop")
    warning = "Requests under this key fail until it is released, and its steps are forgotten."
    forced = actions.confirm(seen, warning, force=force, confirmed=confirmed, yes=yes)
    click.echo(actions.park(records, seen, forced=forced))
