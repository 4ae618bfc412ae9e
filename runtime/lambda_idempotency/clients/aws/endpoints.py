"""The endpoints of AWS services in the function's region.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html and
https://docs.aws.amazon.com/sdkref/latest/guide/feature-endpoints.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ...errors import ConfigurationError
from ...tuples import NamedTuple
from ..net.secret import Environment, Secret

_DUAL_STACK: Final = {
    "amazonaws.com": "api.aws",
    "amazonaws.com.cn": "api.amazonwebservices.com.cn",
}


_FIPS_IN_GOVCLOUD: Final = ("dynamodb", "ssm")
"""Services whose ordinary endpoints in GovCloud are FIPS endpoints."""


class Endpoint(NamedTuple):
    """The address of requests. `path` is percent-encoded and starts with a slash. `own`: it is
    AWS's own, and nobody has configured it."""

    scheme: str
    host: str
    port: int
    path: str = "/"
    own: bool = False

    @classmethod
    def parse(cls, url: str | Secret[str]) -> Endpoint:
        """Parse http(s)://host[:port][/path][?query]. Raises ValueError, naming the URL without the
        user and password that it may hold."""
        url = Secret.of(url)
        if (found := _split(url)) is not None:
            return cls(*found)
        raise ValueError(f"{_shown(url)} is not an endpoint; expected http(s)://host[:port][/path]")

    @property
    def authority(self) -> str:
        """The value of the Host header, without the port if it is the scheme's default."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (
            host if self.port == {"http": 80, "https": 443}[self.scheme] else f"{host}:{self.port}"
        )

    @property
    def url(self) -> str:
        """The endpoint in one spelling, without a slash at its end."""
        return f"{self.scheme}://{self.authority}{self.path.rstrip('/')}"


def _split(url: Secret[str]) -> tuple[str, str, int, str] | None:
    return _split_plain(url) or _split_any(url)


def _split_plain(url: Secret[str]) -> tuple[str, str, int, str] | None:
    """Split http(s)://host[:port], without anything else: most are, and urllib.parse, which splits
    all others, takes 3 ms to import."""
    scheme, _, rest = url.reveal().partition("://")
    host, colon, port = rest.removesuffix("/").partition(":")
    letters = host.replace(".", "").replace("-", "")
    if scheme not in ("http", "https") or not (letters.isascii() and letters.isalnum()):
        return None
    if not colon:
        return scheme, host.lower(), 443 if scheme == "https" else 80, "/"
    if not (port.isascii() and port.isdecimal() and len(port) <= 5 and 0 < int(port) < 65536):
        return None
    return scheme, host.lower(), int(port), "/"


def _split_any(url: Secret[str]) -> tuple[str, str, int, str] | None:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url.reveal())
        port = parts.port
    except ValueError:
        return None
    host, scheme = parts.hostname, parts.scheme
    malformed = port == 0 or any(not "!" <= character <= "~" for character in url.reveal())
    if malformed or scheme not in ("http", "https") or not host or "@" in parts.netloc:
        return None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return scheme, host, port or (443 if scheme == "https" else 80), path


def _shown(url: Secret[str]) -> str:
    """Return a URL as an error shows it."""
    _, at, rest = url.reveal().rpartition("@")
    return repr(f"...@{rest}") if at else repr(rest)


def region_of(environment: Mapping[str, str]) -> str:
    """Return the region of the running function. Raises `ConfigurationError`."""
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    if not region:
        raise ConfigurationError(
            "AWS_REGION is not set; Lambda sets it, elsewhere set it or pass a boto3 client"
        )
    return region


def endpoint_of(
    service: str, variable: str, url_suffix: str, environment: Mapping[str, str]
) -> Endpoint:
    """Return the endpoint of a service. `variable` is the end of its AWS_ENDPOINT_URL_... variable.

    Raises `ConfigurationError`.
    """
    environment = Environment.of(environment)
    if (configured := _configured(variable, environment)) is not None:
        return configured
    region = region_of(environment)
    # The ordinary names of Secrets Manager are dual-stack already; it has no other names.
    dual_stack = _is_on("AWS_USE_DUALSTACK_ENDPOINT", environment) and service != "secretsmanager"
    fips = "-fips" if _is_on("AWS_USE_FIPS_ENDPOINT", environment) else ""
    if service in _FIPS_IN_GOVCLOUD and region.startswith("us-gov-") and not dual_stack:
        fips = ""
    if dual_stack:
        if url_suffix not in _DUAL_STACK:
            raise ConfigurationError(
                f"AWS_USE_DUALSTACK_ENDPOINT is true, but {url_suffix} has no dual-stack names "
                f"known here; set AWS_ENDPOINT_URL_{variable}"
            )
        url_suffix = _DUAL_STACK[url_suffix]
    return _own(f"{service}{fips}.{region}.{url_suffix}")


def bucket_endpoint(bucket: str, url_suffix: str, environment: Mapping[str, str]) -> Endpoint:
    """Return the endpoint of a bucket in the function's region. Raises `ConfigurationError`.

    Its path ends with a slash, which an object's key follows. The bucket is part of the host name,
    unless an endpoint is configured, or the bucket's name has dots, which TLS certificates do not
    cover (https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html).
    """
    environment = Environment.of(environment)
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
        return _own(host, f"/{bucket}/")
    return _own(f"{bucket}.{host}")


def _own(host: str, path: str = "/") -> Endpoint:
    return Endpoint(scheme="https", host=host, port=443, path=path, own=True)


def _configured(variable: str, environment: Environment) -> Endpoint | None:
    if environment.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() != "true":
        for name in (f"AWS_ENDPOINT_URL_{variable}", "AWS_ENDPOINT_URL"):
            if (url := environment.secret(name)) is not None:
                try:
                    return Endpoint.parse(url)
                except ValueError as error:
                    raise ConfigurationError(f"{name}: {error}") from None
    return None


def _is_on(variable: str, environment: Environment) -> bool:
    return environment.get(variable, "").lower() == "true"
