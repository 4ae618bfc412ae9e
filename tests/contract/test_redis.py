"""The settings document of a Redis server: the runtime reads what the construct writes."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_idempotency.contract.redis import (
    CLUSTER_COMMANDS,
    COMMANDS,
    Credentials,
    IamCredentials,
    NoCredentials,
    RedisSettings,
    SecretsManagerCredentials,
    SecureStringCredentials,
    access_string,
)
from lambda_idempotency.errors import ConfigurationError

PARAMETER: Final = "/idempotency/redis"
SECRET: Final = "hunter2"
PEM: Final = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
MINIMAL: Final[dict[str, Any]] = {"host": "cache.internal", "credentials": {"type": "none"}}

_TEXTS: Final = st.text(min_size=1).filter(str.strip)
_SECONDS: Final = st.integers(1, 10**6) | st.floats(0.001, 10**6)
_CREDENTIALS: Final[st.SearchStrategy[Credentials]] = st.one_of(
    st.builds(SecretsManagerCredentials, id=_TEXTS, refresh_after=_SECONDS),
    st.builds(SecureStringCredentials, name=_TEXTS, refresh_after=_SECONDS),
    st.builds(IamCredentials, cache=_TEXTS, user=_TEXTS, serverless=st.booleans()),
    st.just(NoCredentials()),
)


@st.composite
def settings(draw: st.DrawFn) -> RedisSettings:
    """Return valid settings."""
    cluster, tls = draw(st.booleans()), draw(st.booleans())
    return RedisSettings(
        host=draw(st.sampled_from(["cache.internal", "10.0.0.1", "::1", "größe.example", "a"])),
        port=draw(st.integers(1, 65535)),
        tls=tls,
        cluster=cluster,
        database=0 if cluster else draw(st.integers(0, 100)),
        username=draw(st.none() | _TEXTS),
        ca=draw(st.none() | st.just(PEM)) if tls else None,
        credentials=draw(_CREDENTIALS),
    )


def parse(document: object) -> RedisSettings:
    text = document if isinstance(document, str) else json.dumps(document)
    return RedisSettings.parse(text, PARAMETER)


# Round trip ---------------------------------------------------------------------------------------


@given(settings())
def test_what_is_written_is_read(written: RedisSettings) -> None:
    assert parse(written.to_document()) == written


@given(settings())
def test_a_document_is_json_of_what_differs_from_the_default(written: RedisSettings) -> None:
    document = json.loads(json.dumps(written.to_document()))
    defaults = RedisSettings._field_defaults
    assert all(document[name] != defaults.get(name) for name in document if name != "credentials")


def test_what_is_left_out_has_its_default() -> None:
    assert parse(MINIMAL) == RedisSettings(
        host="cache.internal", port=6379, tls=True, cluster=False, database=0
    )


def test_a_document_of_upstash_is_a_host_a_user_and_a_secret() -> None:
    document = RedisSettings(
        host="eu1-fine-cat-1.upstash.io",
        username="idempotency",
        credentials=SecureStringCredentials("/shop/upstash"),
    ).to_document()
    assert document == {
        "host": "eu1-fine-cat-1.upstash.io",
        "username": "idempotency",
        "credentials": {"type": "ssm", "name": "/shop/upstash", "refresh_after": 900},
    }


@pytest.mark.parametrize(("port", "number"), [(1, 1), ("6380", 6380), (65535, 65535)])
def test_a_port_may_be_a_text_of_digits(port: object, number: int) -> None:
    assert parse({**MINIMAL, "port": port}).port == number


# Malformed documents ------------------------------------------------------------------------------

BAD_DOCUMENTS: Final[dict[str, tuple[object, str]]] = {
    "empty": ("", "the document is no JSON object"),
    "no JSON": (f"{{'password': '{SECRET}'}}", "the document is no JSON object"),
    "a text": (json.dumps(SECRET), "the document is no JSON object"),
    "a list": ([SECRET], "the document is no JSON object"),
    "null": ("null", "the document is no JSON object"),
    "too deep": ("[" * 100_000, "the document is no JSON object"),
    "number without end": ("9" * 10_000, "the document is no JSON object"),
    "nothing in it": ({}, "lacks the field host"),
    "no host": ({"credentials": {"type": "none"}}, "lacks the field host"),
    "no credentials": ({"host": "cache"}, "credentials is missing"),
    "unknown field": ({**MINIMAL, "password": SECRET}, "the unknown field password"),
    "credentials that are a text": ({**MINIMAL, "credentials": SECRET}, "credentials is missing"),
}
BAD_FIELDS: Final[list[tuple[str, object, str]]] = [
    ("host", "", "a host name or an IP address"),
    ("host", " ", "a host name or an IP address"),
    ("host", None, "a host name or an IP address"),
    ("host", 4111, "a host name or an IP address"),
    ("host", [SECRET], "a host name or an IP address"),
    ("host", f"rediss://default:{SECRET}@eu1.upstash.io:6379", "and no URL"),
    ("host", f"default:{SECRET}@eu1.upstash.io", "and no URL"),
    ("host", f"//{SECRET}", "and no URL"),
    ("host", f"{SECRET}:6379", "a host name or an IP address"),
    ("host", "[::1]", "a host name or an IP address"),
    ("host", f"cache\n{SECRET}", "a host name or an IP address"),
    ("host", "cache..internal", "a host name or an IP address"),
    ("host", "c" * 64, "a host name or an IP address"),
    ("host", "c" * 64 + ".internal", "a host name or an IP address"),
    ("host", ".internal", "a host name or an IP address"),
    ("host", "größe..internal", "a host name or an IP address"),
    ("host", "\ud800", "a host name or an IP address"),
    ("port", 0, "a whole number from 1 to 65535"),
    ("port", 65536, "a whole number from 1 to 65535"),
    ("port", -1, "a whole number from 1 to 65535"),
    ("port", 6379.0, "a whole number from 1 to 65535"),
    ("port", True, "a whole number from 1 to 65535"),
    ("port", None, "a whole number from 1 to 65535"),
    ("port", "", "a whole number from 1 to 65535"),
    ("port", SECRET, "a whole number from 1 to 65535"),
    ("port", "٦٣٧٩", "a whole number from 1 to 65535"),
    ("tls", "true", "true or false"),
    ("tls", 1, "true or false"),
    ("tls", None, "true or false"),
    ("cluster", "yes", "true or false"),
    ("cluster", 0, "true or false"),
    ("database", -1, "a whole number from 0"),
    ("database", "0", "a whole number from 0"),
    ("database", True, "a whole number from 0"),
    ("database", None, "a whole number from 0"),
    ("username", "", "a text"),
    ("username", 5, "a text"),
    ("ca", "", "PEM text"),
    ("ca", {"pem": SECRET}, "PEM text"),
    ("ca", SECRET, "PEM text"),
]
BAD_CREDENTIALS: Final[list[tuple[dict[str, Any], str]]] = [
    ({}, "the type of credentials is unknown"),
    ({"type": None}, "the type of credentials is unknown"),
    ({"type": ["ssm"]}, "the type of credentials is unknown"),
    ({"type": SECRET}, "expected one of secretsmanager, ssm, iam, none"),
    ({"type": "secretsmanager"}, "lacks the field id"),
    ({"type": "secretsmanager", "id": ""}, "id is not as expected"),
    ({"type": "secretsmanager", "id": 5}, "id is not as expected"),
    ({"type": "secretsmanager", "id": "a", "password": SECRET}, "the unknown field password"),
    ({"type": "ssm"}, "lacks the field name"),
    ({"type": "ssm", "name": None}, "name is not as expected"),
    ({"type": "ssm", "name": "a", "refresh_after": 0}, "a number of seconds above 0"),
    ({"type": "ssm", "name": "a", "refresh_after": -1}, "a number of seconds above 0"),
    ({"type": "ssm", "name": "a", "refresh_after": True}, "a number of seconds above 0"),
    ({"type": "ssm", "name": "a", "refresh_after": "60"}, "a number of seconds above 0"),
    ({"type": "ssm", "name": "a", "refresh_after": float("nan")}, "a number of seconds above 0"),
    ({"type": "ssm", "name": "a", "refresh_after": float("inf")}, "a number of seconds above 0"),
    ({"type": "ssm", "name": "a", "refresh_after": 10**400}, "a number of seconds above 0"),
    ({"type": "iam", "user": "u"}, "lacks the field cache"),
    ({"type": "iam", "cache": "c"}, "lacks the field user"),
    ({"type": "iam", "cache": "c", "user": "u", "serverless": "yes"}, "true or false"),
    ({"type": "none", "password": SECRET}, "the unknown field password"),
]


def refusal(document: object) -> str:
    """Return the error message for a document, checked to name its parameter and to quote no
    secret.
    """
    with pytest.raises(ConfigurationError) as raised:
        parse(document)
    message = str(raised.value)
    assert message.startswith(f"SSM parameter {PARAMETER} holds no settings of a Redis server: ")
    assert SECRET not in message
    assert SECRET not in repr(raised.value.__cause__)
    return message


@pytest.mark.parametrize("kind", BAD_DOCUMENTS)
def test_a_malformed_document_is_refused_by_the_parameters_name(kind: str) -> None:
    document, words = BAD_DOCUMENTS[kind]
    assert words in refusal(document)


@pytest.mark.parametrize(("name", "value", "expected"), BAD_FIELDS)
def test_a_senseless_field_is_named_with_what_is_expected(
    name: str, value: object, expected: str
) -> None:
    message = refusal({**MINIMAL, name: value})
    assert f"{name} is not as expected: " in message
    assert expected in message


@pytest.mark.parametrize(("credentials", "expected"), BAD_CREDENTIALS)
def test_senseless_credentials_are_refused(credentials: dict[str, Any], expected: str) -> None:
    assert expected in refusal({**MINIMAL, "credentials": credentials})


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"cluster": True, "database": 1}, "in a cluster, records are in database 0"),
        ({"tls": False, "ca": PEM}, "ca is for tls, which is false"),
    ],
)
def test_fields_that_exclude_each_other_are_refused(more: dict[str, Any], expected: str) -> None:
    assert expected in refusal({**MINIMAL, **more})


_JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)
_NEAR: Final = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(RedisSettings._fields, _JSON | st.just(6379) | st.just("cache")),
        "credentials": _JSON
        | st.fixed_dictionaries(
            {"type": st.sampled_from(["secretsmanager", "ssm", "iam", "none"])},
            optional=dict.fromkeys(("id", "name", "cache", "user", "refresh_after"), _JSON),
        ),
    },
)


@given(st.text() | _JSON.map(json.dumps) | _NEAR.map(json.dumps))
def test_any_text_is_settings_or_refused_by_name(text: str) -> None:
    try:
        found = RedisSettings.parse(text, PARAMETER)
    except ConfigurationError as error:
        message = str(error)
        found = None
    if found is None:
        assert PARAMETER in message
    else:
        assert parse(found.to_document()) == found


# Rights -------------------------------------------------------------------------------------------


def test_the_rights_are_the_commands_on_the_keys_of_the_namespaces() -> None:
    assert access_string(["shop", "orders/v1"], cluster=False) == (
        "on ~shop#* ~orders/v1#* -@all +evalsha +eval +time +hgetall +hset +hdel +del +pexpireat"
    )


def test_a_cluster_and_another_database_take_more() -> None:
    base = access_string(["shop"], cluster=False)
    assert access_string(["shop"], cluster=True) == f"{base} +cluster|slots +asking"
    assert access_string(["shop"], cluster=False, database=1) == f"{base} +select"
    assert {*COMMANDS}.isdisjoint(CLUSTER_COMMANDS)
