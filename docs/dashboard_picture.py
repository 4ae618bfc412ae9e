"""`make docs`: docs/dashboard.svg, the dashboard that the construct makes, with made-up numbers."""

from __future__ import annotations

import json
import random
import sys
from html import escape
from pathlib import Path
from typing import Any, Final

from aws_cdk import App, Stack
from aws_cdk import aws_lambda as lambda_

from cdk_idempotency import Idempotency

PICTURE: Final = Path(__file__).with_name("dashboard.svg")
UNIT: Final = 40
"""Pixels of a unit of the dashboard's grid, which is 24 units wide."""

COLORS: Final = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd")
POINTS: Final = 36
RARE: Final = 40.0
"""The most events of a metric that counts few."""
MOST: Final = {
    "Executed": 900.0,
    "Replayed": 140.0,
    "StoreLatency": 12.0,
    "ConsumedWriteCapacityUnits": 1900.0,
}


def body() -> dict[str, Any]:
    """Return the dashboard's JSON, as CloudWatch gets it."""
    stack = Stack(App(analytics_reporting=False), "Shop")
    idempotency = Idempotency(stack, "Idempotency", key="payment_id")
    idempotency.attach(
        lambda_.Function(
            stack,
            "Payments",
            runtime=lambda_.Runtime.PYTHON_3_13,
            handler="index.handler",
            code=lambda_.Code.from_inline("def handler(event, context): return event"),
        )
    )
    resource: Any = idempotency.dashboard().node.default_child
    resolved = stack.resolve(resource.dashboard_body)
    parts = resolved["Fn::Join"][1]
    # What only the deployment knows is the region, or the table's name.
    texts = [part if isinstance(part, str) else _known(part) for part in parts]
    found: dict[str, Any] = json.loads("".join(texts))
    return found


def _known(reference: dict[str, str]) -> str:
    return "eu-west-1" if reference["Ref"] == "AWS::Region" else "Records"


def drawn(dashboard: dict[str, Any]) -> str:
    """Return the picture."""
    widgets = dashboard["widgets"]
    height = UNIT * max(widget["y"] + widget["height"] for widget in widgets)
    panels = "".join(_panel(widget) for widget in widgets)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {24 * UNIT} {height}" '
        f'font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" '
        f'fill="#f2f3f3"/>\n{panels}</svg>\n'
    )


def _panel(widget: dict[str, Any]) -> str:
    x, y = widget["x"] * UNIT, widget["y"] * UNIT
    width, height = widget["width"] * UNIT, widget["height"] * UNIT
    frame = (
        f'<rect x="{x + 4}" y="{y + 4}" width="{width - 8}" height="{height - 8}" fill="#fff" '
        'stroke="#d5dbdb"/>\n'
    )
    properties = widget["properties"]
    if widget["type"] == "text":
        title, text = properties["markdown"].split("\n", 1)
        return (
            f"{frame}{_text(x + 16, y + 34, title.lstrip('# '), 'bold')}"
            f"{_text(x + 16, y + 58, text.replace('**', ''))}"
        )
    lines, most = "", max(_most(properties), 1.0)
    for number, metric in enumerate(properties["metrics"]):
        label, values = _made_up(metric)
        color = COLORS[number % len(COLORS)]
        points = " ".join(
            f"{x + 20 + index * (width - 40) / (POINTS - 1):.0f},"
            f"{y + height - 50 - value / most * (height - 100):.0f}"
            for index, value in enumerate(values)
        )
        lines += f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>\n'
        column, row = number % 3, number // 3
        place = x + 16 + column * (width - 24) // 3, y + height - 28 + row * 14
        lines += _text(*place, f"■ {label}", size=10, color=color)
    return f"{frame}{_text(x + 16, y + 28, properties['title'], 'bold')}{lines}"


def _most(properties: dict[str, Any]) -> float:
    """Return the largest value of a graph."""
    return max(max(_made_up(metric)[1]) for metric in properties["metrics"])


def _made_up(metric: list[Any]) -> tuple[str, list[float]]:
    """Return the label of a metric, and values that are the same each time."""
    options = metric[-1] if isinstance(metric[-1], dict) else {}
    if "expression" in options:
        label, most = "Shop/Payments", 900.0
    else:
        name = str(metric[1])
        label, most = options.get("label", name), MOST.get(name, RARE)
        most *= 0.3 if label == "p50" else 1.0
    dice = random.Random(label)  # noqa: S311 - no secret
    few = most == RARE
    return label, [
        0.0 if few and dice.random() < 0.95 else most * (0.5 + dice.random() / 2)
        for _ in range(POINTS)
    ]


def _text(
    x: int, y: int, words: str, weight: str = "normal", *, size: int = 12, color: str = "#16191f"
) -> str:
    return (
        f'<text x="{x}" y="{y}" font-weight="{weight}" font-size="{size}" fill="{color}">'
        f"{escape(words)}</text>\n"
    )


if __name__ == "__main__":
    PICTURE.write_text(drawn(body()))
    sys.stdout.write(f"{PICTURE}\n")
