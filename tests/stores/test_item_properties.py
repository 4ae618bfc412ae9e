"""A value under a key of a store, whatever it is, is a record or a `StoreError` that names it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.harnesses import hash_of
from kit.planted import plant, refutes
from kit.strategies import ANY_TEXT, thorough
from lambda_idempotency import StoreError
from lambda_idempotency.clients.aws.typed import decoded
from lambda_idempotency.protocol.record import Record
from lambda_idempotency.stores.dynamodb_items import from_item, to_item
from lambda_idempotency.stores.redis_fields import from_fields

KEY: Final = "shop#1"
STATUSES: Final = ("INPROGRESS", "COMPLETED", "PARKED")
TEXTS: Final = ("owner", "validation", "data", "encoding", "scope")
NUMBERS: Final = ("attempt", "expiration", "in_progress_expiration")


def _or_refused(decode: Callable[[], Record]) -> Record | None:
    try:
        return decode()
    except StoreError as error:
        refused = str(error)
    assert KEY in refused
    return None


# DynamoDB -----------------------------------------------------------------------------------------

ANY_STRING: Final = st.fixed_dictionaries({"S": ANY_TEXT})
ANY_STATUS: Final = st.fixed_dictionaries({"S": st.sampled_from((*STATUSES, "x"))})
ANY_NUMBER: Final = st.fixed_dictionaries(
    {"N": st.sampled_from(("0", "1", "1800000000", "-1", "1.5", "1E+3", "9" * 38))}
)
OF_ANOTHER_TYPE: Final = (
    ANY_STATUS
    | ANY_STRING
    | ANY_NUMBER
    | st.sampled_from(
        (
            {"B": b"\xff"},
            {"BOOL": True},
            {"NULL": True},
            {"M": {"S": {"S": "INPROGRESS"}}},
            {"L": [{"S": "INPROGRESS"}]},
        )
    )
)
ATTRIBUTES: Final[dict[str, st.SearchStrategy[Any]]] = {
    "status": ANY_STATUS,
    **dict.fromkeys(TEXTS, ANY_STRING),
    "data": ANY_STRING | st.fixed_dictionaries({"B": st.binary(max_size=4)}),
    **dict.fromkeys(NUMBERS, ANY_NUMBER),
}


@st.composite
def items(draw: st.DrawFn) -> dict[str, Any]:
    """Return an item with most of a record's attributes, a few of which may be of another type."""
    absent = draw(st.sets(st.sampled_from(list(ATTRIBUTES)), max_size=3))
    wrong = draw(st.sets(st.sampled_from(list(ATTRIBUTES)), max_size=2))
    kinds = {
        name: OF_ANOTHER_TYPE if name in wrong else kind
        for name, kind in ATTRIBUTES.items()
        if name not in absent
    }
    return {"id": {"S": KEY}, **draw(st.fixed_dictionaries(kinds))}


@thorough
@given(items())
def test_an_item_is_written_as_it_was_read(item: dict[str, Any]) -> None:
    record = _or_refused(lambda: from_item(item, KEY, "table"))
    if record is None:
        return
    written = decoded(to_item(record))
    assert from_item(written, KEY, "table") == record
    assert written == {name: item[name] for name in written}
    assert ("data" in written) == any(kind in item.get("data", {}) for kind in "SB")


@pytest.mark.parametrize(
    ("name", "defect"),
    [
        ("_text", lambda item, name: item[name]["S"] + "x" if name in item else None),
        ("StoreError", lambda text: StoreError("no record")),
    ],
)
def test_a_defect_of_the_item_is_found(
    monkeypatch: pytest.MonkeyPatch, name: str, defect: Any
) -> None:
    plant(monkeypatch, from_item, name, defect)
    assert refutes(test_an_item_is_written_as_it_was_read, items())


# Redis --------------------------------------------------------------------------------------------

ANY_BYTES: Final = ANY_TEXT.map(lambda text: text.encode("utf-8", "surrogatepass"))
ODD: Final = st.sampled_from((b"1", b"-1", b"1.5", b"\xff", b"", b"9" * 5000)) | ANY_BYTES
WHOLE: Final = st.sampled_from((b"0", b"1", b"1800000000"))
TEXT_FIELDS: Final = [name.encode() for name in (*TEXTS, "blob")]
FIELDS: Final = {
    b"status": st.sampled_from([status.encode() for status in STATUSES]),
    **dict.fromkeys(TEXT_FIELDS, ANY_BYTES),
    **dict.fromkeys((name.encode() for name in NUMBERS), WHOLE),
}


@st.composite
def hashes(draw: st.DrawFn) -> dict[bytes, bytes]:
    """Return a hash with most of a record's fields, a few of which may hold anything."""
    absent = draw(st.sets(st.sampled_from(list(FIELDS)), max_size=3))
    wrong = draw(st.sets(st.sampled_from(list(FIELDS)), max_size=2))
    kinds = {
        name: ODD if name in wrong else kind for name, kind in FIELDS.items() if name not in absent
    }
    return draw(st.fixed_dictionaries(kinds))


@thorough
@given(hashes())
def test_a_hash_is_written_as_it_was_read(fields: dict[bytes, bytes]) -> None:
    record = _or_refused(lambda: from_fields(KEY, fields))
    if record is None:
        return
    encoded = [part if isinstance(part, bytes) else str(part).encode() for part in hash_of(record)]
    written = dict(zip(encoded[::2], encoded[1::2], strict=True))
    assert from_fields(KEY, written) == record
    hidden = b"data" if b"blob" in fields else b""
    kept = {name: fields[name] for name in fields if name in TEXT_FIELDS and name != hidden}
    assert kept == {name: written[name] for name in written if name in TEXT_FIELDS}


@pytest.mark.parametrize(
    ("name", "defect"),
    [
        ("_text", lambda value: (value or b"").decode(errors="replace") + "x"),
        ("foreign", lambda key: StoreError("no record")),
        ("_STATUSES", {b"INPROGRESS": "INPROGRESS", b"COMPLETED": "PARKED"}),
    ],
)
def test_a_defect_of_the_hash_is_found(
    monkeypatch: pytest.MonkeyPatch, name: str, defect: Any
) -> None:
    plant(monkeypatch, from_fields, name, defect)
    assert refutes(test_a_hash_is_written_as_it_was_read, hashes())
