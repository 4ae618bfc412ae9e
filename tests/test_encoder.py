"""The encoder and the decoder: what the standard library writes and reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from json import encoder as library
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_idempotency.encoder import decoder, encoder

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES, st.booleans(), st.booleans())
def test_it_writes_what_the_standard_library_writes(value: Any, ascii_: bool, sort: bool) -> None:  # noqa: FBT001
    ours = encoder(ensure_ascii=ascii_, sort_keys=sort)
    assert ours(value) == json.dumps(
        value, ensure_ascii=ascii_, sort_keys=sort, separators=(",", ":")
    )


AROUND = st.sampled_from(["", " ", "\n\t", "x"])
TEXTS = st.tuples(AROUND, VALUES.map(json.dumps), AROUND).map("".join) | st.text()


def _read(decode: Callable[[str], Any], text: str) -> str:
    try:
        return repr(decode(text))
    except json.JSONDecodeError as error:
        return f"an error: {error}"


@given(TEXTS)
def test_it_reads_what_the_standard_library_reads(text: str) -> None:
    assert _read(decoder(parse_int=str), text) == _read(
        json.JSONDecoder(parse_int=str).decode, text
    )


def test_spaces_are_looked_for_only_where_there_are_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json.JSONDecoder, "decode", lambda *_: "with spaces")
    decode = decoder()
    assert (decode("[1]"), decode("[1] "), decode(" [1]")) == ([1], "with spaces", "with spaces")


@pytest.mark.parametrize("has_c_code", [True, False])
def test_it_works_with_and_without_the_c_code(
    monkeypatch: pytest.MonkeyPatch,
    has_c_code: bool,  # noqa: FBT001
) -> None:
    if not has_c_code:
        monkeypatch.setattr(library, "c_make_encoder", None)
    encode = encoder(ensure_ascii=False, allow_nan=False, default=str, separators=(", ", ": "))
    assert encode({"é": [1, b"x"]}) == '{"é": [1, "b\'x\'"]}'
    with pytest.raises(ValueError, match="JSON compliant"):
        encode(float("nan"))


def test_the_c_code_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    encode = encoder()
    monkeypatch.setattr(library, "c_make_encoder", None)
    monkeypatch.setattr(json.JSONEncoder, "iterencode", None)
    assert encode([1]) == "[1]"


def test_a_circle_and_another_kind_of_value_are_errors() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(RecursionError):
        encoder()(circle)
    with pytest.raises(TypeError, match="a set is not JSON"):
        encoder()({1})
