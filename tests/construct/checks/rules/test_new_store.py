"""A function that would forget its records is refused, as far as the last synthesis tells."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import aws_dynamodb as dynamodb

from cdk_idempotency import Idempotency, IdempotencyStore, RedisCredentials
from kit.checks import findings
from kit.synth import app, function, stack

RULE = "new-store"
REDIS = IdempotencyStore.redis(host="redis.example.com", credentials=RedisCredentials.none())


@pytest.fixture
def synthesis(tmp_path: Path) -> Callable[..., list[str]]:
    """Return a function that synthesizes, always into the same place, and returns what the rule
    found before it did."""

    def synthesis(
        id: str = "Idempotency",  # noqa: A002
        *,
        namespace: str | None = None,
        table: str | None = None,
        name: str = "Payments",
        **props: Any,
    ) -> list[str]:
        root = app(outdir=tmp_path)
        scope = stack(root)
        if table is not None:
            existing = dynamodb.Table.from_table_name(scope, "Existing", table)
            props["store"] = IdempotencyStore.dynamodb(table=existing)
        idempotency = Idempotency(scope, id, namespace_prefix="app", **props)
        idempotency.attach(function(scope, name), namespace=namespace)
        found = [finding.message for finding in findings(idempotency, RULE)]
        if not found:
            root.synth()
        return found

    return synthesis


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"id": "Renamed"}, "the table of its records"),
        ({"store": REDIS}, "the kind of store and the table and the server of its records"),
        ({"table": "another"}, "the table of its records"),
        ({"namespace": "another"}, "the namespace of its records"),
    ],
)
def test_what_forgets_records_is_refused_until_it_is_accepted(
    synthesis: Callable[..., list[str]], change: dict[str, Any], what: str
) -> None:
    assert synthesis() == []
    [message] = synthesis(**change)
    assert message.startswith(f"{what} would change with this deployment")
    assert synthesis(**change, accept_new_store=True) == []
    assert synthesis(**change) == []


@pytest.mark.parametrize(
    "change", [{}, {"max_attempts": 2}, {"name": "Another"}], ids=["none", "option", "function"]
)
def test_what_forgets_nothing_passes(
    synthesis: Callable[..., list[str]], change: dict[str, Any]
) -> None:
    assert synthesis() == []
    assert synthesis(**change) == []


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"Resources": []}', "no JSON"])
def test_a_last_template_that_tells_nothing_is_passed(
    synthesis: Callable[..., list[str]], tmp_path: Path, text: str
) -> None:
    (tmp_path / "Stack.template.json").write_text(text)
    assert synthesis() == []


def test_a_function_that_was_not_attached_before_is_no_matter(tmp_path: Path) -> None:
    root = app(outdir=tmp_path)
    function(stack(root))
    root.synth()
    scope = stack(app(outdir=tmp_path))
    idempotency = Idempotency(scope, "Idempotency")
    idempotency.attach(function(scope))
    assert findings(idempotency, RULE) == []
