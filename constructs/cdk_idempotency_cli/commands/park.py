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
def park(
    *,
    place: Place,
    record: str,
    forget_steps: bool,
    force: bool,
    confirmed: str | None,
    yes: bool,
) -> None:
    """Stop the key of RECORD: nothing runs under it until it is released.

    Nothing is done if the record changes after it was read, or is live.
    """
    records = place.records(record)
    seen = actions.found(records, record)
    if seen.state in ("completed", "expired", "parked"):
        raise RefusedError(f"{record} is {seen.state}: there is nothing to stop")
    if seen.record.steps is not None and not forget_steps:
        raise RefusedError(
            f"{record} has recorded steps, which a parked record cannot keep: after its release "
            "all of them run again. To park it nevertheless, pass --forget-steps"
        )
    warning = "Requests under this key fail until it is released."
    forced = actions.confirm(seen, warning, force=force, confirmed=confirmed, yes=yes)
    click.echo(actions.park(records, seen, forced=forced))
