"""`watch`: what becomes of a record."""

from __future__ import annotations

import time

import click

from ..console import json_option, span, write_json
from ..describe import values_of
from ..errors import NotThereError, RefusedError
from ..place import Place, place_options
from ..records.base import Found

_ENDS = ("completed", "parked", "expired")


@click.command()
@click.argument("record")
@click.option("--interval", type=click.FloatRange(min=0.1), default=2.0, help="In seconds: 2.")
@click.option("--timeout", type=click.FloatRange(min=0), help="Give up after so many seconds.")
@json_option
@place_options
def watch(
    *, place: Place, record: str, interval: float, timeout: float | None, as_json: bool
) -> None:
    """Write a line whenever RECORD changes, until it is completed, parked, expired or gone."""
    records = place.records(record)
    ends = None if timeout is None else time.monotonic() + timeout
    before = None
    while (found := records.find(record)) is not None:
        seen = (found.state, found.record.owner, found.record.revision)
        if seen != before:
            write_json(values_of(found)) if as_json else click.echo(_line(found))
            before = seen
        if found.state in _ENDS:
            return
        if ends is not None and time.monotonic() >= ends:
            raise RefusedError(f"{record} is still {found.state}")
        time.sleep(interval)
    raise NotThereError(f"There is no record {record} in {records.place}")


def _line(found: Found) -> str:
    text = f"{found.state}, attempt {found.record.attempt}"
    if found.state == "live":
        text += f", its lease ends in {span(found.record.lease_end - found.now)}"
    return text
