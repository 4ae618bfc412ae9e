"""`doctor`: what is deployed, held against what was synthesized."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial

import click

from ..console import json_option, write_json, write_table
from ..deployment import AttachedFunction, Deployment
from ..doctor import functions, rights, server, table
from ..doctor.finding import Finding, checked
from ..errors import UNHEALTHY
from ..place import Place, place_options
from ..records.redis import RedisRecords


@click.command()
@json_option
@place_options
def doctor(*, place: Place, as_json: bool) -> None:
    """Hold a deployed stack against what was synthesized.

    It looks at functions (environment, layer, timeout, rights), tables (key, TTL, recovery), Redis
    servers (eviction, secret, rotation) and clocks. The exit code is 5 if there is an error.
    """
    found = list(dict.fromkeys(_examined(place)))
    if as_json:
        for each in found:
            write_json(each._asdict())
    else:
        write_table(("", "about", "found"), found)
    if any(each.level == "error" for each in found):
        sys.exit(UNHEALTHY)


def _examined(place: Place) -> Iterator[Finding]:
    deployment = place.deployment()
    chosen = deployment.functions if place.function is None else (place.attached(),)
    for function in chosen:
        yield from functions.environment(function)
        yield from functions.layer(deployment, function)
    chosen = tuple(filter(functions.readable, chosen))
    for function in chosen:
        yield from functions.timeout(function)
    for name in sorted({each.settings.table for each in chosen if each.settings.table}):
        yield from _table(place, deployment, name, chosen)
    for name in sorted({each.settings.parameter for each in chosen if each.settings.parameter}):
        yield from _server(place, name, chosen)


def _table(
    place: Place, deployment: Deployment, name: str, chosen: tuple[AttachedFunction, ...]
) -> Iterator[Finding]:
    aws, about = place.aws, f"table {name}"
    yield from checked(about, partial(table.key_and_clock, aws, name))
    yield from checked(f"{about} TTL", partial(table.ttl, aws, name))
    yield from checked(f"{about} recovery", partial(table.recovery, aws, deployment, name))
    for each in chosen:
        if each.settings.table == name:
            yield from checked(_rights(each), partial(rights.on_table, aws, each, name))


def _server(place: Place, name: str, chosen: tuple[AttachedFunction, ...]) -> Iterator[Finding]:
    aws = place.aws
    users = [each for each in chosen if each.settings.parameter == name]
    records = place._replace(stack=None, parameter=name).records()
    if not isinstance(records, RedisRecords):
        return
    about = records.place
    yield from checked(about, partial(server.answers, records, users[0].namespace))
    yield from checked(f"{about}, when it is full", partial(server.eviction, records))
    yield from checked(f"{about}, its secret", partial(server.secret, aws, records))
    for each in users:
        yield from checked(_rights(each), partial(rights.on_settings, aws, each, name))
        yield from checked(_rights(each), partial(rights.on_secret, aws, each, records))


def _rights(function: AttachedFunction) -> str:
    return f"{function.resource.path} rights"
