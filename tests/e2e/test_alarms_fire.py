"""The alarms, deployed to the local AWS, fire on what the runtime writes, and tell their topics.

The local AWS makes no metrics of log lines, and its CloudFormation knows no composite alarms: both
are handed to its CloudWatch here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from aws_cdk import BootstraplessSynthesizer, RemovalPolicy
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk.aws_sns_subscriptions import SqsSubscription

from cdk_idempotency import Idempotency, IdempotencyStore
from kit.aws.local import LocalAws
from kit.emf import parse_all
from kit.synth import app, stack, template
from lambda_idempotency.metrics.emf import MetricsSource, lines
from lambda_idempotency.protocol.record import Metric

STACK = "Watched"


class Watched:
    """The stack with the alarms, as it is deployed."""

    def __init__(self, aws: LocalAws) -> None:
        self.cloudwatch = aws.client("cloudwatch")
        self.sqs = aws.client("sqs")
        formation = aws.client("cloudformation")
        scope = stack(app(), STACK, synthesizer=BootstraplessSynthesizer())
        topics = {}
        for name in ("Page", "Ticket"):
            topics[name] = sns.Topic(scope, name)
            topics[name].add_subscription(SqsSubscription(sqs.Queue(scope, f"{name}Queue")))
        store = IdempotencyStore.dynamodb(removal_policy=RemovalPolicy.DESTROY)
        idempotency = Idempotency(scope, "Idempotency", store=store)
        idempotency.alarms(topics["Page"], ticket=topics["Ticket"])
        found = template(scope).to_json()
        composites = {
            name: found["Resources"].pop(name)["Properties"]
            for name, resource in list(found["Resources"].items())
            if resource["Type"] == "AWS::CloudWatch::CompositeAlarm"
        }
        formation.create_stack(StackName=STACK, TemplateBody=json.dumps(found))
        formation.get_waiter("stack_create_complete").wait(
            StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
        )
        self.ids = {
            each["LogicalResourceId"]: each["PhysicalResourceId"]
            for each in formation.describe_stack_resources(StackName=STACK)["StackResources"]
        }
        [composite] = composites.values()
        self.cloudwatch.put_composite_alarm(
            AlarmName="DoubleEffects",
            AlarmRule=self._resolved(composite["AlarmRule"]),
            AlarmActions=[self._resolved(each) for each in composite["AlarmActions"]],
        )
        [self.table] = [name for key, name in self.ids.items() if "Table" in key]

    def alarm(self, name: str) -> dict[str, Any]:
        """Return an alarm as CloudWatch has it."""
        found = self.cloudwatch.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        alarms = [*found["MetricAlarms"], *found["CompositeAlarms"]]
        physical = next((self.ids[key] for key in self.ids if f"Alarms{name}" in key), name)
        [alarm] = [each for each in alarms if each["AlarmName"] == physical]
        return dict(alarm)

    def put(self, namespace: str, name: str, dimensions: dict[str, str], value: float) -> None:
        """Write a value of a metric."""
        named = [{"Name": key, "Value": text} for key, text in dimensions.items()]
        data = {"MetricName": name, "Dimensions": named, "Value": value, "Unit": "Count"}
        self.cloudwatch.put_metric_data(Namespace=namespace, MetricData=[data])

    def count(self, metric: Metric) -> None:
        """Write what CloudWatch makes of the line of an invocation that counts an event."""
        [line] = parse_all(lines(MetricsSource(self.table, "shop"), [(metric, None)], [], 0))
        for name, value in line.counts.items():
            self.put("CdkIdempotency", name, {"store": line.dimensions["store"]}, value)

    def until_fired(self, name: str) -> None:
        """Wait until an alarm has fired."""
        deadline = time.monotonic() + 120
        while self.alarm(name)["StateValue"] != "ALARM":
            assert time.monotonic() < deadline, f"{name} has not fired"
            time.sleep(0.2)

    def until_told(self, queue: str, alarm: str) -> None:
        """Wait until a topic's queue has the message about an alarm."""
        [url] = [
            name
            for key, name in self.ids.items()
            if key.startswith(f"{queue}Queue") and name.startswith("http")
        ]
        wanted = self.alarm(alarm)["AlarmName"]
        deadline = time.monotonic() + 120
        while True:
            found = self.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)
            for message in found.get("Messages", []):
                told = json.loads(json.loads(message["Body"])["Message"])
                if told["AlarmName"] == wanted and told["NewStateValue"] == "ALARM":
                    return
            assert time.monotonic() < deadline, f"{queue} has not heard of {alarm}"

    def _resolved(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        [(function, argument)] = value.items()
        if function == "Fn::Join":
            return str(argument[0]).join(map(self._resolved, argument[1]))
        if function == "Ref":
            return str(self.ids[argument])
        name = self.ids[argument[0]]
        return str(
            self.cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["AlarmArn"]
        )


@pytest.fixture(scope="module")
def watched(local_aws: LocalAws) -> Iterator[Watched]:
    found = Watched(local_aws)
    yield found
    local_aws.client("cloudformation").delete_stack(StackName=STACK)


@pytest.mark.parametrize(("metric", "queue"), [("StoreError", "Page"), ("Parked", "Ticket")])
def test_an_event_fires_its_alarm_and_is_heard(
    watched: Watched, metric: Metric, queue: str
) -> None:
    assert watched.alarm(metric)["StateValue"] != "ALARM"
    watched.count(metric)
    watched.until_fired(metric)
    watched.until_told(queue, metric)


@pytest.mark.parametrize("kind", ["Read", "Write"])
def test_throttles_of_the_table_fire(watched: Watched, kind: str) -> None:
    alarm = watched.alarm(f"Throttled{kind}s")
    assert alarm["StateValue"] != "ALARM"
    assert alarm["Dimensions"] == [{"Name": "TableName", "Value": watched.table}]
    watched.put("AWS/DynamoDB", f"{kind}ThrottleEvents", {"TableName": watched.table}, 3)
    watched.until_fired(f"Throttled{kind}s")


def test_what_may_happen_twice_fires_the_alarm_of_all_of_them(watched: Watched) -> None:
    assert watched.alarm("DoubleEffects")["StateValue"] != "ALARM"
    watched.count("LeaseLost")
    watched.until_fired("LeaseLost")
    watched.until_fired("DoubleEffects")
    watched.until_told("Page", "DoubleEffects")
