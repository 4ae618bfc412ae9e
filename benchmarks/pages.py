"""The figures of README and docs, out of the results: `<!-- figure: NAME -->...<!-- end -->`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.chart import svg
from benchmarks.measures import Row, Run
from benchmarks.report import markdown, number, origin, title
from kit.aws.local import ROOT

PAGES: Final = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
MOST_ROWS: Final = 8
"""How many rows the README shows."""

_CHOSEN: Final = (
    "cold dynamodb tls 3.11",
    "cold redis told",
    "dynamodb 1 KB first",
    "dynamodb 1 KB replay",
    "redis 1 KB powertools first",
    "http 1 KB text first",
    "batch DynamoDB 10 first",
)
"""The README's rows; the worst of all comes last."""
_PEERS: Final = ("powertools", "by meaning", "idemkit")
_FIGURE: Final = re.compile(r"(<!-- figure: ([\w ]+) -->)(.*?)(<!-- end -->)", re.DOTALL)


def write(run: Run, directory: Path) -> None:
    """Write the results, the page of them, and the chart."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "results.json").write_text(json.dumps(run.to_json(), indent=1) + "\n")
    (directory / "results.md").write_text(markdown(run))
    (directory / "results.svg").write_text(svg(run.rows))


def write_figures(run: Run) -> None:
    """Write the figures into README and docs."""
    for page in PAGES:
        text = page.read_text()
        changed = with_figures(text, run)
        if changed != text:
            page.write_text(changed)


def with_figures(text: str, run: Run) -> str:
    """Return a page's text with the figures of a run."""
    return _FIGURE.sub(lambda found: found[1] + _FIGURES[found[2]](run) + found[4], text)


def chosen(run: Run) -> list[Row]:
    """Return the README's rows."""
    rows = [row for row in run.rows if row.key in _CHOSEN]
    last = worst(run)
    return rows if last in rows else [*rows, last]


def worst(run: Run) -> Row:
    """Return the row in which this library is the slowest beside a peer."""
    return max(timed(run), key=lambda row: row.ratio)


def timed(run: Run) -> list[Row]:
    """Return the rows that compare times with a peer that does the same work."""
    return [row for row in run.rows if row.unit in ("ms", "µs") and row.peer in _PEERS]


def _table(run: Run) -> str:
    lines = ["| | ours ÷ peer | quartiles | ours |", "|---|---|---|---|"]
    for row in chosen(run):
        low, high = row.spread
        ours = f"{number(median(row.samples['ours']))} {row.unit}"
        lines.append(f"| {title(row)} | {row.ratio:.2f} | {low:.2f} to {high:.2f} | {ours} |")
    return "\n" + "\n".join(lines) + "\n"


def _metrics(run: Run) -> str:
    row = run.row("metrics first")
    return f"{median(row.samples['ours']) - median(row.samples['silent']):.0f} µs"


_FIGURES: Final[Mapping[str, Callable[[Run], str]]] = {
    "table": _table,
    "machine": lambda run: origin(run) + run.machine["note"],
    "metrics": _metrics,
}
