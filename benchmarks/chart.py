"""The rows with targets as a bar chart in SVG, for light and dark pages."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final
from xml.sax.saxutils import escape

from benchmarks.measures import Row

_LEFT: Final = 350
_WIDTH: Final = 420
_HEIGHT: Final = 22
_LARGEST: Final = 1.3
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
.target { stroke: currentColor; stroke-width: 2; }"""


def svg(rows: Sequence[Row]) -> str:
    """Return a chart of the ratios: a bar each, the target as a tick, the peer's 1.0 dashed."""
    parts = []
    y = 34
    targets = [row for row in rows if row.target is not None]
    for group, members in groupby(targets, key=lambda row: row.group):
        y += 10
        parts.append(_text(12, y, group, "head"))
        for row in members:
            y += _HEIGHT
            parts += _bar(row, y)
        y += _HEIGHT
    peer = _x(1)
    size = f'width="{_SIZE}" height="{y}" viewBox="0 0 {_SIZE} {y}"'
    frame = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size}>',
        "<title>What this library costs, as a part of what its peers cost</title>",
        f"<style>{_STYLE}</style>",
        _text(12, 20, "Ours as a part of the peer's (dashed: 1.0); tick: target", ""),
        f'<line class="peer" x1="{peer:.1f}" x2="{peer:.1f}" y1="28" y2="{y - 12}"/>',
    ]
    return "\n".join([*frame, *parts, "</svg>"]) + "\n"


def _bar(row: Row, y: int) -> list[str]:
    assert row.target is not None
    ends = beside = _x(row.ratio)
    tick = _x(row.target)
    if ends - 2 < tick < ends + 44:
        beside = tick  # otherwise the tick would strike through the number
    kind = "bar" if row.met else "over"
    size = f'width="{ends - _LEFT:.1f}" height="15"'
    line = f'x1="{tick:.1f}" x2="{tick:.1f}" y1="{y - 15}" y2="{y + 6}"'
    return [
        _text(24, y, row.name, ""),
        f'<rect class="{kind}" x="{_LEFT}" y="{y - 12}" {size} rx="2"/>',
        _text(beside + 8, y, f"{row.ratio:.3f}", ""),
        f'<line class="target" {line}/>',
    ]


def _x(ratio: float) -> float:
    return _LEFT + min(ratio, _LARGEST) * _WIDTH / _LARGEST


def _text(x: float, y: float, text: str, kind: str) -> str:
    name = f' class="{kind}"' if kind else ""
    return f'<text{name} x="{x:.1f}" y="{y}">{escape(text)}</text>'
