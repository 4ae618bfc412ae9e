"""The results as Markdown."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from itertools import groupby
from statistics import median
from typing import Final

from benchmarks.measures import SUBJECTS, Measure, Samples, Table, quartiles

_PACKAGES: Final = ("aws-lambda-powertools", "boto3", "botocore", "redis")
_NOTES: Final = """\
Each value is the median of interleaved rounds, with its quartiles; each subject has a process of \
its own. CPU is the process's own, all threads. The ratio is ours to Powertools', with the \
quartiles of the rounds' ratios; its budget is that of the design. The whole payload is the key.

DynamoDB is a stub on loopback that answers at once, and Redis a real server on loopback: nothing \
of a real network is in these times. Ours on Redis is what an attached function has: the settings \
in a parameter, the password in a secret, a user with the documented rights, the runtime's own \
client. Powertools has its `CachePersistenceLayer`, formerly `RedisCachePersistenceLayer`, on the \
same redis-py, and a user with every right.

`raw boto3` makes the same two requests to DynamoDB by hand, `raw redis-py` runs two scripts by \
hand with `EVALSHA`, and `floor` does either with the standard library on a bare socket, without \
retries, deadline or checks: physics. In a cold start on Redis with its settings looked up, ours \
reads the parameter and the secret itself, Powertools and raw redis-py have boto3 for it, and the \
floor asks by hand; with its settings told, all find server and password in the environment, and \
ours is a `RedisStore` over `redis.Redis`.

The line of metrics that ours writes for each invocation in Lambda is off, as Powertools' \
idempotency writes none; a table has what it adds. In a batch Powertools' `BatchProcessor` calls \
its `idempotent_function`, as its documentation joins them; by hand a batch is a call for each \
record.

DynamoDB calls of 100 KB and more miss their budget, and the `floor` column shows why: one pass of \
the JSON encoder over the payload and one of SHA-256, which is the key, are most of it, and nobody \
avoids them."""


def markdown(
    measures: Sequence[Measure], tables: Sequence[Table], *, redis: str, quick: bool
) -> str:
    """The whole file; `redis` is the server's version."""
    parts = [
        "# Benchmark",
        _origin(redis, quick=quick),
        "![Ours to Powertools'](results.svg)",
        _NOTES,
    ]
    for group, members in groupby(measures, key=lambda measure: measure.group):
        parts += [f"## {group}", _measures(list(members))]
    for table in tables:
        parts += [f"## {table.title}", _grid(table.head, table.rows)]
        parts += [table.note] if table.note else []
    return "\n\n".join(parts) + "\n"


def verdicts(measures: Sequence[Measure]) -> str:
    """The ratios and their budgets, for the terminal."""
    lines = []
    for group, members in groupby(measures, key=lambda measure: measure.group):
        lines.append(f"\n{group}")
        for measure in members:
            budget = f"budget {measure.budget:.2f}  " if measure.budget is not None else ""
            met = _met(measure).strip("*")
            lines.append(f"  {measure.name:<54}{measure.ratio:>6.2f} x  {budget}{met}".rstrip())
    return "\n".join(lines)


def _origin(redis: str, *, quick: bool) -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"`make bench`{', quick' if quick else ''}: {packages}, Redis {redis}, "
        f"Python {sys.version.split()[0]}, {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores."
    )


def _measures(measures: Sequence[Measure]) -> str:
    columns = [name for name in SUBJECTS if any(name in one.samples for one in measures)]
    titles = [SUBJECTS[name] for name in columns]
    unit = {measure.unit for measure in measures}
    shared = f", {unit.pop()}" if len(unit) == 1 and unit != {""} else ""
    head = [shared.removeprefix(", "), *titles, "ratio", "budget", "met"]
    return _grid(head, [_row(measure, columns) for measure in measures])


def _row(measure: Measure, columns: Sequence[str]) -> list[str]:
    low, high = measure.spread
    ratio = f"**{measure.ratio:.2f}**" + (f" ({low:.2f} to {high:.2f})" if high > low else "")
    budget = "" if measure.budget is None else f"≤ {measure.budget:.2f}"
    values = [_value(measure.samples.get(name, ())) for name in columns]
    return [measure.name, *values, ratio, budget, _met(measure)]


def _value(values: Samples) -> str:
    if not values:
        return ""
    low, high = quartiles(values)
    spread = f" ({_number(low)} to {_number(high)})" if _number(high) != _number(low) else ""
    return _number(median(values)) + spread


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.1f}"


def _met(measure: Measure) -> str:
    return {True: "yes", False: "**no**", None: ""}[measure.met]


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
