"""`list`: the records of a store."""

from __future__ import annotations

from collections import Counter

import click

from ..console import json_option, span, write_json, write_table
from ..describe import values_of
from ..place import Place, place_options
from ..selection import Selection, selection_options


@click.command("list")
@click.option("--count", is_flag=True, help="Count them by state, and list none.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many.")
@selection_options
@json_option
@place_options
def listing(
    *, place: Place, selection: Selection, count: bool, limit: int | None, as_json: bool
) -> None:
    """List the records of a store: all, or those of a state, an age, a namespace.

    It reads the whole table or server. The functions' own Redis user may not: give --redis-secret.
    """
    counted: Counter[str] = Counter()
    rows = []
    for found, age in selection.among(place.records(), place):
        counted[found.state] += 1
        if count:
            continue
        if as_json:
            seconds = None if age is None else age // 1000
            write_json(values_of(found) | {"age_seconds": seconds})
        else:
            left = found.record.expiration * 1000 - found.now
            rows.append(
                (
                    found.record.key,
                    found.state,
                    found.record.attempt,
                    None if age is None else span(age),
                    span(left) if left > 0 else "-",
                )
            )
        if counted.total() == limit:
            break
    if count and as_json:
        write_json(dict(counted))
    elif count:
        write_table(("state", "records"), sorted(counted.items()))
    elif not as_json:
        write_table(("id", "state", "attempt", "for", "expires in"), rows)
