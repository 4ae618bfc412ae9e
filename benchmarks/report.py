"""A run as Markdown (results.md) and as lines for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from statistics import median
from typing import Final

from benchmarks.measures import TITLES, Row, Run, Samples, quartiles

_NOTES: Final = """\
**How.** Each subject has a process of its own. Rounds are interleaved, one that warms up comes \
first, and each value is the median of the rounds. Times are CPU, all threads of the process, \
unless a row says wall. The ratio is the median of the rounds' ratios, with their quartiles.

**With defaults.** The line of metrics is written, as in Lambda (to a file that forgets it). Peers \
have the defaults of their documentation and keep records for 24 hours, too. The peers of one row \
get the same payload and send their writes to the same store: DynamoDB is a stub on loopback that \
answers at once, Redis a real server on loopback without persistence. Nothing of a real network is \
in these figures. A cold start begins with the process, not with Lambda's environment.

**The floor** is the same work by hand with the standard library on a bare socket (one prepared \
JSON encoder, one SHA-256, a signature), without retries, deadlines, fences and checks. \
`raw boto3` and `raw redis-py` do the same through these clients."""


def markdown(run: Run) -> str:
    """Return results.md."""
    parts = ["# Benchmark", _origin(run), "![Ours to its peers'](results.svg)", _NOTES]
    if run.missing:
        parts.append("**Not measured**: " + "; ".join(run.missing) + ".")
    targets = [row for row in run.rows if row.target is not None]
    if targets:
        parts += ["## Targets", _targets(targets), *_misses(targets)]
    for group, members in groupby(run.rows, key=lambda row: row.group):
        rows = list(members)
        parts += [f"## {group}", table(rows), "\n".join(_explained(rows))]
    return "\n\n".join(parts) + "\n"


def verdicts(rows: Sequence[Row]) -> str:
    """Return the ratios and their targets, for the terminal."""
    lines = []
    for group, members in groupby(rows, key=lambda row: row.group):
        lines.append(group)
        lines += map(_verdict, members)
    return "\n".join(lines)


def _verdict(row: Row) -> str:
    if row.peer is None:
        return f"  {row.name:<58}{number(median(row.samples['ours'])):>7} {row.unit}"
    low, high = row.spread
    target = "" if row.target is None else f"target {row.target:g} {_met(row).strip('*')}"
    return f"  {row.name:<58}{row.ratio:>7.3f} ({low:.3f} to {high:.3f})  {target}".rstrip()


def table(rows: Sequence[Row]) -> str:
    """Return a group of rows as a table in Markdown."""
    columns = [name for name in TITLES if any(name in row.samples for row in rows)]
    units = {row.unit for row in rows}
    head = [units.pop() if len(units) == 1 else "", *(TITLES[name] for name in columns), "ratio"]
    body = [
        [row.name, *(_value(row.samples.get(name, ())) for name in columns), _ratio(row)]
        for row in rows
    ]
    return _grid(head, body)


def origin(run: Run) -> str:
    """Return the machine and the packages of a run."""
    of = run.machine
    return (
        f"{of['processor']}, {of['cores']} cores, {of['system']}, Python {of['python']}; "
        f"{of['peers']}, {of['redis']}"
    )


def number(value: float) -> str:
    """Return a number with about three digits."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _origin(run: Run) -> str:
    return f"`make bench` on {run.machine['date']}{run.machine['note']}: {origin(run)}."


def _targets(rows: Sequence[Row]) -> str:
    head = ["", "unit", "ours", "peer", "floor", "ratio", "target", "met", "what is measured"]
    body = [
        [
            title(row),
            row.unit,
            _median(row, "ours"),
            f"{_median(row, row.peer)} ({TITLES[row.peer or '']})",
            _median(row, "floor"),
            _ratio(row),
            f"≤ {row.target:g}",
            _met(row),
            row.what,
        ]
        for row in rows
    ]
    return _grid(head, body)


def _misses(rows: Sequence[Row]) -> list[str]:
    """Return what the floor says of the rows that miss their targets."""
    missed = [row for row in rows if not row.met]
    if not missed:
        return ["Every target is met."]
    lines = [f"{len(rows) - len(missed)} of {len(rows)} targets are met. Those that are not:", ""]
    for row in missed:
        line = f"- {title(row)}: {row.ratio:.3f}, target {row.target:g}."
        if row.peer is not None and "floor" in row.samples:
            ours, floor = median(row.samples["ours"]), median(row.samples["floor"])
            peer = median(row.samples[row.peer])
            part = f"The floor is {floor / peer:.3f} of the peer and {floor / ours:.2f} of ours."
            line = f"{line} {part}"
        lines.append(line)
    return ["\n".join(lines)]


def title(row: Row) -> str:
    """Return a row's name with that of its group, for where it stands alone."""
    return f"{row.group}: {row.name}"


def _explained(rows: Sequence[Row]) -> list[str]:
    """Return a line for each row that says what is measured, shared by those of one text."""
    lines: dict[str, list[str]] = {}
    for row in rows:
        lines.setdefault(row.what, []).append(row.name)
    if len(lines) == 1:
        return list(lines)
    return [f"- {'; '.join(names)}: {what}" for what, names in lines.items()]


def _ratio(row: Row) -> str:
    if row.peer is None:
        return ""
    low, high = row.spread
    return f"**{row.ratio:.3f}**" + (f" ({low:.3f} to {high:.3f})" if high > low else "")


def _median(row: Row, column: str | None) -> str:
    samples = row.samples.get(column or "", ())
    return number(median(samples)) if samples else ""


def _value(values: Samples) -> str:
    if not values:
        return ""
    low, high = map(number, quartiles(values))
    return number(median(values)) + (f" ({low} to {high})" if high != low else "")


def _met(row: Row) -> str:
    return {True: "yes", False: "**no**", None: ""}[row.met]


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
