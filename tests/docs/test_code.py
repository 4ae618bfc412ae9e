"""The code of every page runs."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs_queue
from aws_cdk.assertions import Template
from aws_cdk.aws_lambda_event_sources import SqsEventSource
from aws_cdk.cx_api import CloudFormationStackArtifact, SynthesisMessageLevel
from aws_lambda_powertools.utilities import idempotency as powertools
from moto import mock_aws

from cdk_idempotency.functions import native
from kit.batches import batch, sqs
from kit.checks import attached, findings
from kit.pages import BLOCKS, block, names_of, run, synthesized, text_of
from kit.redis.servers import RedisServer
from kit.synth import function, stack, template, warnings
from lambda_idempotency import Attempt, Reconciled
from lambda_idempotency.execution.attempt import AttemptScope
from lambda_idempotency.stores.redis_py_limits import longest_s

INFO = SynthesisMessageLevel.INFO
REDIS = [each.code for each in BLOCKS if each.page == "redis" and "(Stack)" in each.code]
BEFORE, AFTER, STACK, BOTH = (each.code for each in BLOCKS if each.page == "migration")


def _stack(
    name: str, directory: Path, *, page: str = "", module: str = "payments"
) -> CloudFormationStackArtifact:
    """Return the one stack of the app that a block is about."""
    code = block(f"class {name}", page=page)
    [stack] = synthesized(code, name, directory, module=module).stacks
    return stack


@pytest.fixture(autouse=True)
def memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDEMPOTENCY_STORE", "memory")


def test_every_block_is_run_here() -> None:
    # tests/testing, test_durable_page.py and test_testing_page.py run them.
    elsewhere = [block for block in BLOCKS if block.page in ("stores", "durable", "testing")]
    assert len(elsewhere) == 1 + 4 + 5
    assert len(REDIS) > 0
    assert len(BLOCKS) == 27 + len(REDIS) + len(elsewhere)


def test_the_stack_synthesizes(tmp_path: Path) -> None:
    assert _stack("Payments", tmp_path, page="README").stack_name == "Payments"


def test_the_http_stack_synthesizes(tmp_path: Path) -> None:
    stack = _stack("Refunds", tmp_path, module="refunds")
    resources = stack.template["Resources"].values()
    routes = {
        found["Properties"]["RouteKey"] for found in resources if "Route" in found["Type"][-5:]
    }
    assert routes == {"ANY /refunds", "GET /idempotency/{token}"}


def test_the_stack_with_many_functions_attaches_them_all(tmp_path: Path) -> None:
    stack = _stack("Shop", tmp_path, module="shop")
    resources = stack.template["Resources"].values()
    functions = [each for each in resources if each["Type"] == "AWS::Lambda::Function"]
    assert len(functions) == 5
    assert all("Layers" in each["Properties"] for each in functions)
    told = {str(each.entry.data) for each in stack.messages if each.level != INFO}
    assert told == set()


def test_the_stack_for_other_tools_synthesizes(tmp_path: Path) -> None:
    stack = _stack("Shared", tmp_path, module="shared")
    kinds = [each["Type"] for each in stack.template["Resources"].values()]
    assert kinds.count("AWS::SSM::Parameter") == 5


def test_the_stack_that_accepts_a_new_store_synthesizes(tmp_path: Path) -> None:
    code = block("accept_new_store=True", page="upgrades")
    [stack] = synthesized(code, "Payments", tmp_path).stacks
    assert stack.stack_name == "Payments"


def test_the_stack_with_a_bucket_synthesizes(tmp_path: Path) -> None:
    stack = _stack("Reports", tmp_path, module="reports")
    assert "AWS::S3::Bucket" in {
        resource["Type"] for resource in stack.template["Resources"].values()
    }


def test_the_stack_with_a_key_synthesizes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "_tags", lambda _: ["py3-none-any"])
    stack = _stack("Patients", tmp_path, module="patients")
    assert "AWS::KMS::Key" in {
        resource["Type"] for resource in stack.template["Resources"].values()
    }


def test_a_warning_is_acknowledged() -> None:
    scope = stack()
    queue = sqs_queue.Queue(scope, "Queue")
    worker = function(scope)
    worker.add_event_source(SqsEventSource(queue, report_batch_item_failures=True))
    idempotency = attached(worker)
    found = findings(idempotency, "expiry")
    run("def acknowledge(function)")["acknowledge"](worker)
    template(scope)
    assert len(found) == 1
    assert not any("cdk-idempotency:expiry" in warning for warning in warnings(scope, "*"))


def test_the_watched_stack_synthesizes(tmp_path: Path) -> None:
    stack = _stack("Watched", tmp_path)
    kinds = [resource["Type"] for resource in stack.template["Resources"].values()]
    assert kinds.count("AWS::CloudWatch::Alarm") == 7
    assert kinds.count("AWS::CloudWatch::CompositeAlarm") == 1
    assert kinds.count("AWS::CloudWatch::Dashboard") == 1


def test_alarms_have_urgencies_options_and_functions() -> None:
    scope = stack()
    payments = function(scope)
    topics = [sns.Topic(scope, name) for name in ("OnCall", "Tickets", "Team")]
    run("def add_alarms(")["add_alarms"](attached(payments), payments, *topics)
    template(scope).resource_count_is("AWS::CloudWatch::CompositeAlarm", 2)


def test_the_hook_marks_a_replay() -> None:
    handler = run("def mark")["handler"]
    assert handler({"report_id": 7}, None) == {"report": 7}
    assert handler({"report_id": 7}, None) == {"report": 7, "replayed_from_attempt": 1}


def test_a_duplicate_gets_what_redact_has_kept() -> None:
    handler = run("redact=")["handler"]
    event = {"order_id": 7, "card": "4111"}
    first, again = handler(event, None), handler(event, None)
    assert first == {"receipt": "r-1", "total": 12, "card": "4111"}
    assert again == {"receipt": "r-1", "total": 12}


def test_the_handler_answers_a_duplicate() -> None:
    handler = run('{"charged": event', page="README")["handler"]
    assert handler({"amount": 5}, None) == handler({"amount": 5}, None) == {"charged": 5}


def test_the_downstream_key_reaches_the_payment() -> None:
    names = run("return pay(")
    names["pay"] = lambda amount, idempotency_key: [amount, len(idempotency_key)]
    assert names["handler"]({"payment_id": 1, "amount": 5}, None) == [5, 64]


def test_the_function_is_charged_once() -> None:
    names = run("idempotent_function")
    charged: list[Decimal] = []

    async def pay(amount: Decimal) -> int:
        charged.append(amount)
        return len(charged)

    names["pay"] = pay
    order = names["Order"]("a", Decimal("1.50"))
    first, second = (
        asyncio.run(names["charge"](order)),
        asyncio.run(names["charge"](order, "again")),
    )
    assert first == second == names["Receipt"](order, 1)
    assert charged == [Decimal("1.50")]


def test_the_order_is_shipped_once() -> None:
    names = run("idempotent_records")
    shipped: list[str] = []
    names["ship"] = shipped.append
    twice = batch(sqs("1", {"order_id": 7}), sqs("2", {"order_id": 7}))
    assert names["handler"](twice, None) == {"batchItemFailures": []}
    assert shipped == ['{"order_id": 7}']


def test_the_users_test_passes() -> None:
    run("MemoryStore()", page="README")["test_a_second_call_is_a_replay"]()


def test_the_booking_is_committed() -> None:
    handler = run("commit_with")["handler"]
    event = {"payment_id": "1", "amount": 5}
    assert handler(event, None) == handler(event, None) == {"booked": 5}


def test_the_order_is_charged_and_shipped_once() -> None:
    names = run('step("charge"', page="steps")
    paid: list[int] = []
    names["pay"] = lambda amount, idempotency_key: paid.append(amount) or len(paid)  # type: ignore[func-returns-value]
    shipped = iter([None])
    names["ship"] = lambda sku: next(shipped) or 1 / 0
    event = {"order_id": 1, "amount": 5, "sku": "a"}
    with pytest.raises(ZeroDivisionError):
        names["handler"](event, None)
    names["ship"] = lambda sku: f"label of {sku}"
    assert names["handler"](event, None) == {"charge": 1, "label": "label of a"}
    assert paid == [5]


def test_the_orphan_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    names = run("on_orphan=look_up")
    names["pay"] = lambda amount, idempotency_key: amount
    assert names["handler"]({"payment_id": "1", "amount": 5}, None) == {"charged": 5}
    names["find_charge"] = {"known": 7}.get
    with AttemptScope(Attempt("shop#1", 2)):
        assert names["look_up"]({}) is None
        names["find_charge"] = lambda key: 7
        assert names["look_up"]({}) == Reconciled({"charged": 7})


# docs/redis.md ------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(len(REDIS)))
def test_the_stacks_on_redis_synthesize(tmp_path: Path, number: int) -> None:
    [stack] = synthesized(REDIS[number], "Payments", tmp_path).stacks
    template = Template.from_json(stack.template)
    template.resource_count_is("AWS::SSM::Parameter", 1)


def test_the_handler_with_a_url_answers_a_duplicate(monkeypatch: pytest.MonkeyPatch) -> None:
    with RedisServer() as server:
        url = f"redis://:{server.admin_password}@{server.host}:{server.port}"
        monkeypatch.setenv("REDIS_URL", url)
        names = run("REDIS_URL", page="redis")
        for _ in range(2):
            assert names["handler"]({"amount": 5}, None) == {"charged": 5}
        names["store"].close()


def test_a_request_of_the_client_with_short_timeouts_takes_as_long_as_the_page_says() -> None:
    assert longest_s(run("NoBackoff", page="redis")["client"]) == 3.25
    assert "those 3.25 seconds" in text_of("redis")


# docs/migration.md --------------------------------------------------------------------------------


class LambdaContext:
    """The context of an invocation with time left."""

    def get_remaining_time_in_millis(self) -> int:
        return 3000


@pytest.fixture
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@pytest.mark.usefixtures("region")
def test_the_handler_before_is_one_of_powertools() -> None:
    with mock_aws():
        assert callable(names_of(BEFORE)["handler"])


def test_the_handler_after_answers_a_duplicate() -> None:
    handler = names_of(AFTER)["handler"]
    assert handler({"amount": 5}, None) == handler({"amount": 5}, None) == {"charged": 5}


def test_the_migrated_stack_synthesizes(tmp_path: Path) -> None:
    assert len(synthesized(STACK, "Migrated", tmp_path).stacks) == 1


@pytest.mark.usefixtures("region")
def test_a_handler_with_both_runs_once() -> None:
    with mock_aws():
        import boto3

        boto3.client("dynamodb").create_table(
            TableName="payments",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        store = powertools.DynamoDBPersistenceLayer("payments")
        config = powertools.IdempotencyConfig(event_key_jmespath="payment_id")
        handler = names_of(BOTH)["both"](store, config)
        handler.__wrapped__({"payment_id": 1, "amount": 5}, LambdaContext())  # before the change
        assert handler({"payment_id": 1, "amount": 6}, LambdaContext()) == {"charged": 5}


def test_a_record_is_found_by_the_id_that_its_handler_tells(
    capsys: pytest.CaptureFixture[str],
) -> None:
    handler = run("handler.record_id(")["handler"]
    printed = capsys.readouterr().out.strip()
    assert printed == handler.record_id({"payment_id": "p-1"})
    assert printed.startswith("Payments#")
