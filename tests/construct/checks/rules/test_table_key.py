"""A table that is handed in has the key of records."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import CfnParameter
from aws_cdk import aws_dynamodb as dynamodb

from cdk_idempotency import Idempotency
from kit.checks import problems
from kit.synth import US, app, stack
from kit.tables import CLASSES, EACH, MakeTable, kept_in, raw_table, table

STRING = dynamodb.AttributeType.STRING
PK = dynamodb.Attribute(name="pk", type=STRING)


@EACH
def test_a_table_as_it_should_be_is_in_order(make: MakeTable) -> None:
    scope = stack(env=US)
    assert problems(kept_in(scope, make(scope))) == {}


def test_a_table_of_our_own_is_in_order() -> None:
    assert problems(Idempotency(stack(env=US), "Idempotency")) == {}


@pytest.mark.parametrize("token", [False, True])
def test_nothing_is_known_of_an_imported_table(*, token: bool) -> None:
    scope = stack(env=US)
    name = CfnParameter(scope, "Name").value_as_string if token else "records"
    imported = dynamodb.Table.from_table_name(scope, "Records", name)
    assert problems(kept_in(scope, imported)) == {}


@CLASSES
@pytest.mark.parametrize(
    ("props", "key"),
    [
        ({"partition_key": PK}, "pk (S, HASH)"),
        (
            {"partition_key": dynamodb.Attribute(name="id", type=dynamodb.AttributeType.NUMBER)},
            "id (N, HASH)",
        ),
        (
            {"sort_key": dynamodb.Attribute(name="sk", type=STRING)},
            "id (S, HASH), sk (S, RANGE)",
        ),
    ],
)
def test_another_key_is_an_error(make: MakeTable, props: dict[str, Any], key: str) -> None:
    scope = stack(env=US)
    found = problems(kept_in(scope, make(scope, **props)))["table-key"]
    assert found.severity == "error"
    assert found.construct.node.path == "Stack/Records/Resource"
    assert found.message.startswith(f"the key of the table is {key}, and")


def test_another_key_of_a_raw_table_is_an_error() -> None:
    scope = stack(env=US)
    schema = [{"attributeName": "pk", "keyType": "HASH"}]
    definitions = [{"attributeName": "pk", "attributeType": "S"}]
    raw = raw_table(scope, key_schema=schema, attribute_definitions=definitions)
    found = problems(kept_in(scope, raw))["table-key"]
    assert found.construct.node.path == "Stack/Resource"
    assert "the key of the table is pk (S, HASH)" in found.message


def test_another_key_in_another_stack_is_an_error() -> None:
    root = app()
    store, scope = stack(root, "Store", env=US), stack(root, "Functions", env=US)
    found = problems(kept_in(scope, table(store, partition_key=PK)))["table-key"]
    assert found.construct.node.path == "Store/Records/Resource"
    assert "the key of the table is pk" in found.message


def test_attributes_of_indexes_are_no_part_of_the_key() -> None:
    scope = stack(env=US)
    records = table(scope)
    assert isinstance(records, dynamodb.Table)
    other = dynamodb.Attribute(name="status", type=STRING)
    records.add_global_secondary_index(index_name="ByStatus", partition_key=other)
    assert problems(kept_in(scope, records)) == {}


def test_a_key_that_only_the_deployment_knows_is_passed() -> None:
    scope = stack(env=US)
    name = CfnParameter(scope, "Name").value_as_string
    schema = [{"attributeName": name, "keyType": "HASH"}]
    definitions = [{"attributeName": name, "attributeType": "S"}]
    raw = raw_table(scope, key_schema=schema, attribute_definitions=definitions)
    assert problems(kept_in(scope, raw)) == {}
