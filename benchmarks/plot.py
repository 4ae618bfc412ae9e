"""The ratios as a bar chart: an SVG by hand, for light and dark pages."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final
from xml.sax.saxutils import escape

from benchmarks.measures import Measure

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


def svg(measures: Sequence[Measure]) -> str:
    """Bars of ours to Powertools' (1, dashed), each with its budget as a tick."""
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


def _bar(measure: Measure, y: int) -> list[str]:
    ends = beside = _x(measure.ratio)
    tick = 0.0 if measure.budget is None else _x(measure.budget)
    if ends - 2 < tick < ends + 44:
        beside = tick  # else the tick would strike the number through
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
