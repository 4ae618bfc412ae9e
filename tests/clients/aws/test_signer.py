"""Signatures, with botocore's own signers as the oracle."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from unittest.mock import patch
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import example, given
from hypothesis import strategies as st

from kit.aws.credentials import credentials as made
from kit.aws.credentials import shown
from kit.aws.signed import signed, template
from lambda_idempotency.clients.aws.credentials import Credentials
from lambda_idempotency.clients.aws.services import elasticache_token
from lambda_idempotency.clients.aws.signer import Signer
from lambda_idempotency.clients.net.secret import Secret

DAY: Final = 86_400
MIDNIGHT: Final = 20_000 * DAY
PLAIN: Final = made("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")


_WORDS = st.text("abcxyz0189-", min_size=1, max_size=12)
_VISIBLE = st.characters(min_codepoint=33, max_codepoint=126)
_CREDENTIALS = st.builds(
    Credentials,
    access_key=st.text("ABCXYZ0189", min_size=16, max_size=20),
    secret_key=st.text(_VISIBLE, min_size=1, max_size=40).map(Secret),
    token=st.none() | st.text(_VISIBLE, min_size=1, max_size=400).map(Secret),
)
_MOMENTS = st.integers(-3, 3).map(MIDNIGHT.__add__) | st.integers(0, 4_102_444_800)
_SEGMENTS = st.text(min_size=1, max_size=8).map(lambda text: quote(text, safe="~"))
_PATHS = st.lists(_SEGMENTS.filter(lambda text: text.strip(".")), max_size=3).map(
    lambda segments: "/" + "/".join(segments)
)
_BODIES = st.binary(max_size=2000) | st.builds(
    lambda part, times: part * times, st.binary(min_size=1, max_size=100), st.integers(1, 1000)
)
_VALUES = st.lists(st.text(_VISIBLE, max_size=8), max_size=4).map("  ".join) | st.text(
    st.characters(min_codepoint=32, max_codepoint=126) | st.just("\t"), max_size=20
)
_NAMES = st.text("abcxyz0189-_", min_size=1, max_size=12)
_HOSTS = st.builds(
    lambda name, port: name if port is None else f"{name}:{port}",
    st.lists(st.text("abcxyz0189", min_size=1, max_size=8), min_size=1, max_size=4).map(".".join),
    st.none() | st.integers(1024, 65_535),
)


def _at(now: int) -> Any:
    """Stop botocore's clock."""
    moment = datetime.fromtimestamp(now, UTC)
    return patch("botocore.auth.get_current_datetime", lambda *_, **__: moment)


def _oracle(credentials: Credentials) -> BotocoreCredentials:
    key, token = credentials.secret_key.reveal(), shown(credentials.token)
    return BotocoreCredentials(credentials.access_key, key, token)


# Headers ------------------------------------------------------------------------------------------


def _expected(
    path: str,
    headers: dict[str, str],
    body: bytes,
    *,
    credentials: Credentials,
    now: int,
    scope: tuple[str, str] = ("us-east-1", "dynamodb"),
) -> dict[str, str]:
    request = AWSRequest("POST", f"https://{headers['host']}{path}", headers=headers, data=body)
    region, service = scope
    with _at(now):
        SigV4Auth(_oracle(credentials), service, region).add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


@given(
    path=_PATHS,
    host=_HOSTS,
    more=st.dictionaries(_NAMES, _VALUES, max_size=4),
    body=_BODIES,
    credentials=_CREDENTIALS,
    now=_MOMENTS,
    region=_WORDS,
    service=_WORDS,
)
@example(
    path="/",
    host="dynamodb.eu-central-1.amazonaws.com",
    more={"content-type": "application/x-amz-json-1.0", "x-amz-target": "DynamoDB.PutItem"},
    body=b"x" * 100_000,
    credentials=PLAIN,
    now=MIDNIGHT,
    region="eu-central-1",
    service="dynamodb",
)
def test_a_post_is_signed_as_botocore_signs_it(
    *,
    path: str,
    host: str,
    more: dict[str, str],
    body: bytes,
    credentials: Credentials,
    now: int,
    region: str,
    service: str,
) -> None:
    headers = {**more, "host": host}
    of = template(Signer(region=region, service=service), "POST", path, headers)
    assert signed(of, body, credentials, now) == _expected(
        path, headers, body, credentials=credentials, now=now, scope=(region, service)
    )


@given(
    uses=st.lists(
        st.tuples(st.integers(-2, 2), st.sampled_from(["one", "other"])), min_size=2, max_size=8
    )
)
def test_a_signer_that_is_used_again_signs_for_the_day_and_the_secret_of_the_moment(
    uses: list[tuple[int, str]],
) -> None:
    headers = {"host": "here"}
    of = template(Signer(region="us-east-1", service="dynamodb"), "POST", "/", headers)
    for seconds, secret in uses:
        credentials, now = made("AKID", secret, f"token of {secret}"), MIDNIGHT + seconds
        found = signed(of, b"", credentials, now)
        assert found == _expected("/", headers, b"", credentials=credentials, now=now)


@pytest.mark.parametrize("token", ["the token", None])
def test_a_token_is_sent_where_there_is_one(token: str | None) -> None:
    of = template(Signer(region="us-east-1", service="dynamodb"), "POST", "/", {"host": "here"})
    found = signed(of, b"", made("AKID", "secret", token), MIDNIGHT)
    assert found.get("x-amz-security-token") == token


def test_the_headers_given_are_sent_as_they_are() -> None:
    headers = {"host": "here", "x-amz-target": "  a   b "}
    of = template(Signer(region="us-east-1", service="dynamodb"), "POST", "/", headers)
    assert headers.items() <= signed(of, b"", PLAIN, MIDNIGHT).items()
    assert headers == {"host": "here", "x-amz-target": "  a   b "}


def test_neither_the_request_nor_what_made_it_shows_a_secret() -> None:
    signer = Signer(region="us-east-1", service="dynamodb")
    of = template(signer, "POST", "/", {"host": "here"})
    credentials = made("AKID", "the-secret-key", "the-session-token")
    request = of.request(b"", credentials, MIDNIGHT)
    shown = f"{request!r}{vars(of)!r}{vars(signer)!r}"
    assert "the-secret-key" not in f"{shown}{request.reveal()!r}"
    assert "the-session-token" not in shown


@pytest.mark.parametrize(
    ("access_key", "token"), [("AKID", "a\r\nb"), ("a\nb", None), ("AKID", "\u20ac")]
)
def test_credentials_that_cannot_be_sent_are_refused(access_key: str, token: str | None) -> None:
    of = template(Signer(region="us-east-1", service="dynamodb"), "POST", "/", {"host": "here"})
    with pytest.raises(ValueError, match=r"line break|latin-1"):
        of.request(b"", made(access_key, "secret", token), MIDNIGHT)


# Presigned URLs -----------------------------------------------------------------------------------


def _presigned(
    host: str,
    query: dict[str, str],
    *,
    credentials: Credentials,
    now: int,
    expires: int = 900,
    scope: tuple[str, str] = ("us-east-1", "elasticache"),
) -> str:
    request = AWSRequest("GET", f"https://{host}/", params=query)
    region, service = scope
    with _at(now):
        SigV4QueryAuth(_oracle(credentials), service, region, expires).add_auth(request)
    url: str = request.url
    return url


def _parts(url: str) -> tuple[str, str, list[tuple[str, str]]]:
    """Return the parts of a URL, with its query in no order."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)
    return parts.netloc, parts.path, sorted(query)


@given(
    host=_HOSTS,
    query=st.dictionaries(
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=6).filter(
            lambda name: not name.startswith("X-Amz-")
        ),
        st.text(st.characters(codec="utf-8"), max_size=10),
        min_size=1,
        max_size=4,
    ),
    expires=st.integers(1, 604_800),
    credentials=_CREDENTIALS,
    now=_MOMENTS,
    region=_WORDS,
    service=_WORDS,
)
def test_a_url_is_signed_as_botocore_signs_it(
    *,
    host: str,
    query: dict[str, str],
    expires: int,
    credentials: Credentials,
    now: int,
    region: str,
    service: str,
) -> None:
    url = (
        Signer(region=region, service=service)
        .presigned(host=host, query=query, expires=expires, credentials=credentials, now=now)
        .reveal()
    )
    expected = _presigned(
        host, query, credentials=credentials, now=now, expires=expires, scope=(region, service)
    )
    assert _parts(f"https://{url}") == _parts(expected)


def test_a_urls_query_is_ordered_by_name_before_value() -> None:
    query = {"name-2": "2", "name": "1"}  # "name=" comes after "name-", but "name" before
    url = (
        Signer(region="us-east-1", service="elasticache")
        .presigned(host="here", query=query, expires=900, credentials=PLAIN, now=MIDNIGHT)
        .reveal()
    )
    expected = _presigned("here", query, credentials=PLAIN, now=MIDNIGHT)
    assert _parts(f"https://{url}") == _parts(expected)


# ElastiCache --------------------------------------------------------------------------------------


@given(
    cache=_WORDS,
    user=_WORDS,
    serverless=st.booleans(),
    credentials=_CREDENTIALS,
    now=_MOMENTS,
    region=_WORDS,
)
def test_an_elasticache_token_is_the_url_that_botocore_signs_without_its_scheme(
    *, cache: str, user: str, serverless: bool, credentials: Credentials, now: int, region: str
) -> None:
    with patch("time.time", lambda: now + 0.5):
        token = elasticache_token(
            cache=cache,
            user=user,
            serverless=serverless,
            environment={"AWS_REGION": region},
            credentials=credentials,
        ).reveal()
    query = {"Action": "connect", "User": user}
    if serverless:
        query["ResourceType"] = "ServerlessCache"
    expected = _presigned(
        cache, query, credentials=credentials, now=now, scope=(region, "elasticache")
    )
    assert token.startswith(f"{cache}/?")
    assert _parts(f"https://{token}") == _parts(expected)


@pytest.mark.parametrize("serverless", [True, False])
def test_an_elasticache_token_names_the_kind_of_a_serverless_cache_alone(
    *, serverless: bool
) -> None:
    token = elasticache_token(
        cache="cache",
        user="user",
        serverless=serverless,
        environment={"AWS_REGION": "us-east-1"},
        credentials=made("AKID", "the secret"),
    ).reveal()
    assert ("ResourceType=ServerlessCache" in token) == serverless
    assert "secret" not in token
