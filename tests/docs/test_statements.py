"""The names, numbers and rights on the pages are those in the code."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

import pytest
from aws_lambda_powertools.utilities import idempotency as powertools
from aws_lambda_powertools.utilities.idempotency import exceptions

import lambda_idempotency
from cdk_idempotency import IdempotencyOptions
from kit.pages import EXAMPLES, PAGES, cells_of, text_of
from lambda_idempotency.contract.names import METRICS
from lambda_idempotency.contract.redis import CLUSTER_COMMANDS, RedisSettings, access_string
from lambda_idempotency.decorators.function.decorator import FunctionOptions
from lambda_idempotency.decorators.handler import HandlerOptions
from lambda_idempotency.http.profiles import PROFILES
from lambda_idempotency.metrics.reporting import WARNINGS
from lambda_idempotency.rotation.acl import ADMIN_CLUSTER_COMMANDS, ADMIN_COMMANDS
from simulation.explorer.mutations import MUTATIONS

README = PAGES[0].read_text()
REDIS = text_of("redis")
POWERTOOLS = [
    (cells[0], cells[1])
    for line in text_of("migration").splitlines()
    if len(cells := cells_of(line)) == 2 and "`" in cells[0]
]
"""Options of Powertools, and ours in their place."""


def test_the_metrics_of_the_table_are_those_of_the_runtime() -> None:
    page = text_of("monitoring")
    table = page.partition("| metric |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `(\w+)` \|.*\| (yes )?\|$", table, re.MULTILINE)
    assert [name for name, _ in rows] == [*dict.fromkeys(name for name, _ in rows)]
    assert {name for name, _ in rows} == set(METRICS)
    assert {name for name, warns in rows if warns} == set(WARNINGS)


def test_the_lines_that_the_readme_explains_are_those_at_warning() -> None:
    table = README.partition("| line |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == WARNINGS


def test_the_page_of_the_proof_counts_the_broken_variants() -> None:
    [count] = re.findall(r"Each of (\d+) broken variants", text_of("proof"))
    assert int(count) == len(MUTATIONS)


def test_the_words_of_the_glossary_are_in_order() -> None:
    words = re.findall(r"^\| \*\*(.+?)\*\*", text_of("glossary"), re.MULTILINE)
    assert words == sorted(set(words))


def test_the_profiles_of_the_table_are_those_of_the_runtime() -> None:
    rows = {
        cells[0]: [cell.split(",")[0].strip() for cell in cells[1:]]
        for line in text_of("http").splitlines()
        if len(cells := cells_of(line)) == 4
    }
    profiles = PROFILES.values()
    no_key = ["400" if profile.required else "runs unprotected" for profile in profiles]
    assert rows["no key"] == no_key
    in_progress = [str(profile.in_progress) for profile in profiles]
    assert rows["the first request is running"] == in_progress
    mismatch = [str(profile.mismatch) for profile in profiles]
    assert rows["the key belongs to another payload"] == mismatch


def test_the_options_of_powertools_exist() -> None:
    known = {
        *inspect.signature(powertools.IdempotencyConfig).parameters,
        *inspect.signature(powertools.idempotent_function).parameters,
        *dir(exceptions),
        *dir(powertools.IdempotencyConfig),
        "DynamoDBPersistenceLayer",
        "CachePersistenceLayer",
        "table_name",
        "client",
        "idempotent_function",
        "powertools_json",
        "POWERTOOLS_IDEMPOTENCY_DISABLED",
    }
    named = {
        name for theirs, _ in POWERTOOLS for name in re.findall(r"`(?:config\.)?(\w+)", theirs)
    }
    assert named <= known


def test_the_options_of_ours_exist() -> None:
    known = {
        *HandlerOptions.__annotations__,
        *FunctionOptions.__annotations__,
        *IdempotencyOptions.__annotations__,
        *lambda_idempotency.__all__,
        *("reject", "bypass", "retry_after", "body", "IdempotencyStore", "IDEMPOTENCY_DISABLED"),
    }
    named = {name for _, ours in POWERTOOLS for name in re.findall(r"`(\w+)", ours)}
    assert named <= known


def test_the_document_is_one_that_the_runtime_reads() -> None:
    [document] = re.findall(r"```json\n(.*?)```", REDIS, re.DOTALL)
    settings = RedisSettings.parse(document, "/example")
    defaults = RedisSettings(host=settings.host, credentials=settings.credentials)
    shown = settings.to_document().keys() - defaults.to_document().keys()
    assert shown == {"username", "ca"}  # the others are the defaults, as the text says


def test_every_other_kind_of_credentials_is_one_that_the_runtime_reads() -> None:
    forms = re.findall(r'`(\{"type": .*?\})`', REDIS)
    assert len(forms) == 3
    for form in forms:
        credentials = json.loads(form.replace("...", '"x"'))
        RedisSettings.parse(json.dumps({"host": "h", "credentials": credentials}), "/example")


def test_the_user_s_rights_are_those_that_the_construct_gives() -> None:
    [rules] = re.findall(r"ACL SETUSER idempotency (.*)", REDIS)
    expected = access_string(["shop/Payments/Payments", "shop/Payments/Refunds"], cluster=False)
    assert rules.replace(">PASSWORD ", "") == expected


def test_the_other_rights_are_those_that_the_code_names() -> None:
    rights = re.findall(r"`(\+[^`]*)`", REDIS)
    for commands in (
        CLUSTER_COMMANDS,
        ADMIN_COMMANDS,
        tuple(set(ADMIN_CLUSTER_COMMANDS) - set(ADMIN_COMMANDS)),
    ):
        assert " ".join(f"+{command}" for command in commands) in rights


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_the_outputs_that_an_example_names_are_its_stack_s(example: Path) -> None:
    outputs = set(re.findall(r'CfnOutput\(self, "(\w+)"', (example / "stack.py").read_text()))
    named = set(re.findall(r"`(\w+(?:Url|Name))`", (example / "README.md").read_text()))
    assert named
    assert named <= outputs
