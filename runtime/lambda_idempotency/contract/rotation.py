"""The environment of the rotation function: the construct writes it, the function reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, get_args

from ..errors import ConfigurationError
from ..tuples import NamedTuple
from .kinds import Choice

HANDLER: Final = "lambda_idempotency.rotation.function.handler"
PREFIX: Final = "IDEMPOTENCY_ROTATION_"

StrategyName: TypeAlias = Literal["acl", "elasticache"]


class RotationSettings(NamedTuple):
    """The password to rotate, and the strategy. The function serves this one secret and user."""

    strategy: StrategyName
    """`acl`: ACL SETUSER on every node; `elasticache`: ModifyUser."""
    secret: str
    """The ARN of the secret."""
    user: str
    """The name of the Redis user; the secret's `username` is the same."""
    parameter: str
    """The SSM parameter with the settings of the server; see `contract.redis`."""
    admin: str | None = None
    """`acl`: the secret of the user who may change others, as `{"username", "password"}`."""
    user_id: str | None = None
    """`elasticache`: the id of the user."""

    def to_environment(self) -> dict[str, str]:
        """Return the variables that carry these settings."""
        return {
            PREFIX + name.upper(): value
            for name, value in self._asdict().items()
            if value is not None
        }

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> RotationSettings:
        """Read what `to_environment` wrote. Raises `ConfigurationError` naming the variable."""
        values = {name: environment.get(PREFIX + name.upper()) for name in cls._fields}
        strategy = values["strategy"]
        Choice(*get_args(StrategyName)).check(f"Environment variable {PREFIX}STRATEGY", strategy)
        needed = ("secret", "user", "parameter", "admin" if strategy == "acl" else "user_id")
        for name in needed:
            if not values[name]:
                raise ConfigurationError(
                    f"Environment variable {PREFIX}{name.upper()} is missing; the construct sets it"
                )
        return cls(**values)  # type: ignore[arg-type]  # checked above
