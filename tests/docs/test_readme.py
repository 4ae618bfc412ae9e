"""The code of the README and of its pages runs; docs/redis.md has tests of its own."""

from __future__ import annotations

import asyncio
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import aws_sqs as sqs_queue
from aws_cdk.aws_lambda_event_sources import SqsEventSource
from aws_cdk.cx_api import CloudFormationStackArtifact

from kit.batches import batch, sqs
from kit.checks import attached, findings
from kit.local_aws import ROOT
from kit.pages import blocks_of, names_of, synthesised
from kit.synth import function, stack, template, warnings
from lambda_idempotency import Attempt, Reconciled
from lambda_idempotency.attempt import Running
from lambda_idempotency.contract import METRICS
from lambda_idempotency.http.profiles import PROFILES
from lambda_idempotency.metrics import WARNINGS

PAGES = [
    ROOT / "README.md",
    *(page for page in sorted((ROOT / "docs").glob("*.md")) if page.name != "redis.md"),
]
BLOCKS = [(page.stem, block) for page in PAGES for block in blocks_of(page.read_text())]


def _block(fragment: str, *, page: str = "") -> str:
    """The one block that holds a fragment."""
    [block] = [block for name, block in BLOCKS if fragment in block and name.startswith(page)]
    return block


def _run(fragment: str, *, page: str = "") -> dict[str, Any]:
    """Executes that block; returns its names."""
    return names_of(_block(fragment, page=page))


def _stack(name: str, directory: Path, *, module: str = "payments") -> CloudFormationStackArtifact:
    """The one stack of the app that a block is about."""
    [stack] = synthesised(_block(f"class {name}"), name, directory, module=module).stacks
    return stack


@pytest.fixture(autouse=True)
def memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDEMPOTENCY_STORE", "memory")


def test_every_block_is_run_here() -> None:
    assert len(BLOCKS) == 17


def test_the_stack_synthesises(tmp_path: Path) -> None:
    assert _stack("Payments", tmp_path).stack_name == "Payments"


def test_the_http_stack_synthesises(tmp_path: Path) -> None:
    stack = _stack("Refunds", tmp_path, module="refunds")
    resources = stack.template["Resources"].values()
    routes = {
        found["Properties"]["RouteKey"] for found in resources if "Route" in found["Type"][-5:]
    }
    assert routes == {"ANY /refunds", "GET /idempotency/{token}"}


def test_the_stack_with_a_bucket_synthesises(tmp_path: Path) -> None:
    stack = _stack("Reports", tmp_path, module="reports")
    assert "AWS::S3::Bucket" in {
        resource["Type"] for resource in stack.template["Resources"].values()
    }


def test_a_warning_is_acknowledged() -> None:
    scope = stack()
    queue = sqs_queue.Queue(scope, "Queue")
    worker = function(scope)
    worker.add_event_source(SqsEventSource(queue, report_batch_item_failures=True))
    idempotency = attached(worker)
    found = findings(idempotency, "expiry")
    _run("def acknowledge(function)")["acknowledge"](worker)
    template(scope)
    assert len(found) == 1
    assert not any("cdk-idempotency:expiry" in warning for warning in warnings(scope, "*"))


def test_the_watched_stack_synthesises(tmp_path: Path) -> None:
    stack = _stack("Watched", tmp_path)
    kinds = [resource["Type"] for resource in stack.template["Resources"].values()]
    assert kinds.count("AWS::CloudWatch::Alarm") == 6
    assert kinds.count("AWS::CloudWatch::Dashboard") == 1


def test_the_metrics_of_the_table_are_those_of_the_runtime() -> None:
    page = (ROOT / "docs" / "monitoring.md").read_text()
    table = page.partition("| metric |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `(\w+)` \|.*\| (yes )?\|$", table, re.MULTILINE)
    assert [name for name, _ in rows] == [*dict.fromkeys(name for name, _ in rows)]
    assert {name for name, _ in rows} == set(METRICS)
    assert {name for name, warns in rows if warns} == set(WARNINGS)


def test_the_hook_marks_a_replay() -> None:
    handler = _run("def mark")["handler"]
    assert handler({"report_id": 7}, None) == {"report": 7}
    assert handler({"report_id": 7}, None) == {"report": 7, "replayed_from_attempt": 1}


def test_the_profiles_of_the_table_are_those_of_the_runtime() -> None:
    readme = (ROOT / "docs" / "http.md").read_text()
    rows = {
        cells[1].strip(): [cell.split(",")[0].strip() for cell in cells[2:5]]
        for line in readme.splitlines()
        if len(cells := line.split("|")) == 6
    }
    profiles = PROFILES.values()
    no_key = ["400" if profile.required else "runs unprotected" for profile in profiles]
    assert rows["no key"] == no_key
    in_progress = [str(profile.in_progress) for profile in profiles]
    assert rows["the first request is running"] == in_progress
    mismatch = [str(profile.mismatch) for profile in profiles]
    assert rows["the key belongs to another payload"] == mismatch


def test_the_handler_answers_a_duplicate() -> None:
    handler = _run('{"charged": event', page="README")["handler"]
    assert handler({"amount": 5}, None) == handler({"amount": 5}, None) == {"charged": 5}


def test_the_downstream_key_reaches_the_payment() -> None:
    names = _run("return pay(")
    names["pay"] = lambda amount, idempotency_key: [amount, len(idempotency_key)]
    assert names["handler"]({"payment_id": 1, "amount": 5}, None) == [5, 64]


def test_the_function_is_charged_once() -> None:
    names = _run("idempotent_function")
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
    names = _run("idempotent_records")
    shipped: list[str] = []
    names["ship"] = shipped.append
    twice = batch(sqs("1", {"order_id": 7}), sqs("2", {"order_id": 7}))
    assert names["handler"](twice, None) == {"batchItemFailures": []}
    assert shipped == ['{"order_id": 7}']


def test_the_users_test_passes() -> None:
    _run("MemoryStore()")["test_a_second_call_is_a_replay"]()


def test_the_booking_is_committed() -> None:
    handler = _run("commit_with")["handler"]
    event = {"payment_id": "1", "amount": 5}
    assert handler(event, None) == handler(event, None) == {"booked": 5}


def test_the_orphan_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    names = _run("on_orphan=look_up")
    names["pay"] = lambda amount, idempotency_key: amount
    assert names["handler"]({"payment_id": "1", "amount": 5}, None) == {"charged": 5}
    names["find_charge"] = {"known": 7}.get
    with Running(Attempt("shop#1", 2)):
        assert names["look_up"]({}) is None
        names["find_charge"] = lambda key: 7
        assert names["look_up"]({}) == Reconciled({"charged": 7})


def test_every_link_leads_somewhere() -> None:
    for page in [*PAGES, ROOT / "docs" / "redis.md"]:
        for target in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text()):
            path, _, anchor = target.partition("#")
            file = (page.parent / path) if path else page
            assert file.exists(), f"{page.name}: {target}"
            if anchor:
                headings = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
                slugs = [re.sub(r"[^a-z0-9 -]", "", h.lower()).replace(" ", "-") for h in headings]
                assert anchor in slugs, f"{page.name}: {target}"
