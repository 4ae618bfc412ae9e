"""The results as Markdown, as lines for the terminal, and as a bar chart in SVG."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from itertools import groupby
from statistics import median
from typing import Final
from xml.sax.saxutils import escape

from benchmarks.measures import SUBJECTS, Measure, Samples, Table, quartiles

_PACKAGES: Final = ("aws-lambda-powertools", "boto3", "botocore", "redis")
_NOTES: Final = """\
Each value is the median of interleaved rounds, with its quartiles; each subject has a process of \
its own. CPU is the process's own, all threads. The ratio is ours to Powertools', with the \
quartiles of the rounds' ratios; its budget is a target of ours. The whole payload is the key.

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

_LEFT: Final = 350
_WIDTH: Final = 420
_ROW: Final = 22
_SIZE: Final = _LEFT + _WIDTH + 60
_STYLE: Final = """\
svg { color: #1f2328; --bar: #0969da; --over: #bc4c00; --line: #8c959f; }
@media (prefers-color-scheme: dark) {
  svg { color: #e6edf3; --bar: #4493f8; --over: #db6d28; --line: #6e7681; }
}
text { font: 13px system-ui, sans-serif; fill: currentColor; }
.head { font-weight: 600; }
.bar { fill: var(--bar); }
.over { fill: var(--over); }
.peer { stroke: var(--line); stroke-dasharray: 3 3; }
.budget { stroke: currentColor; stroke-width: 2; }"""


def markdown(
    measures: Sequence[Measure], tables: Sequence[Table], *, redis: str, smoke: bool
) -> str:
    """Return results.md; `redis` is the server's version."""
    parts = [
        "# Benchmark",
        _origin(redis, smoke=smoke),
        "![Ours to Powertools'](results.svg)",
        _NOTES,
    ]
    for group, members in groupby(measures, key=lambda measure: measure.group):
        parts += [f"## {group}", table(list(members))]
    for each in tables:
        parts += [f"## {each.title}", _grid(each.head, each.rows)]
        parts += [each.note] if each.note else []
    return "\n\n".join(parts) + "\n"


def verdicts(measures: Sequence[Measure]) -> str:
    """Return the ratios and their budgets, for the terminal."""
    lines = []
    for group, members in groupby(measures, key=lambda measure: measure.group):
        lines.append(f"\n{group}")
        for measure in members:
            budget = f"budget {measure.budget:.2f}  " if measure.budget is not None else ""
            met = _met(measure).strip("*")
            lines.append(f"  {measure.name:<54}{measure.ratio:>6.2f} x  {budget}{met}".rstrip())
    return "\n".join(lines)


def table(measures: Sequence[Measure]) -> str:
    """Return a group of measures as a table in Markdown."""
    columns = [name for name in SUBJECTS if any(name in one.samples for one in measures)]
    titles = [SUBJECTS[name] for name in columns]
    unit = {measure.unit for measure in measures}
    shared = f", {unit.pop()}" if len(unit) == 1 and unit != {""} else ""
    head = [shared.removeprefix(", "), *titles, "ratio", "budget", "met"]
    return _grid(head, [_row(measure, columns) for measure in measures])


def svg(measures: Sequence[Measure]) -> str:
    """Return a chart of the ratios: a bar each, the budget as a tick, Powertools' 1.0 dashed.

    Its colors suit light and dark pages.
    """
    parts = []
    y = 34
    for group, members in groupby(measures, key=lambda measure: measure.group):
        y += 10
        parts.append(_text(12, y, group, "head"))
        for measure in members:
            y += _ROW
            parts += _bar(measure, y)
        y += _ROW
    peer = _x(1)
    size = f'width="{_SIZE}" height="{y}" viewBox="0 0 {_SIZE} {y}"'
    frame = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size}>',
        "<title>What this library costs, as a part of what Powertools costs</title>",
        f"<style>{_STYLE}</style>",
        _text(12, 20, "Ours as a part of Powertools' (dashed: 1.0); tick: budget", ""),
        f'<line class="peer" x1="{peer:.1f}" x2="{peer:.1f}" y1="28" y2="{y - 12}"/>',
    ]
    return "\n".join([*frame, *parts, "</svg>"]) + "\n"


def _origin(redis: str, *, smoke: bool) -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"`make bench`{', a smoke test' if smoke else ''}: {packages}, Redis {redis}, "
        f"Python {sys.version.split()[0]}, {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores."
    )


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


def _bar(measure: Measure, y: int) -> list[str]:
    ends = beside = _x(measure.ratio)
    tick = 0.0 if measure.budget is None else _x(measure.budget)
    if ends - 2 < tick < ends + 44:
        beside = tick  # otherwise the tick would strike through the number
    kind = "over" if measure.met is False else "bar"
    size = f'width="{ends - _LEFT:.1f}" height="15"'
    parts = [
        _text(24, y, measure.name, ""),
        f'<rect class="{kind}" x="{_LEFT}" y="{y - 12}" {size} rx="2"/>',
        _text(beside + 8, y, f"{measure.ratio:.2f}", ""),
    ]
    if tick:
        line = f'x1="{tick:.1f}" x2="{tick:.1f}" y1="{y - 15}" y2="{y + 6}"'
        parts.append(f'<line class="budget" {line}/>')
    return parts


def _x(ratio: float) -> float:
    return _LEFT + min(ratio, 1.1) * _WIDTH / 1.1


def _text(x: float, y: float, text: str, kind: str) -> str:
    name = f' class="{kind}"' if kind else ""
    return f'<text{name} x="{x:.1f}" y="{y}">{escape(text)}</text>'
