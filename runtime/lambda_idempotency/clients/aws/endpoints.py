"""Which endpoint a service has here.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html and
https://docs.aws.amazon.com/sdkref/latest/guide/feature-endpoints.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from ...errors import ConfigurationError

_DUAL_STACK: Final = {
    "amazonaws.com": "api.aws",
    "amazonaws.com.cn": "api.amazonwebservices.com.cn",
}


_FIPS_IN_GOVCLOUD: Final = ("dynamodb", "ssm")
"""Services whose ordinary names in GovCloud are those for FIPS."""


class Endpoint(NamedTuple):
    """Where requests go. `path` is percent-encoded and starts with a slash."""

    scheme: str
    host: str
    port: int
    path: str = "/"

    @classmethod
    def parse(cls, url: str) -> Endpoint:
        """Raises ValueError naming the URL where it is not http(s)://host[:port][/path][?query]."""
        from urllib.parse import urlsplit

        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        senseless = port == 0 or any(not "!" <= character <= "~" for character in url)
        known = parts.scheme in ("http", "https") and parts.hostname and not parts.username
        if senseless or not known:
            raise ValueError(f"{url!r} is not an endpoint; expected http(s)://host[:port][/path]")
        assert parts.hostname is not None
        default = 443 if parts.scheme == "https" else 80
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(scheme=parts.scheme, host=parts.hostname, port=port or default, path=path)

    @property
    def authority(self) -> str:
        """The Host header: the port is left out where it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (
            host if self.port == {"http": 80, "https": 443}[self.scheme] else f"{host}:{self.port}"
        )

    @property
    def url(self) -> str:
        """The endpoint in one spelling, without a slash at its end."""
        return f"{self.scheme}://{self.authority}{self.path.rstrip('/')}"


def region_of(environment: Mapping[str, str]) -> str:
    """The region of the running function."""
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    if not region:
        raise ConfigurationError(
            "AWS_REGION is not set; Lambda sets it, elsewhere set it or pass a boto3 client"
        )
    return region


def endpoint_of(
    service: str, variable: str, url_suffix: str, environment: Mapping[str, str]
) -> Endpoint:
    """The endpoint of a service; `variable` ends its AWS_ENDPOINT_URL_... variable.

    Raises `ConfigurationError`.
    """
    if (configured := _configured(variable, environment)) is not None:
        return configured
    region = region_of(environment)
    # The ordinary names of Secrets Manager are dual-stack, and have no others.
    dual_stack = _is_on("AWS_USE_DUALSTACK_ENDPOINT", environment) and service != "secretsmanager"
    fips = "-fips" if _is_on("AWS_USE_FIPS_ENDPOINT", environment) else ""
    if service in _FIPS_IN_GOVCLOUD and region.startswith("us-gov-") and not dual_stack:
        fips = ""
    if dual_stack:
        if url_suffix not in _DUAL_STACK:
            raise ConfigurationError(
                f"AWS_USE_DUALSTACK_ENDPOINT is true, and {url_suffix} has no dual-stack names "
                f"known here; set AWS_ENDPOINT_URL_{variable}"
            )
        url_suffix = _DUAL_STACK[url_suffix]
    return Endpoint(scheme="https", host=f"{service}{fips}.{region}.{url_suffix}", port=443)


def bucket_endpoint(bucket: str, url_suffix: str, environment: Mapping[str, str]) -> Endpoint:
    """The endpoint of a bucket in the function's region; its path ends with a slash, and objects
    are under it. Raises `ConfigurationError`.

    The bucket is part of the host's name, except where an endpoint is configured, or where TLS
    certificates do not cover a name with dots in it
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html).
    """
    configured = _configured("S3", environment)
    if configured is not None:
        if "?" in configured.path:
            raise ConfigurationError("the endpoint of S3 has a query; expected one without")
        return configured._replace(path=f"{configured.path.rstrip('/')}/{bucket}/")
    region = region_of(environment)
    fips = "-fips" if _is_on("AWS_USE_FIPS_ENDPOINT", environment) else ""
    dual_stack = ".dualstack" if _is_on("AWS_USE_DUALSTACK_ENDPOINT", environment) else ""
    host = f"s3{fips}{dual_stack}.{region}.{url_suffix}"
    if "." in bucket:
        return Endpoint(scheme="https", host=host, port=443, path=f"/{bucket}/")
    return Endpoint(scheme="https", host=f"{bucket}.{host}", port=443)


def _configured(variable: str, environment: Mapping[str, str]) -> Endpoint | None:
    if environment.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() != "true":
        for name in (f"AWS_ENDPOINT_URL_{variable}", "AWS_ENDPOINT_URL"):
            if url := environment.get(name):
                try:
                    return Endpoint.parse(url)
                except ValueError as error:
                    raise ConfigurationError(f"{name}: {error}") from None
    return None


def _is_on(variable: str, environment: Mapping[str, str]) -> bool:
    return environment.get(variable, "").lower() == "true"
