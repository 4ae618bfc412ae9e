"""The SSM parameter with the settings of the Redis server, which functions read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from aws_cdk import Stack, Token
from aws_cdk import aws_ssm as ssm

from constructs import Construct, IConstruct
from lambda_idempotency.contract.redis import RedisSettings

from ..accepted import check_attribute
from ..errors import ConstructError

STANDARD: Final = 4096
ADVANCED: Final = 8192
"""The bytes that an advanced parameter, which costs, holds (https://docs.aws.amazon.com/
systems-manager/latest/userguide/parameter-store-advanced-parameters.html)."""

UNKNOWN: Final = 256
"""Bytes to expect of a string known only at deployment, such as a host name or an ARN."""

STAND_INS: Final[dict[str, Any]] = {
    "host": "redis.example.com",
    "port": 6379,
    "username": "user",
    "ca": "-----BEGIN CERTIFICATE-----",
}
"""Valid values for the settings that may be CDK tokens, so that the others can be checked."""


@dataclass(frozen=True, kw_only=True)
class SettingsParameter:
    """A parameter with settings."""

    name: str
    arn: str


def create_parameter(scope: Construct, settings: RedisSettings) -> SettingsParameter:
    """Return a new parameter. Raise ConstructError naming what is wrong with the settings."""
    document = settings.to_document()
    _check(scope, document)
    parameter = ssm.StringParameter(
        scope,
        "Settings",
        string_value=Stack.of(scope).to_json_string(document),
        description="cdk-idempotency: how to connect to the Redis server",
        tier=_tier(scope, document),
    )
    return SettingsParameter(name=parameter.parameter_name, arn=parameter.parameter_arn)


def import_parameter(scope: IConstruct, parameter: ssm.IStringParameter | str) -> SettingsParameter:
    """Return an existing parameter. Raise ConstructError for a token or an empty name."""
    if not isinstance(parameter, str):
        accepted = "a StringParameter, or the name of one"
        check_attribute(scope, "parameter", parameter, "parameter_name", accepted)
        return SettingsParameter(name=parameter.parameter_name, arn=parameter.parameter_arn)
    if Token.is_unresolved(parameter):
        raise ConstructError(
            scope, "parameter is a CDK token; pass the parameter itself, as IStringParameter"
        )
    if not parameter.strip("/"):
        raise ConstructError(scope, f"parameter is {parameter!r}; expected a parameter or its name")
    arn = Stack.of(scope).format_arn(
        service="ssm", resource="parameter", resource_name=parameter.removeprefix("/")
    )
    return SettingsParameter(name=parameter, arn=arn)


def _check(scope: IConstruct, document: dict[str, Any]) -> None:
    """Apply the runtime's own rules, as far as values are known."""
    tokens = {name for name, value in document.items() if Token.is_unresolved(value)}
    if unknown := sorted(tokens - STAND_INS.keys()):
        raise ConstructError(
            scope, f"{unknown[0]} is a CDK token; pass a value that is known at synth"
        )
    try:
        RedisSettings.from_document({**document, **{name: STAND_INS[name] for name in tokens}})
    except ValueError as error:
        raise ConstructError(scope, str(error)) from None


def _tier(scope: IConstruct, document: dict[str, Any]) -> ssm.ParameterTier | None:
    size = len(json.dumps(_expected(document)).encode())
    if size <= STANDARD:
        return None
    if size <= ADVANCED:
        return ssm.ParameterTier.ADVANCED
    raise ConstructError(
        scope,
        f"the server's settings have {size} bytes and an SSM parameter holds {ADVANCED}: shorten "
        "ca; the one certificate that has signed the server's is enough",
    )


def _expected(value: Any) -> Any:
    """Return the value at the length that it may reach."""
    if isinstance(value, dict):
        return {name: _expected(item) for name, item in value.items()}
    return "x" * UNKNOWN if Token.is_unresolved(value) else value
