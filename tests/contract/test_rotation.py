"""The environment of the rotation function: what is written is read, and what lacks is named."""

from __future__ import annotations

from typing import Final

import pytest

from lambda_idempotency.contract.rotation import PREFIX, RotationSettings
from lambda_idempotency.errors import ConfigurationError

ACL: Final = RotationSettings(
    strategy="acl", secret="arn:user", user="shop", parameter="/redis", admin="arn:admin"
)
ELASTICACHE: Final = RotationSettings(
    strategy="elasticache", secret="arn:user", user="shop", parameter="/redis", user_id="shop-1"
)


@pytest.mark.parametrize("written", [ACL, ELASTICACHE])
def test_what_is_written_is_read(written: RotationSettings) -> None:
    assert RotationSettings.from_environment(written.to_environment()) == written


def test_what_is_not_given_is_not_written() -> None:
    assert f"{PREFIX}USER_ID" not in ACL.to_environment()
    assert f"{PREFIX}ADMIN" not in ELASTICACHE.to_environment()


@pytest.mark.parametrize(
    ("written", "name"),
    [
        *((ACL, name) for name in ("SECRET", "USER", "PARAMETER", "ADMIN")),
        *((ELASTICACHE, name) for name in ("SECRET", "USER", "PARAMETER", "USER_ID")),
    ],
    ids=lambda each: each if isinstance(each, str) else each.strategy,
)
@pytest.mark.parametrize("text", [None, ""])
def test_a_variable_that_is_missing_or_empty_is_named(
    written: RotationSettings, name: str, text: str | None
) -> None:
    variables = written.to_environment()
    del variables[PREFIX + name]
    if text is not None:
        variables[PREFIX + name] = text
    with pytest.raises(ConfigurationError, match=f"variable {PREFIX}{name} is missing; the constr"):
        RotationSettings.from_environment(variables)


@pytest.mark.parametrize("strategy", ["", "ACL", "none"])
def test_another_strategy_is_named_with_what_is_expected(strategy: str) -> None:
    variables = {**ACL.to_environment(), f"{PREFIX}STRATEGY": strategy}
    with pytest.raises(ConfigurationError) as refused:
        RotationSettings.from_environment(variables)
    assert str(refused.value) == (
        f"Environment variable {PREFIX}STRATEGY is {strategy!r}; expected 'acl' or 'elasticache'"
    )


def test_a_missing_strategy_is_named_with_what_is_expected() -> None:
    with pytest.raises(ConfigurationError, match=f"{PREFIX}STRATEGY is None; expected 'acl' or"):
        RotationSettings.from_environment({})
