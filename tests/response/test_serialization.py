"""The part of a handler's result that is recorded, and the result that its duplicates get."""

from __future__ import annotations

import traceback
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_idempotency import ResponseUnavailableError
from lambda_idempotency.protocol.record import NO_BODY, Record
from lambda_idempotency.response.serialization import from_stored, to_stored

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters()), inner, max_size=3)
    ),
    max_leaves=8,
)


def completed(data: str | bytes | None, encoding: str | None = None) -> Record:
    return Record(
        key="shop#00",
        status="COMPLETED",
        owner="o",
        attempt=1,
        expiration=1,
        data=data,
        encoding=encoding,
    )


def replayed(result: Any) -> Any:
    stored = to_stored(result)
    return from_stored(completed(stored.data, stored.encoding))


@settings(deadline=None)
@given(json_values)
def test_a_json_result_is_replayed_as_it_was(result: Any) -> None:
    assert replayed(result) == result


@settings(deadline=None)
@given(json_values)
def test_a_recorded_result_can_be_written_as_utf_8(result: Any) -> None:
    data = to_stored(result).data
    assert isinstance(data, str)
    assert data.encode()


@pytest.mark.parametrize("result", [None, 0, "", [], {}, False, 0.0])
def test_a_falsy_result_is_told_apart_from_none_at_all(result: Any) -> None:
    assert repr(replayed(result)) == repr(result)


def test_the_caller_gets_the_very_object_that_the_handler_returned() -> None:
    result = {"a": (1, Decimal("1.5"))}
    assert to_stored(result).result is result


def test_each_replay_is_a_new_object() -> None:
    record = completed('{"items": []}')
    from_stored(record)["items"].append(1)
    assert from_stored(record) == {"items": []}


@pytest.mark.parametrize(
    "record",
    [completed(None, NO_BODY), completed(None), completed('"x"', "a later version's")],
)
def test_a_result_without_a_body_is_unavailable(record: Record) -> None:
    with pytest.raises(ResponseUnavailableError, match="shop#00 is done"):
        from_stored(record)


@pytest.mark.parametrize(
    "garbage",
    ["", "secret-4711", '{"secret-4711"', b"\xffsecret-4711", "1" * 5000, "[" * 100_000],
    ids=["empty", "text", "cut", "bytes", "digits", "deep"],
)
def test_a_stored_result_that_cannot_be_read_is_unavailable(garbage: str | bytes) -> None:
    with pytest.raises(ResponseUnavailableError, match="shop#00 is done"):
        from_stored(completed(garbage))


def test_an_unreadable_result_is_not_quoted() -> None:
    garbage = '{"secret-4711"'
    with pytest.raises(ResponseUnavailableError) as refused:
        from_stored(completed(garbage))
    assert "secret-4711" not in "".join(traceback.format_exception(refused.value))


def test_a_stored_result_may_be_bytes() -> None:
    assert from_stored(completed('{"a": "é"}'.encode())) == {"a": "é"}
