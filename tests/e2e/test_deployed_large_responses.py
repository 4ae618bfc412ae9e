"""Large responses of a deployed function, with IAM enforced."""

from __future__ import annotations

import copy
from typing import Any
from uuid import uuid4

import pytest

from kit.aws.deployed import Deployed

pytestmark = pytest.mark.xdist_group("deployed")


def _names(deployed: Deployed) -> set[str]:
    return set(deployed.objects("ResponsesName"))


def _event(size: int = 5000) -> dict[str, Any]:
    return {"id": uuid4().hex, "size": size}


def test_a_large_response_is_an_object_that_duplicates_get(deployed: Deployed) -> None:
    event = _event()
    first = deployed.answer("Large", event)
    assert deployed.answer("Large", event) == first
    digest = first["record"].removeprefix("Large/Large#")
    assert (
        len([name for name in _names(deployed) if name.startswith(f"Large/Large/{digest}/")]) == 1
    )


def test_a_small_response_is_none(deployed: Deployed) -> None:
    event, before = _event(size=10), _names(deployed)
    assert deployed.answer("Large", event) == deployed.answer("Large", event)
    assert _names(deployed) == before


@pytest.mark.parametrize("verb", ["get_object", "put_object", "delete_object"])
def test_the_responses_of_another_function_are_out_of_reach(deployed: Deployed, verb: str) -> None:
    deployed.answer("Large", _event())
    name = next(name for name in _names(deployed) if name.startswith("Large/Large/"))
    assert deployed.answer("Thief", {"object": name, "verb": verb}) == "AccessDenied"


def test_a_function_may_write_and_read_its_own(deployed: Deployed) -> None:
    for verb in ("put_object", "get_object"):
        event = {"object": f"Large/Thief/{'0' * 64}/1", "verb": verb}
        assert deployed.answer("Thief", event) == "done"


@pytest.mark.parametrize("action", ["s3:PutObject", "s3:GetObject"])
def test_nothing_less_works(deployed: Deployed, action: str) -> None:
    event = _event()
    role, name, document = deployed.policy("Large")
    reduced: dict[str, Any] = copy.deepcopy(document)
    for statement in reduced["Statement"]:
        if action in statement["Action"]:
            statement["Action"].remove(action)
    deployed.put_policy(role, name, reduced)
    before = _names(deployed)
    try:
        first, second = deployed.invoke("Large", event), deployed.invoke("Large", event)
    finally:
        deployed.put_policy(role, name, document)
    assert first.error is None
    if action == "s3:PutObject":  # the record could hold it anyway
        assert second == first
        assert _names(deployed) == before
    else:
        assert "S3 object" in str(second.error)
        assert deployed.answer("Large", event) == first.payload


def test_a_bucket_of_another_account_is_not_written_to(deployed: Deployed) -> None:
    role, name, document = deployed.policy("Large")
    elsewhere: dict[str, Any] = copy.deepcopy(document)
    for statement in elsewhere["Statement"]:
        if "s3:PutObject" in statement["Action"]:
            statement["Condition"]["StringEquals"]["s3:ResourceAccount"] = "222222222222"
    deployed.put_policy(role, name, elsewhere)
    before = _names(deployed)
    try:
        first, second = (deployed.invoke("Large", event) for event in [_event()] * 2)
    finally:
        deployed.put_policy(role, name, document)
    assert first.error is None
    assert second == first
    assert _names(deployed) == before
