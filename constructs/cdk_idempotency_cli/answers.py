"""Where answers are kept beside their records: in a bucket, or encrypted under a KMS key."""

from __future__ import annotations

from typing import Any

import click

from lambda_idempotency.contract.settings import Settings
from lambda_idempotency.response.keeping import Keeping

from .aws import Aws


def keeping_of(aws: Aws, settings: Settings | None) -> Keeping:
    """Return where a function keeps its answers, read with the operator's credentials. Without its
    settings: in the record alone."""
    if settings is None:
        return Keeping()
    own: dict[str, Any] = {"url_suffix": settings.url_suffix, "environment": aws.environment()}
    objects = keys = None
    context = click.get_current_context()
    if (bucket := settings.large_responses) is not None:
        from lambda_idempotency.clients.aws.s3 import S3
        from lambda_idempotency.response.offload import Objects

        s3 = S3(bucket, **own)
        context.call_on_close(s3.close)
        objects = Objects(bucket, above=settings.large_response_size, client=s3)
    if (key := settings.response_key) is not None:
        from lambda_idempotency.clients.aws.kms import KMS
        from lambda_idempotency.response.data_keys import DataKeys

        kms = KMS(**own)
        context.call_on_close(kms.close)
        keys = DataKeys(lambda: kms, key, settings.namespace or "")
    return Keeping(objects=objects, keys=keys)
