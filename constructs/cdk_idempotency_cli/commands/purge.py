"""`purge`: delete many records."""

from __future__ import annotations

import click

from lambda_idempotency.protocol.record import Applied

from ..errors import RefusedError
from ..place import Place, place_options
from ..selection import Selection, selection_options


@click.command()
@click.option("--dry-run", is_flag=True, help="Say how many there are, and delete none.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@selection_options
@place_options
def purge(*, place: Place, selection: Selection, dry_run: bool, yes: bool) -> None:
    """Delete the records of a state: --state parked, say, with --older-than 7d.

    A live record is never deleted, nor one that changes after it was read. Requests whose records
    are deleted run again when they are repeated.
    """
    if not selection.states:
        raise click.UsageError("Say which records: --state, which may be given again")
    if "live" in selection.states:
        raise click.UsageError("A live record is not purged; `release --force` takes one at a time")
    records = place.records()
    chosen = [found.record for found, _ in selection.among(records, place)]
    states = " and ".join(selection.states)
    click.echo(f"{len(chosen)} records are {states}.")
    if dry_run or not chosen:
        return
    if not yes:
        click.echo("Their requests run again when they are repeated.", err=True)
        typed = click.prompt("Type their number to delete them", err=True)
        if typed != str(len(chosen)):
            raise RefusedError("That is not their number. Nothing was done")
    deleted = sum(isinstance(records.delete(record), Applied) for record in chosen)
    click.echo(f"{deleted} are deleted.")
    if deleted < len(chosen):
        raise RefusedError(f"{len(chosen) - deleted} have changed meanwhile and were left alone")
