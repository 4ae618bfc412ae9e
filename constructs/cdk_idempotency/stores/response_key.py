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


class ResponseKey:
    """A KMS key, whose data keys are fenced by the namespace in their encryption context."""

    def __init__(self, key: kms.IKey) -> None:
        self.key = key
        self._namespaces: set[str] = set()

    def settings(self) -> dict[str, str]:
        """Return the contract's settings that lead the runtime to it."""
        return {"response_key": self.key.key_arn}

    def grant(self, grantee: iam.IGrantable, namespace: str | None) -> iam.Grant:
        """Allow the grantee to make and to decrypt data keys of a namespace, or (None) of all."""
        context: Any = namespace
        if namespace is None:
            context = Lazy.any(_Namespaces(self._namespaces))
        else:
            self._namespaces.add(namespace)
        fence: Mapping[str, Any] = {
            "StringEquals": {f"kms:EncryptionContext:{ENCRYPTION_CONTEXT}": context}
        }
        return allow(
            grantee, "kms:Decrypt", "kms:GenerateDataKey", on=[self.key.key_arn], conditions=fence
        )


@jsii.implements(IStableAnyProducer)
class _Namespaces:
    """All namespaces, including those added later."""

    def __init__(self, namespaces: set[str]) -> None:
        self._namespaces = namespaces

    def produce(self) -> list[str]:
        # A condition must name something, even where nothing is attached.
        return sorted(self._namespaces) or ["none"]
