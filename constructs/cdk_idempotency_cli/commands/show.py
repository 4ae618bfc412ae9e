"""`show`: one record."""

from __future__ import annotations

import click

from ..actions import found
from ..answers import keeping_of
from ..console import json_option, write_facts, write_json
from ..describe import facts_of, values_of
from ..place import Place, place_options


@click.command()
@click.argument("record")
@click.option("--reveal", is_flag=True, help="Show the answer, the steps and the fingerprint.")
@json_option
@place_options
def show(*, place: Place, record: str, reveal: bool, as_json: bool) -> None:
    """Show the record with the id RECORD."""
    seen = found(place.records(record), record)
    keeping = keeping_of(place.aws, place.settings(record)) if reveal else None
    if as_json:
        write_json(values_of(seen, reveal=keeping))
    else:
        write_facts(record, facts_of(seen, reveal=keeping))
