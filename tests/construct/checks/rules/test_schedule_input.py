"""A schedule whose runs would be one request is reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler

from kit.checks import attached, findings
from kit.synth import app, function, stack

RULE = "schedule-input"
HOURLY: Final = events.Schedule.rate(Duration.hours(1))
DAILY: Final = events.Schedule.cron(hour="6", minute="0")
TIME: Final = events.EventField.time


def _rule(
    scope: Stack,
    target: lambda_.IFunction,
    event: events.RuleTargetInput | None = None,
    schedule: events.Schedule | None = HOURLY,
) -> None:
    pattern = events.EventPattern(source=["shop"]) if schedule is None else None
    rule = events.Rule(scope, "Rule", schedule=schedule, event_pattern=pattern)
    rule.add_target(targets.LambdaFunction(target, event=event))


def _scheduler(
    scope: Stack, target: lambda_.IFunction, text: str | None, expression: str = "rate(1 hour)"
) -> None:
    scheduler.CfnSchedule(
        scope,
        "Schedule",
        flexible_time_window={"mode": "OFF"},
        schedule_expression=expression,
        target={"arn": target.function_arn, "roleArn": "arn:aws:iam::1:role/r", "input": text},
    )


def _template(scope: Stack, target: lambda_.IFunction, text: str) -> None:
    events.CfnRule(
        scope,
        "Rule",
        schedule_expression="rate(1 hour)",
        targets=[
            events.CfnRule.TargetProperty(
                arn=target.function_arn,
                id="Target",
                input_transformer=events.CfnRule.InputTransformerProperty(
                    input_template=text, input_paths_map={"at": "$.time"}
                ),
            )
        ],
    )


From = events.RuleTargetInput

CONSTANT: Final[dict[str, Callable[[Stack, lambda_.IFunction], None]]] = {
    "object": lambda scope, to: _rule(scope, to, From.from_object({"job": "nightly"})),
    "text": lambda scope, to: _rule(scope, to, From.from_text("nightly")),
    "cron": lambda scope, to: _rule(scope, to, From.from_object({"job": 1}), DAILY),
    "path": lambda scope, to: _rule(scope, to, From.from_event_path("$.resources")),
    "template": lambda scope, to: _rule(
        scope, to, From.from_object({"account": events.EventField.account})
    ),
    "time that is not used": lambda scope, to: _template(scope, to, '{"job": 1}'),
    "scheduler": lambda scope, to: _scheduler(scope, to, '{"job": "nightly"}'),
    "scheduler's arn": lambda scope, to: _scheduler(
        scope, to, '{"arn": "<aws.scheduler.schedule-arn>"}', "cron(0 6 * * ? *)"
    ),
}

VARYING: Final[dict[str, Callable[[Stack, lambda_.IFunction], None]]] = {
    "event": _rule,
    "whole event": lambda scope, to: _rule(scope, to, From.from_event_path("$")),
    "time": lambda scope, to: _rule(scope, to, From.from_object({"job": 1, "at": TIME})),
    "time alone": lambda scope, to: _rule(scope, to, From.from_event_path("$.time")),
    "ingestion time": lambda scope, to: _template(
        scope, to, '{"at": <aws.events.event.ingestion-time>}'
    ),
    "no schedule": lambda scope, to: _rule(scope, to, From.from_object({"job": 1}), None),
    "scheduler": lambda scope, to: _scheduler(scope, to, '{"t": "<aws.scheduler.scheduled-time>"}'),
    "scheduler's event": lambda scope, to: _scheduler(scope, to, None),
    "once": lambda scope, to: _scheduler(scope, to, "{}", "at(2030-01-01T00:00:00)"),
}
constant = pytest.mark.parametrize("make", CONSTANT.values(), ids=CONSTANT.keys())


@constant
@pytest.mark.parametrize("props", [{}, {"key": "@"}, {"http": None}], ids=str)
def test_one_input_for_all_runs_is_reported(make: Any, props: dict[str, Any]) -> None:
    scope = stack()
    nightly = function(scope)
    make(scope, nightly)
    [finding] = findings(attached(nightly, **props), RULE)
    assert finding.severity == "error"
    assert "of all runs within 1 day one takes effect" in finding.message
    assert finding.construct.node.path in (
        "Stack/Rule/Resource",
        "Stack/Rule",
        "Stack/Schedule",
    )


@constant
def test_a_key_that_is_named_is_in_order(make: Any) -> None:
    scope = stack()
    nightly = function(scope)
    make(scope, nightly)
    assert findings(attached(nightly, key="order_id"), RULE) == []


@pytest.mark.parametrize("kind", ["object", "scheduler"])
def test_a_key_that_is_a_part_of_one_input_for_all_runs_is_reported(kind: str) -> None:
    scope = stack()
    nightly = function(scope)
    CONSTANT[kind](scope, nightly)
    [finding] = findings(attached(nightly, key="job"), RULE)
    assert "its part 'job' is the key, so of all runs within 1 day one" in finding.message


@pytest.mark.parametrize("name", ["execution-id", "attempt-number"])
@pytest.mark.parametrize(("props", "found"), [({}, 1), ({"key": "at"}, 0)])
def test_an_input_that_is_new_at_each_attempt_is_no_key(
    name: str, props: dict[str, Any], found: int
) -> None:
    scope = stack()
    nightly = function(scope)
    times = f'{{"at": "<aws.scheduler.scheduled-time>", "run": "<aws.scheduler.{name}>"}}'
    _scheduler(scope, nightly, times)
    assert len(findings(attached(nightly, **props), RULE)) == found


@pytest.mark.parametrize("make", VARYING.values(), ids=VARYING.keys())
def test_an_input_of_its_own_for_each_run_is_in_order(make: Any) -> None:
    scope = stack()
    nightly = function(scope)
    make(scope, nightly)
    assert findings(attached(nightly), RULE) == []


@pytest.mark.parametrize(("hours", "found"), [(1, 1), (0.5, 0)])
def test_runs_further_apart_than_answers_are_kept_are_in_order(hours: float, found: int) -> None:
    scope = stack()
    nightly = function(scope)
    _rule(scope, nightly, From.from_object({"job": 1}))
    kept = Duration.minutes(60 * hours)
    assert len(findings(attached(nightly, expires_after=kept), RULE)) == found


def test_an_alias_on_a_schedule_is_seen() -> None:
    scope = stack()
    nightly = function(scope)
    live = lambda_.Alias(scope, "Live", alias_name="live", version=nightly.current_version)
    _rule(scope, live, From.from_object({"job": 1}))
    assert len(findings(attached(nightly), RULE)) == 1


def test_a_schedule_in_another_stack_is_seen() -> None:
    root = app()
    scope, other = stack(root, "Shop"), stack(root, "Schedules")
    nightly = function(scope)
    _scheduler(other, nightly, "{}")
    attached(nightly)
    with pytest.raises(RuntimeError, match=r"Schedules/Schedule: .*\[cdk-idempotency:schedule-inp"):
        root.synth()


def test_the_schedule_of_another_function_is_none_of_ours() -> None:
    scope = stack()
    _rule(scope, function(scope, "Other"), From.from_object({"job": 1}))
    assert findings(attached(function(scope)), RULE) == []
