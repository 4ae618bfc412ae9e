"""S3: signatures and names that match botocore's, objects on a real server, and failures."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, Final
from unittest.mock import patch

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from botocore.endpoint_provider import EndpointProvider
from botocore.loaders import Loader
from hypothesis import given
from hypothesis import strategies as st

from kit.aws.credentials import credentials
from kit.aws.local import LocalAws
from kit.aws.signed import signed, template
from kit.network.fault_server import LOST, FaultServer, Step, answer
from lambda_idempotency import ConfigurationError
from lambda_idempotency.clients.aws.client import ServiceError
from lambda_idempotency.clients.aws.endpoints import bucket_endpoint
from lambda_idempotency.clients.aws.s3 import S3
from lambda_idempotency.clients.aws.signer import Signer
from lambda_idempotency.clients.net import deadline

NAME: Final = f"shop/payments/{'0a' * 32}/{'1b' * 16}"
PLAIN: Final = credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
SUFFIXES: Final = {
    "us-east-1": "amazonaws.com",
    "eu-central-1": "amazonaws.com",
    "us-gov-west-1": "amazonaws.com",
    "cn-north-1": "amazonaws.com.cn",
}

# Signatures ---------------------------------------------------------------------------------------


@given(
    method=st.sampled_from(["GET", "PUT"]),
    path=st.text("abc0/._-", max_size=30).map(lambda text: f"/{text}"),
    body=st.binary(max_size=2000),
    token=st.none() | st.text("abc+/=", min_size=1, max_size=50),
    now=st.integers(0, 4_102_444_800),
    region=st.sampled_from(sorted(SUFFIXES)),
)
def test_a_request_is_signed_as_botocore_signs_it(
    *, method: str, path: str, body: bytes, token: str | None, now: int, region: str
) -> None:
    headers = {"host": "bucket.s3.example", "content-type": "application/octet-stream"}
    of = template(Signer(region=region, service="s3"), method, path, headers)
    own = credentials(PLAIN.access_key, PLAIN.secret_key.reveal(), token)
    found = signed(of, body, own, now)
    request = AWSRequest(method, f"https://bucket.s3.example{path}", headers=headers, data=body)
    oracle = BotocoreCredentials(PLAIN.access_key, PLAIN.secret_key.reveal(), token)
    moment = datetime.fromtimestamp(now, UTC)
    with patch("botocore.auth.get_current_datetime", lambda *_, **__: moment):
        S3SigV4Auth(oracle, "s3", region).add_auth(request)
    assert found == {name.lower(): value for name, value in request.headers.items()}


def test_another_service_sends_no_checksum_of_its_body() -> None:
    of = template(Signer(region="us-east-1", service="dynamodb"), "POST", "/", {"host": "h"})
    assert "x-amz-content-sha256" not in signed(of, b"", PLAIN, 0)


# Names --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def oracle() -> EndpointProvider:
    """Return the rules by which boto3's client chooses its endpoint."""
    loader = Loader()
    rules = loader.load_service_model("s3", "endpoint-rule-set-1")
    return EndpointProvider(rules, loader.load_data("partitions"))


@pytest.mark.parametrize("bucket", ["responses", "shop.example.responses"])
@pytest.mark.parametrize("dual_stack", [False, True], ids=["", "dualstack"])
@pytest.mark.parametrize(
    ("region", "fips"),
    [(region, False) for region in SUFFIXES]
    + [(region, True) for region in SUFFIXES if not region.startswith("cn-")],  # which has none
)
def test_a_bucket_has_botocores_name(
    oracle: EndpointProvider, *, region: str, fips: bool, dual_stack: bool, bucket: str
) -> None:
    expected = oracle.resolve_endpoint(
        Bucket=bucket,
        Region=region,
        UseFIPS=fips,
        UseDualStack=dual_stack,
        UseGlobalEndpoint=False,
        ForcePathStyle=False,
        Accelerate=False,
        DisableAccessPoints=False,
        DisableMultiRegionAccessPoints=False,
        UseArnRegion=True,
    )
    environment = {
        "AWS_REGION": region,
        "AWS_USE_FIPS_ENDPOINT": str(fips).lower(),
        "AWS_USE_DUALSTACK_ENDPOINT": str(dual_stack).lower(),
    }
    endpoint = bucket_endpoint(bucket, SUFFIXES[region], environment)
    assert f"https://{endpoint.authority}{endpoint.path}".rstrip("/") == expected.url


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
@pytest.mark.parametrize("path", ["", "/", "/pre"])
def test_a_configured_endpoint_has_the_bucket_in_its_path(variable: str, path: str) -> None:
    environment = {"AWS_REGION": "us-east-1", variable: f"http://127.0.0.1:8000{path}"}
    endpoint = bucket_endpoint("responses", "amazonaws.com", environment)
    assert endpoint.authority == "127.0.0.1:8000"
    assert endpoint.path == f"{path.rstrip('/')}/responses/"


def test_the_variable_of_s3_wins() -> None:
    environment = {
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:2",
    }
    assert bucket_endpoint("b", "amazonaws.com", environment).port == 2


def test_a_configured_endpoint_with_a_query_is_refused() -> None:
    environment = {"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL_S3": "http://here/?a=b"}
    with pytest.raises(ConfigurationError, match="query"):
        bucket_endpoint("responses", "amazonaws.com", environment)


@pytest.mark.parametrize("ignored", ["true", "TRUE"])
def test_a_configured_endpoint_can_be_ignored(ignored: str) -> None:
    environment = {
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_S3": "?",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": ignored,
    }
    host = bucket_endpoint("responses", "amazonaws.com", environment).host
    assert host == "responses.s3.us-east-1.amazonaws.com"


# A real server ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bucket(local_aws: LocalAws) -> str:
    with closing(local_aws.client("s3")) as client:
        client.create_bucket(Bucket="responses-of-test-s3")
    return "responses-of-test-s3"


@pytest.fixture
def real(local_aws: LocalAws, bucket: str) -> Any:
    client = S3(bucket, environment=local_aws.environment())
    yield client
    client.close()


@pytest.mark.parametrize("body", [b"x", bytes(range(256)), b"x" * 2_000_000], ids=len)
def test_an_object_is_read_as_it_was_written(real: S3, body: bytes) -> None:
    real.put_object(NAME, body)
    assert real.get_object(NAME) == body


def test_an_object_has_the_name_that_was_given(real: S3, local_aws: LocalAws, bucket: str) -> None:
    real.put_object(NAME, b"body")
    with closing(local_aws.client("s3")) as client:
        found = client.get_object(Bucket=bucket, Key=NAME)
        assert found["Body"].read() == b"body"


def test_a_missing_object_is_told(real: S3) -> None:
    with pytest.raises(ServiceError) as raised:
        real.get_object("shop/none")
    assert raised.value.response["Error"]["Code"] == "NoSuchKey"


# Failures -----------------------------------------------------------------------------------------

Connect = Callable[..., Any]


@pytest.fixture
def faulty(connect: Connect) -> S3:
    client: S3 = connect(service=lambda **options: S3("responses", **options))
    return client


def _error(code: str, status: int, **headers: str) -> Step:
    xml = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>secret</Message></Error>'
    return answer(xml.encode(), status=status, headers=headers)


def test_a_write_is_a_put_with_the_checksum_of_its_body(server: FaultServer, faulty: S3) -> None:
    faulty.put_object(NAME, b"")
    [request] = server.requests
    assert (request.method, request.path) == ("PUT", f"/responses/{NAME}")
    assert request.headers["content-length"] == "0"
    assert request.headers["x-amz-content-sha256"].startswith("e3b0c442")


@pytest.mark.parametrize(
    "fault",
    [_error("SlowDown", 503), _error("InternalError", 500), answer(b"", status=500), LOST],
    ids=["throttled", "internal", "empty", "closed"],
)
def test_what_may_pass_is_tried_again(server: FaultServer, faulty: S3, fault: Step) -> None:
    server.script(fault, answer(b"body"))
    assert faulty.get_object(NAME) == b"body"


@pytest.mark.parametrize(
    ("code", "status"), [("AccessDenied", 403), ("NoSuchBucket", 404), ("InvalidRequest", 400)]
)
def test_what_will_not_pass_is_told_at_once(
    server: FaultServer, faulty: S3, code: str, status: int
) -> None:
    server.script(_error(code, status, **{"x-amz-request-id": "REQUEST-7"}))
    with pytest.raises(ServiceError, match=f"S3 GetObject failed: {code}.*REQUEST-7") as raised:
        faulty.get_object(NAME)
    assert "secret" not in str(raised.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize("body", [b"", b"<Error>", b"<Code>", b"<Code>" + b"x" * 999 + b"</Code>"])
def test_an_error_without_a_code_has_its_status(
    server: FaultServer, faulty: S3, body: bytes
) -> None:
    server.script(answer(body, status=400))
    with pytest.raises(ServiceError, match="HTTP 400"):
        faulty.get_object(NAME)


@pytest.mark.parametrize(("left", "spent"), [(60_000, 10.0), (5000, 2.5), (1000, 0.45)])
def test_a_write_leaves_time_for_what_follows(
    server: FaultServer, faulty: S3, slept: list[float], left: int, spent: float
) -> None:
    server.script(*[_error("SlowDown", 503)] * 30)
    token = deadline.start(left)
    try:
        with pytest.raises(ServiceError, match="SlowDown"):
            faulty.put_object(NAME, b"body", leave=2.0)
    finally:
        deadline.end(token)
    assert spent - 1.0 <= sum(slept) <= spent
