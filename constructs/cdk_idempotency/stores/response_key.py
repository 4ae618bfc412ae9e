"""The KMS key under which functions encrypt what they keep of answers and steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jsii
from aws_cdk import IStableAnyProducer, Lazy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from lambda_idempotency.contract.names import ENCRYPTION_CONTEXT

from ..grants import allow
from .namespaces import covering


class ResponseKey:
    """A KMS key, whose data keys are fenced by the namespace in their encryption context."""

    def __init__(self, key: kms.IKey) -> None:
        self.key = key
        self._arn = key.key_arn
        self._namespaces: set[str] = set()

    def settings(self) -> dict[str, str]:
        """Return the contract's settings that lead the runtime to it."""
        return {"response_key": self._arn}

    def grant(self, grantee: iam.IGrantable, namespace: str | None) -> list[iam.Grant]:
        """Allow the grantee to make and to decrypt data keys of a namespace, or (None) of all."""
        name = f"kms:EncryptionContext:{ENCRYPTION_CONTEXT}"
        fence: Mapping[str, Any]
        if namespace is None:
            fence = {"StringLike": {name: Lazy.any(_Namespaces(self._namespaces))}}
        else:
            self._namespaces.add(namespace)
            fence = {"StringEquals": {name: namespace}}
        actions = ("kms:Decrypt", "kms:GenerateDataKey")
        return [allow(grantee, *actions, on=[self._arn], conditions=fence)]


@jsii.implements(IStableAnyProducer)
class _Namespaces:
    """All namespaces, including those added later."""

    def __init__(self, namespaces: set[str]) -> None:
        self._namespaces = namespaces

    def produce(self) -> list[str]:
        # A condition must name something, even where nothing is attached.
        return covering(self._namespaces) or ["none"]
