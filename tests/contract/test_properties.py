"""Settings from any source are unchanged after being written and read, or are refused by name."""

from __future__ import annotations

import json
import warnings
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.planted import plant, refutes
from kit.strategies import ANY_TEXT, edited, thorough
from lambda_idempotency import ConfigurationError, HttpOptions
from lambda_idempotency.contract.kinds import Flag, Kind, Matching, Seconds, Text, Whole
from lambda_idempotency.contract.redis import Host, RedisSettings
from lambda_idempotency.contract.settings import Settings

# The environment ----------------------------------------------------------------------------------

HTTP: Final = (
    "off",
    '{"profile":"stripe","pattern":"[a-z]{2}","methods":["POST"],"store_statuses":["2xx"]}',
    '{"header":"X","required":true,"cors":["*"],"status_path":"/a","not_replayed":["b"]}',
)
VALUES: Final = {
    "STORE": ("dynamodb", "redis", "memory"),
    "TABLE": ("records", ""),
    "PARAMETER": ("/redis",),
    "NAMESPACE": ("shop/a", "a#b"),
    "HANDLER": ("a/b.c", "a.b.c", "b"),
    "HTTP": HTTP,
    "KEY": ("body.id", "[a, b]", "a ||"),
    "FINGERPRINT": ("body", "a."),
    "EXPIRES_AFTER": ("3600", "2.5", "0.5", "1e3"),
    "LEASE": ("0.5", "30", "inf"),
    "TIMEOUT": ("1.5", "0"),
    "HEARTBEAT": ("true", "false", "0"),
    "WAIT_TIMEOUT": ("2.5", "nan"),
    "ON_IN_PROGRESS": ("raise", "wait"),
    "ON_MISSING_KEY": ("reject", "bypass"),
    "MAX_ATTEMPTS": ("3", "0", "1.5"),
    "CACHE_SIZE": ("0", "100"),
    "STORE_RESPONSE": ("true", "no"),
    "REDACT": ("{id: id}", ""),
    "RESPONSE_KEY": ("alias/answers",),
    "LARGE_RESPONSES": ("bucket",),
    "LARGE_RESPONSE_SIZE": ("32768",),
    "FAIL_OPEN": ("true", "false"),
    "METRICS": ("true", "false"),
    "DISABLED": ("true", "false", "0"),
    "URL_SUFFIX": ("amazonaws.com.cn",),
}
ANY_HTTP: Final = st.dictionaries(
    st.sampled_from((*HttpOptions.kinds, "unknown", "Header")),
    st.sampled_from(("stripe", "X-Key", "sub", "/a", True, None, 0, ["*"], ["POST"], ["2xx"], [])),
    max_size=2,
).map(json.dumps)
WORDS: Final = ("=", '"', "{", "[", "nan", "inf", "true", "${Token[", "*", "(", "{9}", " ", "\n")


@st.composite
def environments(draw: st.DrawFn) -> dict[str, str]:
    """Return a few of our variables, with values that are valid or nearly so."""
    most = draw(st.sampled_from((1, 1, 4)))
    # HTTP has many parts; numbers have many wrong spellings.
    names = st.sampled_from((*VALUES, *["HTTP"] * 8, *["MAX_ATTEMPTS"] * 3))
    found = {}
    for name in draw(st.lists(names, max_size=most)):
        likely = edited(st.sampled_from(VALUES[name]) | ANY_TEXT, WORDS)
        found[name] = draw(likely | ANY_HTTP if name == "HTTP" else likely)
    if draw(st.sampled_from((False, False, True))):
        found[draw(ANY_TEXT).upper()] = draw(ANY_TEXT)
    return {f"IDEMPOTENCY_{name}": value for name, value in found.items()}


@thorough
@given(environments())
def test_an_environment_is_read_as_it_is_written_or_its_variable_is_named(
    variables: dict[str, str],
) -> None:
    found, refused = None, ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of regular expressions
        try:
            found = Settings.from_environment(variables)
        except ConfigurationError as error:
            refused = str(error)
        if found is not None:
            assert Settings.from_environment(found.to_environment()) == found
    assert not refused or any(name in refused for name in variables)


@pytest.mark.parametrize(
    ("kind", "method", "defect"),
    [
        (Whole, "read", lambda _, text: int(text)),
        (Seconds, "write", lambda _, value: str(int(value))),
        (Flag, "write", lambda _, value: "on" if value else "off"),
    ],
)
def test_a_defect_of_the_environment_is_found(
    monkeypatch: pytest.MonkeyPatch, kind: type[Kind], method: str, defect: Any
) -> None:
    monkeypatch.setattr(kind, method, defect)
    assert refutes(
        test_an_environment_is_read_as_it_is_written_or_its_variable_is_named, environments()
    )


def test_a_defect_of_the_http_options_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Matching, "expected", lambda _, value: value.strip() and None)
    assert refutes(
        test_an_environment_is_read_as_it_is_written_or_its_variable_is_named, environments()
    )


# The document of a Redis server -------------------------------------------------------------------

SECRET: Final = "hunter2"
DOCUMENTS: Final = (
    '{"host": "cache.example", "port": "6379", "credentials": {"type": "none"}}',
    '{"host": "h", "port": 1, "tls": false, "cluster": true, "credentials": {"type": "none"}}',
    '{"host": "h", "database": 3, "credentials": {"type": "ssm", "name": "hunter2"}}',
    '{"host": "h", "credentials": {"type": "secretsmanager", "id": "a", "refresh_after": 2.5}}',
    '{"host": "h", "credentials": {"type": "iam", "cache": "c", "user": "u", "serverless": true}}',
    '{"host": "h", "username": "hunter2", "credentials": {"type": "none"}}',
)
PIECES: Final = ('"', "{", "}", "[", "null", "true", "NaN", "Infinity", '"ca":', "iam", "none", ",")


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Return a document in which a field or two, the secret among them, may hold anything."""
    found = json.loads(draw(st.sampled_from(DOCUMENTS)))
    odd = st.sampled_from(("", None, True, 0, -1, 1.5, 10**400, "a b", "a@b"))
    empty: st.SearchStrategy[Any] = st.builds(list[Any]) | st.builds(dict[str, Any])
    anything = st.just(SECRET) | odd | empty
    for _ in range(draw(st.sampled_from((0, 1, 1, 3)))):
        inside = draw(st.sampled_from((found, found["credentials"])))
        inside[draw(st.sampled_from((*inside, *found, *found["credentials"])))] = draw(anything)
        if not isinstance(found["credentials"], dict):
            break
    return json.dumps(found)


ANY_DOCUMENT: Final = documents() | edited(st.sampled_from(DOCUMENTS) | ANY_TEXT, PIECES)


@thorough
@given(ANY_DOCUMENT)
def test_a_document_is_read_as_it_is_written_and_no_error_quotes_a_value(text: str) -> None:
    found, refused = None, ""
    try:
        found = RedisSettings.parse(text, "/redis")
    except ConfigurationError as error:
        refused = str(error)
    if found is not None:
        assert RedisSettings.parse(json.dumps(found.to_document()), "/redis") == found
    assert not refused or "/redis" in refused
    assert SECRET not in refused or f'"{SECRET}":' in text


@pytest.mark.parametrize(
    ("kind", "defect"),
    [
        (Text, lambda _, value: None if value.strip() else "a text"),
        (Host, lambda _, value: None if "@" in value else str(value)),
    ],
)
def test_a_defect_of_a_field_is_found(
    monkeypatch: pytest.MonkeyPatch, kind: type[Kind], defect: Any
) -> None:
    monkeypatch.setattr(kind, "expected", defect)
    assert refutes(
        test_a_document_is_read_as_it_is_written_and_no_error_quotes_a_value, ANY_DOCUMENT
    )


@pytest.mark.parametrize(
    ("name", "defect"),
    [
        ("_fields", lambda document, what, form: dict(document)),
        ("_number", int),
    ],
)
def test_a_defect_of_the_document_is_found(
    monkeypatch: pytest.MonkeyPatch, name: str, defect: Any
) -> None:
    plant(monkeypatch, RedisSettings.parse, name, defect)
    assert refutes(
        test_a_document_is_read_as_it_is_written_and_no_error_quotes_a_value, ANY_DOCUMENT
    )
