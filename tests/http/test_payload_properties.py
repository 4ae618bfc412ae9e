"""Any body has a payload, and two forms have one only where their fields are the same."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.payloads import FORM, JSON, OCTETS, PLAIN, multipart, part, payload
from kit.planted import plant, refutes
from kit.strategies import ANY_TEXT, thorough
from lambda_idempotency.http import bodies

MULTIPART: Final = "multipart/form-data; boundary=b"
FIELDS: Final = st.lists(
    st.tuples(st.sampled_from("ab=&+%"), st.sampled_from(("", "1", "2", "&", "=", "+ %41", "ü"))),
    max_size=4,
)
BOUNDARIES: Final = st.sampled_from(("b", "--", "-----X", "b1"))
Writer = Callable[[list[tuple[str, str]], str], tuple[str | bytes, str]]


def as_form(fields: list[tuple[str, str]], boundary: str) -> tuple[str, str]:
    escape = quote_plus if boundary == "b" else quote
    return "&".join(f"{escape(name)}={escape(value)}" for name, value in fields), FORM


def as_multipart(fields: list[tuple[str, str]], boundary: str) -> tuple[bytes, str]:
    parts = (part(name, value.encode()) for name, value in fields)
    return multipart(*parts, boundary=boundary, quoted=boundary == "b")


WRITERS: Final[st.SearchStrategy[Writer]] = st.sampled_from((as_form, as_multipart))
FORMS: Final = (
    WRITERS,
    st.one_of(
        FIELDS.flatmap(lambda fields: st.tuples(st.just(fields), st.permutations(fields))),
        st.tuples(FIELDS, FIELDS),
    ),
    st.tuples(BOUNDARIES, BOUNDARIES),
)


def by_name(fields: list[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the meaning of a form."""
    found: dict[str, list[str]] = {}
    for name, value in fields:
        found.setdefault(name, []).append(value)
    return found


@thorough
@given(*FORMS)
def test_two_forms_are_one_payload_only_where_their_fields_are(
    write: Writer,
    pair: tuple[list[tuple[str, str]], list[tuple[str, str]]],
    boundaries: tuple[str, str],
) -> None:
    one, other = (
        payload(*write(fields, boundary)) for fields, boundary in zip(pair, boundaries, strict=True)
    )
    assert (one == other) == (by_name(pair[0]) == by_name(pair[1]))


@pytest.mark.parametrize(
    ("name", "defect"),
    [
        ("sorted", lambda fields, key=None: list(fields)),
        ("sorted", lambda fields, key=None: sorted(fields)),
        ("sha256", lambda _: _Same()),
    ],
)
def test_a_defect_of_forms_is_found(
    monkeypatch: pytest.MonkeyPatch, name: str, defect: Any
) -> None:
    plant(monkeypatch, bodies.fields, name, defect)
    assert refutes(test_two_forms_are_one_payload_only_where_their_fields_are, *FORMS)


class _Same:
    def hexdigest(self) -> str:
        return ""


@thorough
@given(
    st.binary(max_size=200) | ANY_TEXT, st.sampled_from((JSON, FORM, MULTIPART, OCTETS, PLAIN, "x"))
)
def test_any_body_has_a_payload_or_is_ambiguous_json(body: str | bytes, kind: str) -> None:
    for coding in (None, "gzip", "deflate"):
        with suppress(ValueError):  # it is ambiguous JSON
            assert all(isinstance(part, bytes) for part in payload(body, kind, coding))


@given(st.binary(max_size=200), st.sampled_from(("gzip", "deflate")), st.integers(1, 9))
def test_a_compressed_body_is_the_payload_that_is_in_it(
    content: bytes, coding: str, level: int
) -> None:
    packed = gzip.compress(content, level) if coding == "gzip" else zlib.compress(content, level)
    if content and not content.startswith(b"\x1f\x8b\x08"):
        assert payload(packed, OCTETS, coding) == payload(content, OCTETS)
