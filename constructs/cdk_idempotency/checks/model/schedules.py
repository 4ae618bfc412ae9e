"""Schedules that give a function the same input at each run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from aws_cdk import CfnResource

from .tree import ConstructTree

_RATE: Final = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_SECONDS: Final = {"minute": 60, "hour": 3600, "day": 24 * 3600}

_RULE_VARIES: Final = re.compile(r"<aws\.events\.event(\.json|\.ingestion-time)?>")
"""Variables of an input template whose values each event has anew
(https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html)."""

_SCHEDULE_VARIES: Final = re.compile(
    r"<aws\.scheduler\.(scheduled-time|execution-id|attempt-number)>"
)
"""Attributes that each run has anew
(https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html)."""

_VARYING_PATHS: Final = ("$", "$.id", "$.time")
"""The parts of a scheduled event that differ from one run to the next
(https://docs.aws.amazon.com/eventbridge/latest/userguide/event-reference.html)."""


_ATTEMPT: Final = re.compile(r"<aws\.scheduler\.(execution-id|attempt-number)>")
"""Attributes that each attempt of one run has anew."""


class ConstantSchedule(NamedTuple):
    """A schedule whose runs have one input."""

    resource: CfnResource
    every: float | None
    """Seconds between two runs, where a rate tells them."""
    text: str | None
    """The input, where it is known."""

    def selects(self, key: str) -> bool:
        """Tell whether a key selects a part of the input, which all runs have."""
        import jmespath

        if self.text is None:
            return False
        try:
            return jmespath.search(key, json.loads(self.text)) is not None
        except ValueError:  # it is no JSON, or the key no JMESPath, or one of our own functions
            return False


def constant_schedules(tree: ConstructTree) -> dict[str, list[ConstantSchedule]]:
    """Return the recurring schedules with a constant input, by their functions' paths."""
    found: dict[str, list[ConstantSchedule]] = {}
    for resource, expression, target in (*_rules(tree), *_schedules(tree)):
        text = target.get("input")
        known = text if isinstance(text, str) else None
        schedule = ConstantSchedule(resource, _every(expression), known)
        for function in tree.functions(resource, target.get("arn")):
            found.setdefault(function, []).append(schedule)
    return found


def attempts_as_input(tree: ConstructTree) -> dict[str, list[CfnResource]]:
    """Return the schedules whose input differs from one attempt of a run to the next, by their
    functions' paths."""
    from aws_cdk import aws_scheduler as scheduler

    found: dict[str, list[CfnResource]] = {}
    for schedule in tree.resources(scheduler.CfnSchedule):
        target = tree.properties(schedule).get("target", {})
        text = target.get("input")
        if isinstance(text, str) and _ATTEMPT.search(text):
            for function in tree.functions(schedule, target.get("arn")):
                found.setdefault(function, []).append(schedule)
    return found


def _rules(tree: ConstructTree) -> Iterator[tuple[CfnResource, Any, dict[str, Any]]]:
    from aws_cdk import aws_events as events  # these modules are large

    for rule in tree.resources(events.CfnRule):
        properties = tree.properties(rule)
        expression = properties.get("scheduleExpression")
        targets = properties.get("targets")
        if expression is not None and isinstance(targets, list):
            for target in targets:
                if _is_constant(target):
                    yield rule, expression, target


def _schedules(tree: ConstructTree) -> Iterator[tuple[CfnResource, Any, dict[str, Any]]]:
    from aws_cdk import aws_scheduler as scheduler

    for schedule in tree.resources(scheduler.CfnSchedule):
        properties = tree.properties(schedule)
        expression, target = properties.get("scheduleExpression"), properties.get("target", {})
        text = target.get("input")
        once = isinstance(expression, str) and expression.startswith("at(")
        if not once and isinstance(text, str) and not _SCHEDULE_VARIES.search(text):
            yield schedule, expression, target


def _is_constant(target: dict[str, Any]) -> bool:
    """Tell whether a rule's target gets the same at each run, as far as it is known."""
    if "input" in target:
        return isinstance(target["input"], str)
    if (path := target.get("inputPath")) is not None:
        return path not in _VARYING_PATHS
    transformer = target.get("inputTransformer")
    if not isinstance(transformer, dict):
        return False
    template, paths = transformer.get("inputTemplate"), transformer.get("inputPathsMap", {})
    if not isinstance(template, str) or _RULE_VARIES.search(template):
        return False
    return not any(
        path in _VARYING_PATHS and f"<{name}>" in template for name, path in paths.items()
    )


def _every(expression: Any) -> float | None:
    match = _RATE.fullmatch(expression) if isinstance(expression, str) else None
    return None if match is None else int(match[1]) * _SECONDS[match[2]]
