"""Options that all decorators have: each is typed once, and a misspelt one is named."""

from __future__ import annotations

import os
from typing import Any

import pytest

from kit.batches import batch, sqs
from lambda_idempotency import (
    ConfigurationError,
    MemoryStore,
    current,
    idempotent,
    idempotent_function,
    idempotent_records,
)

DECORATORS = [idempotent, idempotent_function, idempotent_records]


@pytest.mark.parametrize("decorator", DECORATORS)
def test_a_misspelt_option_is_named_with_the_nearest_one(decorator: Any) -> None:
    message = (
        rf"@{decorator.__name__}: it has no option 'expire_after'; did you mean 'expires_after'"
    )
    with pytest.raises(ConfigurationError, match=message):
        decorator(expire_after=3)


@pytest.mark.parametrize(
    ("decorator", "option"),
    [
        (idempotent, "serializer"),
        (idempotent_function, "http"),
        (idempotent_records, "on_replay"),
        (idempotent_records, "cache_size"),
    ],
)
def test_an_option_of_another_decorator_is_refused(decorator: Any, option: str) -> None:
    with pytest.raises(ConfigurationError, match=f"it has no option '{option}'"):
        decorator(**{option: None})


@pytest.mark.parametrize("decorator", DECORATORS)
def test_an_option_that_is_none_is_as_one_that_is_not_given(
    decorator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "IDEMPOTENCY_STORE", "memory")
    options = ("key", "fingerprint", "expires_after", "lease", "store", "on_orphan", "namespace")
    assert callable(decorator(**dict.fromkeys(options)))


def test_a_record_that_runs_without_a_key_cannot_commit() -> None:
    @idempotent_records(store=MemoryStore(), key="body.id", on_missing_key="bypass")
    def handler(record: Any, context: Any) -> None:
        with pytest.raises(ConfigurationError, match="has no record to commit with"):
            current().commit_with([{"Put": {}}])

    assert handler(batch(sqs("1", "{}")), None) == {"batchItemFailures": []}
