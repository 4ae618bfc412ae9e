"""Endpoints: the environment's own, else AWS's names, with botocore as the oracle."""

from __future__ import annotations

from itertools import product
from typing import Any, Final

import pytest
from botocore.endpoint_provider import EndpointProvider
from botocore.loaders import Loader
from botocore.regions import EndpointResolver

from lambda_idempotency.clients.aws.endpoints import (
    Endpoint,
    _split_any,
    _split_plain,
    endpoint_of,
    region_of,
)
from lambda_idempotency.clients.aws.services import DynamoDB, SecretsManager
from lambda_idempotency.clients.net.secret import Secret
from lambda_idempotency.errors import ConfigurationError

VARIABLES: Final = {"dynamodb": "DYNAMODB", "ssm": "SSM", "secretsmanager": "SECRETS_MANAGER"}
SUFFIXES: Final = {
    "us-east-1": "amazonaws.com",
    "eu-central-1": "amazonaws.com",
    "ap-southeast-2": "amazonaws.com",
    "us-gov-west-1": "amazonaws.com",
    "cn-north-1": "amazonaws.com.cn",
    "cn-northwest-1": "amazonaws.com.cn",
}
ONE: Final = "http://127.0.0.1:4566"
OTHER: Final = "http://127.0.0.1:8000"


def _endpoint(
    environment: dict[str, str], service: str = "dynamodb", url_suffix: str = "amazonaws.com"
) -> Endpoint:
    named = {"AWS_REGION": "us-east-1", **environment}
    return endpoint_of(service, VARIABLES[service], url_suffix, named)


def _refusal(environment: dict[str, str], url_suffix: str = "amazonaws.com") -> str:
    with pytest.raises(ConfigurationError) as raised:
        _endpoint(environment, url_suffix=url_suffix)
    return str(raised.value)


# The region ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "region"),
    [
        ({"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-1"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
    ],
)
def test_the_region_is_the_functions(environment: dict[str, str], region: str) -> None:
    assert region_of(environment) == region
    assert endpoint_of("ssm", "SSM", "amazonaws.com", environment).host.split(".")[1] == region


@pytest.mark.parametrize("environment", [{}, {"AWS_REGION": ""}])
def test_a_missing_region_is_named(environment: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="AWS_REGION"):
        region_of(environment)
    with pytest.raises(ConfigurationError, match="AWS_REGION"):
        endpoint_of("ssm", "SSM", "amazonaws.com", environment)


@pytest.mark.parametrize("client", [DynamoDB, SecretsManager])
def test_a_client_without_a_region_is_refused_even_with_an_endpoint(client: Any) -> None:
    with pytest.raises(ConfigurationError, match="AWS_REGION"):
        client(environment={"AWS_ENDPOINT_URL": ONE})


# The environment's own endpoint -------------------------------------------------------------------


@pytest.mark.parametrize("service", VARIABLES)
@pytest.mark.parametrize("ignored", ["true", "TRUE", "false", "", None])
@pytest.mark.parametrize("own", [True, False], ids=["own", ""])
@pytest.mark.parametrize("common", [True, False], ids=["common", ""])
def test_the_services_own_url_comes_before_the_common_one_unless_ignored(
    *, service: str, ignored: str | None, own: bool, common: bool
) -> None:
    environment = {}
    if ignored is not None:
        environment["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = ignored
    if own:
        environment[f"AWS_ENDPOINT_URL_{VARIABLES[service]}"] = ONE
    if common:
        environment["AWS_ENDPOINT_URL"] = OTHER
    found = _endpoint(environment, service)
    heard = (own or common) and (ignored or "").lower() != "true"
    if heard:
        assert found == Endpoint.parse(ONE if own else OTHER)
    else:
        assert found == Endpoint.parse(f"https://{service}.us-east-1.amazonaws.com")._replace(
            own=True
        )


def test_another_services_url_is_not_taken() -> None:
    found = _endpoint({"AWS_ENDPOINT_URL_SSM": ONE})
    assert found.host == "dynamodb.us-east-1.amazonaws.com"


@pytest.mark.parametrize("flag", ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"])
def test_a_url_is_taken_as_it_is(flag: str) -> None:
    assert _endpoint({"AWS_ENDPOINT_URL": ONE, flag: "true"}) == Endpoint.parse(ONE)


@pytest.mark.parametrize("empty", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"])
def test_an_empty_url_is_none(empty: str) -> None:
    assert _endpoint({empty: ""}).host == "dynamodb.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("url", "expected", "authority"),
    [
        ("http://localhost", ("http", "localhost", 80, "/"), "localhost"),
        ("https://localhost", ("https", "localhost", 443, "/"), "localhost"),
        ("https://localhost:443/", ("https", "localhost", 443, "/"), "localhost"),
        ("http://localhost:443", ("http", "localhost", 443, "/"), "localhost:443"),
        ("HTTP://LocalHost:80", ("http", "localhost", 80, "/"), "localhost"),
        ("http://localhost:8000/a/b%20c", ("http", "localhost", 8000, "/a/b%20c"), None),
        ("http://[::1]:8000", ("http", "::1", 8000, "/"), "[::1]:8000"),
        ("https://[fd00:ec2::23]", ("https", "fd00:ec2::23", 443, "/"), "[fd00:ec2::23]"),
        ("http://10.0.0.1/?a=b", ("http", "10.0.0.1", 80, "/?a=b"), "10.0.0.1"),
    ],
)
def test_a_url_is_parsed(
    url: str, expected: tuple[str, str, int, str], authority: str | None
) -> None:
    scheme, host, port, path = expected
    parsed = Endpoint.parse(url)
    assert parsed == Endpoint(scheme=scheme, host=host, port=port, path=path)
    assert parsed.authority == (authority or f"{host}:{port}")


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"])
@pytest.mark.parametrize(
    "url",
    [
        "localhost:8000",
        "localhost",
        "//localhost",
        "ftp://localhost",
        "http://",
        "http:///path",
        "http://:8000",
        "http://localhost:port",
        "http://localhost:99999",
        "http://localhost:0",
        "http://[::1",
        "http://local host",
        "http://localhost/a b",
    ],
)
def test_a_malformed_url_is_an_error_that_names_its_variable_and_its_value(
    variable: str, url: str
) -> None:
    refusal = _refusal({variable: url})
    assert refusal.startswith(f"{variable}: ")
    assert url in refusal


@pytest.mark.parametrize(
    "url",
    ["http://user:the-password@localhost", "https://the-password@localhost:8000/a", "the-p@a@b"],
)
def test_a_url_with_a_password_is_refused_without_quoting_it(url: str) -> None:
    refusal = _refusal({"AWS_ENDPOINT_URL": url})
    assert "the-p" not in refusal
    assert refusal.startswith(f"AWS_ENDPOINT_URL: '...@{url.rpartition('@')[2]}'")


def test_a_malformed_url_that_is_ignored_is_no_error() -> None:
    environment = {"AWS_ENDPOINT_URL": "?", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}
    assert _endpoint(environment).host == "dynamodb.us-east-1.amazonaws.com"


# AWS's own names ----------------------------------------------------------------------------------


def _host(service: str, region: str, *, fips: bool = False, dual_stack: bool = False) -> str:
    environment = {
        "AWS_REGION": region,
        "AWS_USE_FIPS_ENDPOINT": str(fips).lower(),
        "AWS_USE_DUALSTACK_ENDPOINT": str(dual_stack).lower(),
    }
    endpoint = _endpoint(environment, service, SUFFIXES[region])
    assert (endpoint.scheme, endpoint.port, endpoint.path) == ("https", 443, "/")
    return endpoint.authority


@pytest.fixture(scope="module")
def oracles() -> dict[str, EndpointProvider]:
    """Return the rules by which boto3's clients choose their endpoints."""
    loader = Loader()
    partitions = loader.load_data("partitions")
    return {
        service: EndpointProvider(
            loader.load_service_model(service, "endpoint-rule-set-1"), partitions
        )
        for service in VARIABLES
    }


@pytest.mark.parametrize("service", VARIABLES)
@pytest.mark.parametrize("region", SUFFIXES)
def test_a_plain_name_is_botocores(service: str, region: str) -> None:
    resolver = EndpointResolver(Loader().load_data("endpoints"))
    expected = resolver.construct_endpoint(service, region)["hostname"]
    assert _host(service, region) == expected


@pytest.mark.parametrize(
    ("region", "fips", "dual_stack"),
    [
        pytest.param(region, fips, dual_stack, id=f"{region}-{name}")
        for region in SUFFIXES
        for name, fips, dual_stack in (
            ("plain", False, False),
            ("FIPS", True, False),
            ("dual-stack", False, True),
            ("FIPS and dual-stack", True, True),
        )
        if not (fips and region.startswith("cn-"))  # China has no FIPS endpoints
    ],
)
@pytest.mark.parametrize("service", VARIABLES)
def test_every_variant_of_a_name_is_that_of_boto3s_clients(
    *,
    oracles: dict[str, EndpointProvider],
    service: str,
    region: str,
    fips: bool,
    dual_stack: bool,
) -> None:
    expected = oracles[service].resolve_endpoint(
        Region=region, UseFIPS=fips, UseDualStack=dual_stack
    )
    found = _host(service, region, fips=fips, dual_stack=dual_stack)
    assert f"https://{found}" == expected.url


@pytest.mark.parametrize("value", ["TRUE", "True"])
def test_a_flag_may_be_in_capitals(value: str) -> None:
    assert "dynamodb-fips." in _endpoint({"AWS_USE_FIPS_ENDPOINT": value}).host
    assert _endpoint({"AWS_USE_DUALSTACK_ENDPOINT": value}).host.endswith(".api.aws")


def test_a_partition_without_known_dual_stack_names_is_an_error_that_says_what_to_set() -> None:
    refusal = _refusal({"AWS_USE_DUALSTACK_ENDPOINT": "true"}, url_suffix="c2s.ic.gov")
    assert "AWS_USE_DUALSTACK_ENDPOINT" in refusal
    assert "AWS_ENDPOINT_URL_DYNAMODB" in refusal


def test_another_partitions_suffix_is_taken_as_it_is() -> None:
    assert _endpoint({}, url_suffix="c2s.ic.gov").host == "dynamodb.us-east-1.c2s.ic.gov"


_URLS: Final = product(
    ("http://", "https://", "HTTP://", "ftp://", ""),
    ("a", "A.b-c", "10.0.0.1", "-", ".", "a_b", "é", "a b", "[::1]", ""),
    ("", ":", ":80", ":00080", ":0", ":65536", ":1\u0662", ":000080"),
    ("", "/", "//", "/a", "?a", "#a"),
)


def test_the_short_way_to_split_a_url_splits_as_the_long_one() -> None:
    for url in map(Secret, map("".join, _URLS)):
        assert _split_plain(url) in (None, _split_any(url)), url.reveal()


def test_most_urls_go_the_short_way() -> None:
    found = [_split_plain(Secret(url)) for url in (ONE, OTHER, "https://dynamodb.example.com/")]
    assert None not in found
