"""What is fuzzed: each takes any bytes, and says what must be true of what the code makes of them.

Refusals are named; any other exception is a defect, and so is a different answer than that of a
second reading (`references.py`).
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Hashable
from typing import Any, Final

from kit.fuzz.fuzzer import Subject
from kit.fuzz.provider import Provider, text
from kit.fuzz.references import UnreadableError, header_keys, json_meaning, meaning
from lambda_idempotency import ConfigurationError, HttpOptions, MemoryStore, MissingKeyError
from lambda_idempotency.clients.aws import clock
from lambda_idempotency.contract import http as http_options
from lambda_idempotency.contract import kinds, rows
from lambda_idempotency.contract import redis as redis_document
from lambda_idempotency.contract import settings as contract
from lambda_idempotency.contract.redis import RedisSettings
from lambda_idempotency.contract.settings import Settings
from lambda_idempotency.errors import StoreError
from lambda_idempotency.execution.invocation import Invocation
from lambda_idempotency.execution.operation import Operation
from lambda_idempotency.execution.runner import SyncRunner
from lambda_idempotency.execution.target import Target
from lambda_idempotency.http import exchange, header, mode, shapes
from lambda_idempotency.identity import callers as principal
from lambda_idempotency.identity import canonical as canonical_module
from lambda_idempotency.identity import events, keys
from lambda_idempotency.identity.canonical import canonical, parse
from lambda_idempotency.identity.keys import KeyRule, Selector
from lambda_idempotency.protocol.record import Record
from lambda_idempotency.response.serialization import to_stored
from lambda_idempotency.stores import dynamodb_items, redis_fields
from lambda_idempotency.stores.dynamodb_items import from_item, to_item
from lambda_idempotency.stores.redis_fields import from_fields, to_fields

BETWEEN: Final = "\x1e"
"""Parts an input that is several texts."""


# Canonical JSON -----------------------------------------------------------------------------------


def _means(written: str) -> Hashable | None:
    try:
        return json_meaning(written)
    except UnreadableError:
        return None


def _canonical(written: str) -> bytes | None:
    try:
        return canonical(parse(written), parsed=True)
    except ValueError as error:
        # The only thing that is JSON and refused: Decimal has no such exponent.
        return b"" if "out of range" in str(error) else None


def json_texts(data: bytes) -> None:
    """Of two texts: each is read as it is meant, and they are one key only if they mean the same.
    What is read is read again from its canonical form."""
    texts = text(data).split(BETWEEN)[:2]
    forms = [_canonical(written) for written in texts]
    meanings = [_means(written) for written in texts]
    for form, meant in zip(forms, meanings, strict=True):
        assert form == b"" or (form is None) == (meant is None)
    if len(texts) == 2 and None not in forms and b"" not in forms:
        assert (forms[0] == forms[1]) == (meanings[0] == meanings[1])
    for form in forms:
        if form and b'"\\u0000' not in form:  # else it holds a number that JSON cannot carry
            assert canonical(parse(form.decode("utf-8", "surrogatepass"))) == form


_JSON: Final = (
    b'{"a": [1, 2.50, -0.0, 1e3, true, null], "b": {"c": "x\\u00e9\\n"}}',
    b'{"a":1}\x1e{"a":1.0}',
    b"[1e22]\x1e[10000000000000000000000]",
    b'{"b":1,"a":2}\x1e{"a":2,"b":1}',
    b'"\\ud83d\\ude00"\x1e"\xf0\x9f\x98\x80"',
    b'"\\u0000"\x1e"\\u00001e6000"',
    b"1e400\x1e1e-400",
)


# Keys ---------------------------------------------------------------------------------------------

_NAMES: Final = ("id", "body", "order", "1", "1.0", "a.b")
_RULES: Final = (
    KeyRule(namespace="shop"),
    KeyRule(namespace="shop", key=Selector("key", "id")),
    KeyRule(namespace="shop", key=Selector("key", "[id, body]")),
    KeyRule(namespace="shop", key=Selector("key", lambda event: event["id"])),
)


def _identity(rule: KeyRule, event: Any) -> str | None:
    try:
        return rule.identify(event).key
    except MissingKeyError:
        return None


def _chosen(rule: KeyRule, event: Any) -> Any:
    """What the rule takes for the key; the second of them takes two."""
    if rule.key is None:
        return event
    return [event["id"], event["body"]] if rule is _RULES[2] else event["id"]


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, str | list | tuple | dict) and len(value) == 0)


def key_extraction(data: bytes) -> None:
    """Of two events: each has a key or is refused, and they have one only if they mean the same.
    One that is spelled differently has the same."""
    provider = Provider(data)
    rule = provider.choice(_RULES)
    event = provider.value(_NAMES)
    other = provider.value(_NAMES) if provider.byte() % 2 else provider.respelled(event)
    found = [_identity(rule, seen) for seen in (event, other)]
    if None not in found:
        chosen = [_chosen(rule, seen) for seen in (event, other)]
        assert not any(map(_is_missing, chosen))
        assert (found[0] == found[1]) == (meaning(chosen[0]) == meaning(chosen[1]))


# HTTP ---------------------------------------------------------------------------------------------


def key_header(data: bytes) -> None:
    """A header's keys are those of the second reading, and a refusal quotes nothing."""
    values = text(data).split(BETWEEN)
    try:
        expected: set[str] | None = header_keys(values)
    except UnreadableError:
        expected = None
    found, refused = None, ""
    try:
        found = header.key_in(values)
    except header.MalformedKeyError as error:
        refused = str(error)
    assert all(len(value) < 12 or value not in refused for value in values)
    if refused:
        assert expected is None or len(expected) > 1 or not _is_key(*expected)
    else:
        assert expected == {found}
        assert found is not None
        assert _is_key(found)


def _is_key(key: str) -> bool:
    return 1 <= len(key) <= header.MOST and all(" " <= character <= "~" for character in key)


_FIELDS: Final = (
    *("headers", "multiValueHeaders", "Idempotency-Key", "body", "isBase64Encoded", "version"),
    *("1.0", "2.0", "requestContext", "http", "method", "POST", "GET", "elb", "httpMethod"),
    *("resource", "path", "pathParameters", "routeKey", "rawPath", "rawQueryString", "stage"),
    *("authorizer", "claims", "iss", "sub", "jwt", "lambda", "iam", "userId", "identity"),
    *("clientCert", "subjectDN", "principalId", "domainName", "/idempotency/{id+}", "$default"),
)
_SHAPES: Final[tuple[dict[str, Any], ...]] = (
    {"httpMethod": "POST", "resource": "/a/{id}"},
    {"httpMethod": "POST", "resource": "/a/{id}", "version": "1.0"},
    {"version": "2.0", "requestContext": {"http": {"method": "POST"}}},
    {
        "version": "2.0",
        "requestContext": {"http": {"method": "POST"}, "domainName": ".lambda-url."},
    },
    {"httpMethod": "POST", "requestContext": {"elb": {}}},
)
_MODES: Final = (
    HttpOptions(),
    HttpOptions(profile="stripe", cors=("*",)),
    HttpOptions(profile="accepted"),
    HttpOptions(principal_claim="sub", pattern="[a-z]+"),
)


def http_event(data: bytes) -> None:
    """Whatever an event holds, it is answered, or the configuration is at fault."""
    provider = Provider(data)
    event = dict(provider.choice(_SHAPES))
    options = provider.choice(_MODES)
    for _ in range(provider.byte() % 8):
        name, value = provider.choice(_FIELDS), provider.value(_FIELDS)
        if isinstance(event.get(name), dict) and isinstance(value, dict):
            value = {**value, **event[name]}
        event[name] = value
    shape = events.http_shape(event)
    if shape is None:
        return
    invocation = Invocation(
        operation=Operation(
            store=MemoryStore(),
            expires_after_ms=1000,
            lease_ms=None,
            wait=False,
            wait_timeout_ms=None,
            max_attempts=None,
            bypass_missing_key=False,
            fail_open=False,
        ),
        runner=SyncRunner(),
        target=Target(run=lambda: {"statusCode": 200}, record=to_stored),
        time_left=None,
    )
    try:
        answer = exchange.serve(options, shape, event, KeyRule(namespace="shop"), invocation)
    except ConfigurationError:
        return
    assert isinstance(answer, dict)
    assert isinstance(answer["statusCode"], int)


# Records ------------------------------------------------------------------------------------------

_ATTRIBUTES: Final = (
    *("id", "status", "owner", "attempt", "expiration", "in_progress_expiration", "validation"),
    *("data", "encoding", "scope", "INPROGRESS", "COMPLETED", "PARKED", "S", "N", "B", "NULL"),
)
_KINDS: Final = ("S", "N", "B", "BOOL", "NULL", "M", "L")


def _or_refused(decode: Callable[[], Record]) -> Record | None:
    try:
        return decode()
    except StoreError as error:
        refused = str(error)
    assert "shop#1" in refused
    return None


def dynamodb_item(data: bytes) -> None:
    """Any item is a record, or a `StoreError` that names it. A record is written as it was read."""
    provider = Provider(data)
    item: dict[str, Any] = {"id": {"S": "shop#1"}}
    for name in _ATTRIBUTES[1:10]:
        if provider.byte() % 6 == 0:
            continue
        kind = {"attempt": "N", "expiration": "N", "in_progress_expiration": "N"}.get(name, "S")
        if provider.byte() % 6 == 0:
            kind = provider.choice(_KINDS)
        item[name] = {kind: _typed(kind, name, provider)}
    record = _or_refused(lambda: from_item(item, "table"))
    if record is None:
        return
    assert from_item(to_item(record), "table") == record


def _typed(kind: str, name: str, provider: Provider) -> Any:
    """A value as DynamoDB would send it under this type."""
    if kind == "S":
        statuses = ("INPROGRESS", "COMPLETED", "PARKED")
        return provider.choice((*statuses, "x")) if name == "status" else provider.text()
    if kind == "N":
        return provider.choice(("0", "1", "1800000000", "-1", "1.5", "1E+3", "9" * 38))
    return {
        "B": provider.text().encode("utf-8", "surrogatepass"),
        "BOOL": True,
        "NULL": True,
        "M": {"S": {"S": "INPROGRESS"}},
        "L": [{"S": "INPROGRESS"}],
    }[kind]


def redis_hash(data: bytes) -> None:
    """Any hash is a record, or a `StoreError` that names it. A record is written as it was read."""
    provider = Provider(data)
    fields: dict[bytes, bytes] = {}
    for name in (*_ATTRIBUTES[1:10], "blob"):
        chosen = provider.byte() % 8
        if chosen == 0:
            continue
        value = provider.text().encode("utf-8", "surrogatepass")
        if chosen > 2 and name == "status":
            value = provider.choice((b"INPROGRESS", b"COMPLETED", b"PARKED"))
        elif chosen > 2:
            value = provider.choice((b"1", b"1800000000", b"-1", b"1.5", b"\xff", b"", b"9" * 5000))
        fields[name.encode()] = value
    record = _or_refused(lambda: from_fields("shop#1", fields))
    if record is None:
        return
    flat = [*to_fields(record), "expiration", record.expiration]
    flat += ["in_progress_expiration", record.lease_end]
    encoded = [part if isinstance(part, bytes) else str(part).encode() for part in flat]
    again = dict(zip(encoded[::2], encoded[1::2], strict=True))
    assert from_fields("shop#1", again) == record


# Settings -----------------------------------------------------------------------------------------


def environment(data: bytes) -> None:
    """Any environment is settings that survive being written, or a `ConfigurationError` that names
    the variable."""
    variables: dict[str, str] = {}
    for part in text(data).split(BETWEEN):
        name, _, value = part.partition("=")
        variables[f"IDEMPOTENCY_{name.upper()}"] = value
    refused = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of regular expressions
        try:
            found = Settings.from_environment(variables)
            assert Settings.from_environment(found.to_environment()) == found
        except ConfigurationError as error:
            refused = str(error)
    assert not refused or any(name in refused for name in variables)


_ENVIRONMENTS: Final = (
    b"STORE=dynamodb\x1eTABLE=records\x1eNAMESPACE=shop/a\x1eKEY=body.id\x1eHTTP=off",
    b"EXPIRES_AFTER=3600\x1eLEASE=0.5\x1eWAIT_TIMEOUT=3\x1eMAX_ATTEMPTS=3\x1eFAIL_OPEN=true",
    b'HTTP={"profile":"stripe","pattern":"[a-z]{2}","methods":["POST"],"store_statuses":["2xx"]}',
    b'HTTP={"header":"X","required":true,"cors":["*"],"status_path":"/a","not_replayed":["b"]}',
    b"HANDLER=a/b.c\x1eON_IN_PROGRESS=wait\x1eON_MISSING_KEY=bypass\x1eDISABLED=0",
)


def redis_settings(data: bytes) -> None:
    """Any document is settings that survive being written, or a `ConfigurationError` that quotes
    no value."""
    written = text(data)
    refused = ""
    try:
        found = RedisSettings.parse(written, "/redis")
        assert RedisSettings.parse(json.dumps(found.to_document()), "/redis") == found
    except ConfigurationError as error:
        refused = str(error)
    assert not refused or "/redis" in refused
    assert "hunter2" not in refused or '"hunter2":' in written


_DOCUMENTS: Final = (
    b'{"host": "cache.example", "port": "6379", "credentials": {"type": "none"}}',
    b'{"host": "h", "port": 1, "tls": false, "cluster": true, "credentials": {"type": "none"}}',
    b'{"host": "h", "database": 3, "credentials": {"type": "ssm", "name": "hunter2"}}',
    b'{"host": "h", "credentials": {"type": "secretsmanager", "id": "a", "refresh_after": 2.5}}',
    b'{"host": "h", "credentials": {"type": "iam", "cache": "c", "user": "u", "serverless": true}}',
    b'{"host": "h", "username": "hunter2", "credentials": {"type": "none"}}',
)


def date_header(data: bytes) -> None:
    """Any Date moves the clock by what it says, or not at all."""
    now = 1_800_000_000.0
    service = clock.ServiceClock(lambda: now)
    reading = service.read()
    moved = service.check(text(data), reading)
    assert isinstance(moved, int)
    assert service.read().checked


# All of them --------------------------------------------------------------------------------------

SUBJECTS: Final[dict[str, Subject]] = {
    "canonical JSON": Subject(
        json_texts,
        (canonical_module,),
        _JSON,
        (b'"', b"\\u", b"\\ud800", b"{", b"}", b"[", b"]", b",", b":", b"e", b".0", b"-", b"NaN"),
    ),
    "key extraction": Subject(
        key_extraction, (keys, canonical_module, events), (bytes(range(64)), b"\x00\x0b\x02" * 8)
    ),
    "key header": Subject(
        key_header,
        (header,),
        (b'"a\\"b", c', b'"a";q=1;b="c\\d", "a"\x1ea', b" \tkey\t ", b'"' + b"k" * 255 + b'"'),
        (b'"', b"\\", b",", b";", b"=", b" ", b"\t", b"\x1e", b"*", b"\x7f"),
    ),
    "HTTP event": Subject(
        http_event, (shapes, principal, mode, events, header), (bytes(range(96)), b"\x02\x0b" * 40)
    ),
    "DynamoDB item": Subject(dynamodb_item, (dynamodb_items,), (b"\x01" * 60, bytes(range(60)))),
    "Redis hash": Subject(redis_hash, (redis_fields,), (b"\x03" * 60, bytes(range(60)))),
    "environment": Subject(
        environment,
        (contract, http_options, kinds, rows),
        _ENVIRONMENTS,
        (b"\x1e", b"=", b'"', b"{", b"[", b"nan", b"inf", b"true", b"${Token[", b"*", b"(", b"{9}"),
    ),
    "Redis settings": Subject(
        redis_settings,
        (redis_document, kinds),
        _DOCUMENTS,
        (b'"', b"{", b"}", b"[", b"null", b"true", b"NaN", b"Infinity", b'"ca":', b"iam", b"none"),
    ),
    "Date header": Subject(
        date_header,
        (clock,),
        (b"Wed, 21 Oct 2026 07:28:00 GMT", b"Sun, 06 Nov 1994 08:49:37 GMT"),
        (b" ", b":", b"GMT", b"Feb", b"29", b"60", b"0000", b"-1", "\u0662".encode()),
    ),
}
