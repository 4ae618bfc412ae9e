"""The code, rights and documents of docs/redis.md are true."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from aws_cdk.assertions import Template

from kit.local_aws import ROOT
from kit.pages import blocks_of, synthesised
from lambda_idempotency.redis_document import CLUSTER_COMMANDS, RedisSettings, access_string
from lambda_idempotency.rotation.acl import ADMIN_CLUSTER_COMMANDS, ADMIN_COMMANDS

PAGE = (ROOT / "docs" / "redis.md").read_text()
STACKS = blocks_of(PAGE)


@pytest.mark.parametrize("number", range(len(STACKS)))
def test_the_stacks_synthesise(tmp_path: Path, number: int) -> None:
    [stack] = synthesised(STACKS[number], "Payments", tmp_path).stacks
    template = Template.from_json(stack.template)
    template.resource_count_is("AWS::SSM::Parameter", 1)


def test_the_document_is_one_that_the_runtime_reads() -> None:
    [document] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    settings = RedisSettings.parse(document, "/example")
    defaults = RedisSettings(host=settings.host, credentials=settings.credentials)
    shown = settings.to_document().keys() - defaults.to_document().keys()
    assert shown == {"username", "ca"}  # the others are the defaults, as the text says


def test_every_other_kind_of_credentials_is_one_that_the_runtime_reads() -> None:
    forms = re.findall(r'`(\{"type": .*?\})`', PAGE)
    assert len(forms) == 3
    for form in forms:
        credentials = json.loads(form.replace("...", '"x"'))
        RedisSettings.parse(json.dumps({"host": "h", "credentials": credentials}), "/example")


def test_the_user_s_rights_are_those_that_the_construct_gives() -> None:
    [rules] = re.findall(r"ACL SETUSER idempotency (.*)", PAGE)
    expected = access_string(["Payments", "Refunds"], cluster=False)
    assert rules.replace(">PASSWORD ", "") == expected


def test_the_other_rights_are_those_that_the_code_names() -> None:
    rights = re.findall(r"`(\+[^`]*)`", PAGE)
    for commands in (
        CLUSTER_COMMANDS,
        ADMIN_COMMANDS,
        tuple(set(ADMIN_CLUSTER_COMMANDS) - set(ADMIN_COMMANDS)),
    ):
        assert " ".join(f"+{command}" for command in commands) in rights
